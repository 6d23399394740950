"""Whose turn it is where no more than some releases may go on at once. Reads Canaries as they are stored.

A Canary that waits for its turn says so in its status, and has all else that it needs for a start: neither a window
that is closed nor an approval that is missing keeps the others waiting. Who has waited longest goes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from rollouts.api.known import Known
from rollouts.api.resources import Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.core.phases import MID_RUN

QUEUED = "Queued"
RUNS = MID_RUN - {Phase.WAITING}
"""Phases in which a release takes a place. It keeps it until its end, whatever is applied meanwhile."""
_RUNS = frozenset(map(str, RUNS))
_WAITING = str(Phase.WAITING)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Turns:
    """Who goes on, and who waits, in order."""

    running: frozenset[ObjectKey]
    queue: tuple[ObjectKey, ...]

    def before(self, key: ObjectKey) -> frozenset[ObjectKey]:
        """Who is before it in the queue; one that is not in it yet comes last."""
        return frozenset(self.queue[: self.queue.index(key)] if key in self.queue else self.queue)


def read_turns(canaries: Iterable[Known], counts: Callable[[ObjectKey], bool] = lambda _key: True) -> Turns:
    """What all Canaries say that count."""
    running, waiting = set(), []
    for canary in canaries:
        turn = canary.told(_turn)
        if turn is True:
            running.add(canary.key)
        elif turn is not None:
            waiting.append((turn, canary.key))
    waiting = [turn for turn in waiting if counts(turn[1])]
    return Turns(frozenset(filter(counts, running)), tuple(key for _, key in sorted(waiting)))


def next_in_turn(canaries: Iterable[Known]) -> ObjectKey | None:
    """Who has waited longest. Quick: each change of a Canary asks it of all."""
    told = ((canary.told(_turn), canary.key) for canary in canaries)
    return min(((turn, key) for turn, key in told if isinstance(turn, datetime)), default=(None, None))[1]


def _turn(canary: Manifest) -> Literal[True] | datetime | None:
    """True if its release takes a place; else since when it waits for one, if it does."""
    status = canary.get("status") or {}
    if status.get("phase") in _RUNS:
        return True
    return _since(status.get("lastTransitionTime")) if _is_queued(canary) else None


def _since(text: object) -> datetime | None:
    """None of a status that can't be read, whose Canary goes nowhere: it keeps no other one waiting."""
    if not text:
        return _LONG_AGO
    try:
        since = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return since if since.tzinfo is not None else None


def _is_queued(canary: Manifest) -> bool:
    """Whether a Canary waits for nothing but its turn, and nothing is wrong with it."""
    status = canary.get("status")
    if not status or status.get("phase") != _WAITING or (status.get("hold") or {}).get("reason") != QUEUED:
        return False
    spec = canary.get("spec") or {}
    told_of = status.get("conditions") or ()
    blocked = any(told.get("type") == ConditionType.READY and told.get("status") == "False" for told in told_of)
    return not (blocked or spec.get("suspend") or "deletionTimestamp" in canary["metadata"])
