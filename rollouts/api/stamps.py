"""Instants as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def instant_of(stamp: object) -> datetime | None:
    """A time as the API has it; None for what is none."""
    if not isinstance(stamp, str) or not stamp:
        return None
    try:
        told = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return told if told.tzinfo is not None else told.replace(tzinfo=UTC)
