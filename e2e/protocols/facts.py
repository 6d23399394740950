"""What was seen of one release of one kind, as a value. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.protocols.evidence import Call
from e2e.protocols.journal import PhaseSeen, ShareSeen
from e2e.protocols.kind import Kind, Release

_MARGIN_S = 0.3
"""From when Envoy shows a share until all its threads are sure to go by it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which Envoy gave the canary the same share all along, and what its clients got."""

    percent: int
    seconds: float
    records: tuple[Record, ...]

    def by(self, workload: str) -> int:
        """How many were answered by that workload."""
        return sum(record.workload == workload for record in self.records)


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """One release of one kind."""

    kind: Kind
    release: Release
    began_at_s: float
    ended_at_s: float
    phases: tuple[PhaseSeen, ...]
    shares: tuple[ShareSeen, ...]
    """Of the second side; the first of them is from before the release."""
    records: tuple[Record, ...]
    """Of the kind's own clients."""
    calls: tuple[Call, ...]
    """Of its hook."""
    differences: tuple[str, ...]
    """In the user's objects, at any time from when the version was applied."""
    overdue: str = ""

    @property
    def percents(self) -> tuple[int, ...]:
        """What Envoy gave the canary, one after the other."""
        return tuple(self._of_canary(seen.percent) for seen in self.shares)

    def windows(self) -> Iterator[Window]:
        """The times between two changes, without what was sent while one was on its way."""
        ends = [*(seen.before_s for seen in self.shares[1:]), self.ended_at_s]
        for seen, end_s in zip(self.shares, ends, strict=True):
            since_s = max(seen.at_s + _MARGIN_S, self.began_at_s)
            # Whom an answer came from was settled when the request was sent.
            found = tuple(one for one in self.records if since_s <= one.sent_at_s < end_s - _MARGIN_S)
            yield Window(self._of_canary(seen.percent), end_s - since_s, found)

    def _of_canary(self, second_percent: int) -> int:
        return second_percent if self.release.canary == self.kind.second else 100 - second_percent
