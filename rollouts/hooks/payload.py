"""What a receiver of a webhook is sent, purely: Flagger's payload, so that its receivers work as they are.

`id` is ours: deliveries that may arrive twice bear one, the same each time. Knows nothing of HTTP or of secrets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rollouts.api.resources import Manifest


@dataclass(frozen=True, slots=True)
class About:
    """Which Canary a call is about, and where it is."""

    name: str
    namespace: str
    phase: str
    checksum: str
    """The same as long as the same revision is released."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What an event hook tells."""

    message: str
    type: Literal["Normal", "Warning"]
    at: datetime
    """With a time zone."""


def hook_payload(about: About, metadata: Mapping[str, str], *, delivery_id: str = "") -> Manifest:
    """The payload of every type but event. With `delivery_id` it says by what a second delivery is known."""
    payload: Manifest = {
        "name": about.name,
        "namespace": about.namespace,
        "phase": about.phase,
        "checksum": about.checksum,
        "metadata": dict(metadata),
    }
    return payload | {"id": delivery_id} if delivery_id else payload


def event_payload(
    about: About, metadata: Mapping[str, str], announcement: Announcement, *, delivery_id: str
) -> Manifest:
    """The payload of an event hook. Its three keys stand before the user's of the same name; the time is in Unix ms."""
    told = {
        "eventMessage": announcement.message,
        "eventType": announcement.type,
        "timestamp": str(int(announcement.at.timestamp() * 1000)),
    }
    return hook_payload(about, {**metadata, **told}, delivery_id=delivery_id)
