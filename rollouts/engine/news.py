"""Kubernetes Events: what was announced, on the Canary it is about. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

from rollouts.api.resources import CANARIES, EVENTS, Manifest
from rollouts.core.decision import Announcement
from rollouts.ports import Create

COMPONENT = "rollouts"
_NAME_MAX = 253
_MESSAGE_MAX = 1024


def render_event(canary: Manifest, news: Announcement, at: datetime) -> Create:
    """The Event, named by what it says of which state: sending it again makes no second one."""
    metadata = canary["metadata"]
    identity = "|".join((metadata["uid"], metadata["resourceVersion"], news.reason, news.message))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    # Cut where a dot or a dash stands, the name would have an empty label.
    about = metadata["name"][: _NAME_MAX - len(digest) - 1].rstrip("-.")
    return Create(
        EVENTS,
        {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "name": f"{about}.{digest}",
                "namespace": metadata["namespace"],
            },
            "involvedObject": {
                "apiVersion": CANARIES.api_version,
                "kind": CANARIES.kind,
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
            },
            "type": "Warning" if news.warning else "Normal",
            "reason": news.reason,
            "message": news.message[:_MESSAGE_MAX],
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": COMPONENT,
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        },
    )
