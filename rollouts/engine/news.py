"""Kubernetes Events: what was announced, on the Canary it is about. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

from rollouts.api.resources import CANARIES, EVENTS, Manifest
from rollouts.engine.editor import Edition
from rollouts.ports import Create

COMPONENT = "rollouts"
_NAME_MAX = 253
_MESSAGE_MAX = 1024


def render_event(canary: Manifest, edition: Edition, at: datetime) -> Create:
    """The Event, named by what it says of which state: sending it again makes no second one."""
    news = edition.news
    metadata = canary["metadata"]
    identity = "|".join((metadata["uid"], metadata["resourceVersion"], news.reason, news.message))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
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
            "firstTimestamp": _stamp(edition.first_at),
            "lastTimestamp": _stamp(at),
            "count": edition.count,
        },
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
