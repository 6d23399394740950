"""What people were told: the Kubernetes Events of Canaries, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rollouts.api.resources import CANARIES, EVENTS, Manifest
from rollouts.cli.cluster.paint import Paint
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.times import since
from rollouts.core.history import happened_at, in_order
from rollouts.kube.scope import Scope

KEPT = "a cluster keeps events for an hour, unless it is told otherwise"


def events_of(session: Session, name: str = "") -> Scope:
    """The events about Canaries, or about the one of that name."""
    about = [f"involvedObject.kind={CANARIES.kind}", *([f"involvedObject.name={name}"] if name else [])]
    return Scope(EVENTS, session.namespace, fields=",".join(about))


async def read_events(session: Session, name: str = "") -> list[Manifest]:
    """Those that there are, oldest first. Raises CommandRefused."""
    return in_order(await session.listed(events_of(session, name)))


def table(events: Sequence[Manifest], now: datetime, paint: Paint, *, names: bool, namespaces: bool = False) -> str:
    """A line for each."""
    titles = [
        *(("NAMESPACE",) if namespaces else ()),
        "AGE",
        "TYPE",
        *(("CANARY",) if names else ()),
        "REASON",
        "MESSAGE",
    ]
    return paint.table(titles, [_cells(event, now, names=names, namespaces=namespaces) for event in events])


def _cells(event: Manifest, now: datetime, *, names: bool, namespaces: bool) -> list[str]:
    about = event.get("involvedObject") or {}
    return [
        *((str(about.get("namespace", "")),) if namespaces else ()),
        since(happened_at(event), now),
        str(event.get("type", "")),
        *((str(about.get("name", "")),) if names else ()),
        str(event.get("reason", "")),
        " ".join(str(event.get("message", "")).split()),
    ]
