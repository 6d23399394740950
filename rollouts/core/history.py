"""The releases of a Canary: what its status and what people were told of it say of each. Pure.

The status knows the present or last release. Those before it stand in Kubernetes' Events, for as long as the cluster
keeps them. Nothing is made up for the rest. For whatever shows people Canaries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rollouts.api.resources import CANARIES, Manifest
from rollouts.api.stamps import instant_of

_REVISION = re.compile(r"[Rr]evision ([0-9a-f]{16})")
_WEIGHT = re.compile(r"^Weight [0-9.]+ -> ([0-9.]+) %")
_BEGINS = frozenset({"NewRevision", "Waiting", "Rescue", "Superseded", "Undone"})
_ENDS = {"Succeeded": "promoted", "Rollback": "rolled back", "Stranded": "rolled back", "Reverted": "taken back"}


@dataclass(frozen=True, slots=True)
class Run:
    """One release."""

    revision: str
    began: datetime | None = None
    ended: datetime | None = None
    outcome: str = "running"
    """running, promoted, rolled back, taken back, or replaced."""
    greatest: float = 0.0
    """The largest share that the canary had, in percent."""
    why: str = ""
    """What was said last."""


def runs_of(events: Sequence[Manifest], canary: Manifest) -> list[Run]:
    """The releases, oldest first; `events` in order."""
    runs: list[Run] = []
    for event in events:
        _read(event, runs)
    last = _present(canary.get("status") or {})
    if last is None:
        return runs
    if not (runs and _same(runs[-1], last)):
        return [*runs, last]
    # What was taken back stands in the status by the revision before it.
    known = runs[-1]
    greatest = max(known.greatest, last.greatest)
    return [*runs[:-1], replace(last, revision=known.revision, greatest=greatest, why=known.why or last.why)]


def _read(event: Manifest, runs: list[Run]) -> None:
    """Note what one event says of the runs."""
    reason, message = str(event.get("reason", "")), " ".join(str(event.get("message", "")).split())
    at, found = happened_at(event), _REVISION.search(message)
    revision = found[1] if found else ""
    if reason in _BEGINS and revision and not (runs and runs[-1].ended is None and runs[-1].revision == revision):
        if runs and runs[-1].ended is None:
            runs[-1] = replace(runs[-1], ended=at, outcome="replaced", why=message)
        runs.append(Run(revision, began=at, why=message))
    elif runs and runs[-1].ended is None:
        weight = _WEIGHT.match(message)
        greatest = max(runs[-1].greatest, float(weight[1]) if weight else 0.0)
        over = _ENDS.get(reason)
        runs[-1] = replace(
            runs[-1], greatest=greatest, why=message, outcome=over or runs[-1].outcome, ended=at if over else None
        )
    elif reason in _ENDS and revision:
        runs.append(Run(revision, ended=at, outcome=_ENDS[reason], why=message))


def _present(status: dict[str, object]) -> Run | None:
    """The release that the status speaks of; None before the first one."""
    began = instant_of(status.get("startedAt"))
    if began is None:
        return None
    phase, conditions = status.get("phase"), status.get("conditions")
    told = [one for one in conditions if one.get("type") == "Promoted"] if isinstance(conditions, list) else []
    reverted = bool(told) and told[0].get("reason") == "Reverted"
    outcome = {"Succeeded": "taken back" if reverted else "promoted", "Failed": "rolled back"}.get(
        str(phase), "running"
    )
    weight, total = status.get("desiredWeight"), status.get("weightTotal")
    share = 100 * weight / total if isinstance(weight, int) and isinstance(total, int) and total else 0.0
    return Run(
        str(status.get("lastAppliedSpec") or ""),
        began,
        instant_of(status.get("finishedAt")),
        outcome,
        share,
        str(told[0].get("message") or "") if told else "",
    )


def _same(run: Run, last: Run) -> bool:
    """Whether both are one release: of the same revision there may be several."""
    if run.began is None or last.began is None:
        return run.revision == last.revision
    return abs((run.began - last.began).total_seconds()) < 2.0


def in_order(events: Sequence[Manifest]) -> list[Manifest]:
    """Ours, by the time at which they happened. A Canary of Flagger's has the same kind."""
    ours = [event for event in events if is_ours(event)]
    return sorted(ours, key=lambda event: (_stamp(event), _version(event)))


def is_ours(event: Manifest) -> bool:
    """Whether it is about a Canary of this group."""
    return str(event.get("involvedObject", {}).get("apiVersion", "")).startswith(f"{CANARIES.group}/")


def happened_at(event: Mapping[str, Any]) -> datetime | None:
    """When it happened last."""
    return instant_of(_stamp(event))


def _stamp(event: Mapping[str, Any]) -> str:
    stamps = (
        event.get("lastTimestamp"),
        event.get("eventTime"),
        (event.get("metadata") or {}).get("creationTimestamp"),
    )
    return str(next((stamp for stamp in stamps if stamp), ""))


def _version(event: Manifest) -> int:
    told = str(event["metadata"].get("resourceVersion", ""))
    return int(told) if told.isdigit() else 0
