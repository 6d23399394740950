"""`rollouts get`: Canaries as a table, or as objects."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rollouts.api.resources import Manifest
from rollouts.cli.cluster.paint import Paint
from rollouts.cli.cluster.session import Session
from rollouts.cli.cluster.summary import Summary, summary_of
from rollouts.cli.cluster.written import bared, in_form, listed, named

_COLUMNS = ("name", "phase", "share", "step", "since", "why")
_WIDE = ("name", "phase", "share", "step", "failed", "since", "revision", "promoted", "target", "age", "why")
_TITLES = {"share": "weight", "failed": "failed checks"}


async def listing(session: Session, name: str, form: str, paint: Paint) -> str:
    """What the command writes. Raises CommandRefused."""
    found = [await session.canary(name)] if name else await session.listed(session.scope())
    if form == "name":
        return "".join(f"{named(canary)}\n" for canary in found)
    if form in {"json", "yaml"}:
        bare = [bared(canary) for canary in found]
        return in_form(form, bare[0] if name else listed(bare))
    return table(found, session.now(), paint, form=form, namespaces=not session.namespace)


def table(
    canaries: Sequence[Manifest], now: datetime, paint: Paint, *, form: str = "", namespaces: bool = False
) -> str:
    """A line for each; `wide` has all columns."""
    columns = (*(("namespace",) if namespaces else ()), *(_WIDE if form == "wide" else _COLUMNS))
    titles = [_TITLES.get(column, column).upper() for column in columns]
    rows = [[_cell(summary_of(canary, now), column) for column in columns] for canary in canaries]
    return paint.table(titles, rows)


def _cell(summary: Summary, column: str) -> str:
    return str(getattr(summary, column))


def nothing(session: Session) -> str:
    """What to say where there is none."""
    where = f"in namespace {session.namespace}" if session.namespace else "in any namespace"
    labels = f" with labels {session.labels}" if session.labels else ""
    more = "; -A lists those of all" if session.namespace else ""
    return f"no Canaries {where}{labels}{more}"
