"""What the witnesses have seen so far, in the order they saw it. It keeps changes, not repetitions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from e2e.play.users_part import Kept
from e2e.protocols.envoy import share_in
from e2e.protocols.kind import KINDS
from e2e.protocols.untouched import kept

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PhaseSeen:
    """A Canary's phase as its watch showed it; times are seconds since the epoch."""

    at_s: float
    phase: str


@dataclass(frozen=True, slots=True)
class ShareSeen:
    """Since when Envoy showed this share of the side that comes second at first.

    `before_s` is the begin of the last look that showed the one before.
    """

    at_s: float
    before_s: float
    percent: int


@dataclass(frozen=True, slots=True)
class ObjectsSeen:
    """The user's part of all objects at one time."""

    at_s: float
    kept: Kept


class Journal:
    """Lists that only grow."""

    def __init__(self) -> None:
        self.phases: dict[str, list[PhaseSeen]] = {kind.name: [] for kind in KINDS}
        self.shares: dict[str, list[ShareSeen]] = {kind.name: [] for kind in KINDS}
        self.objects: list[ObjectsSeen] = []
        self._asked_at_s = 0.0

    def phase(self, kind: str) -> str:
        """A Canary's phase as last seen."""
        return self.phases[kind][-1].phase if self.phases[kind] else ""

    def share(self, kind: str) -> int | None:
        """The second side's share as last seen in Envoy."""
        return self.shares[kind][-1].percent if self.shares[kind] else None

    def canary_seen(self, canary: Json) -> None:
        """A state of a Canary, from its watch."""
        for kind in KINDS:
            phase = (canary.get("status") or {}).get("phase", "")
            if canary["metadata"]["name"] == kind.canary and phase != self.phase(kind.name):
                self.phases[kind.name].append(PhaseSeen(time.time(), phase))

    def envoy_seen(self, dumps: Sequence[Json], asked_at_s: float) -> None:
        """What Envoy's configuration has just shown to a look that began then."""
        for kind in KINDS:
            percent = share_in(dumps, kind.sides, kind.second.cluster)
            if percent is not None and percent != self.share(kind.name):
                self.shares[kind.name].append(ShareSeen(time.time(), self._asked_at_s, percent))
        self._asked_at_s = asked_at_s

    def objects_seen(self, objects: list[dict[str, Any]]) -> ObjectsSeen:
        """All objects, as they were just read."""
        seen = ObjectsSeen(time.time(), kept(objects))
        if not self.objects or self.objects[-1].kept != seen.kept:
            self.objects.append(seen)
        return seen
