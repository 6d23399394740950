"""What the API server's watch has shown of the three Canaries, in the order in which it came."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from typing import Any

from e2e.chaos.plan import NAMES


@dataclass(frozen=True, slots=True)
class Seen:
    """A Canary's status as its watch showed it; the time is in seconds since the epoch."""

    at_s: float
    phase: str
    weight_percent: int
    notices: int
    """How many news there have been."""
    waiting: int
    """How many of them are in the outbox still."""
    lost: int
    """How many were given up."""


class Journal:
    """Lists that only grow. It keeps changes, not repetitions."""

    def __init__(self) -> None:
        self._seen: dict[str, list[Seen]] = {name: [] for name in NAMES}

    def canary_seen(self, canary: Mapping[str, Any]) -> None:
        """A state of a Canary, from its watch."""
        name = canary["metadata"]["name"]
        if name not in self._seen:
            return
        seen, before = read_status(canary.get("status") or {}, time.time()), self._seen[name]
        if not before or astuple(replace(before[-1], at_s=seen.at_s)) != astuple(seen):
            before.append(seen)

    def last(self, name: str) -> Seen:
        """How a Canary was last seen."""
        seen = self._seen[name]
        return seen[-1] if seen else read_status({}, 0.0)

    def since(self, name: str, at_s: float) -> tuple[Seen, ...]:
        """The changes from that time on."""
        return tuple(one for one in self._seen[name] if one.at_s >= at_s)


def read_status(status: Mapping[str, Any], at_s: float) -> Seen:
    """What counts of a Canary's status."""
    return Seen(
        at_s=at_s,
        phase=status.get("phase") or "",
        weight_percent=status.get("desiredWeight") or 0,
        notices=status.get("notices") or 0,
        waiting=len(status.get("outbox") or ()),
        lost=status.get("noticesLost") or 0,
    )
