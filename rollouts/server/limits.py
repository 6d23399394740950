"""How often one user, or one address, may ask: a bucket of tokens for each, refilled with time. Bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

KEPT = 4096
"""Buckets; those that were not used for longest make room, and are full when they come again."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and so many a second after that."""

    burst: float
    per_s: float


READS = Rate(60, 20)
WRITES = Rate(10, 1)
FAILURES = Rate(20, 0.2)
"""Requests without a good token, or links that are none, of one address."""


class Limiter:
    """Counts one kind of request by whoever makes it."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float]) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, who: str) -> float:
        """How long that one has to wait before the next; 0 if not at all."""
        return max(0.0, (1 - self._level(who)) / self._rate.per_s)

    def count(self, who: str) -> None:
        """One more."""
        self._left[who] = (self._monotonic(), self._level(who) - 1)
        self._left.move_to_end(who)
        while len(self._left) > KEPT:
            self._left.popitem(last=False)

    def take(self, who: str) -> float:
        """Count one more if that one need not wait; else for how long, in seconds."""
        wait_s = self.wait_s(who)
        if wait_s <= 0:
            self.count(who)
        return wait_s

    def _level(self, who: str) -> float:
        now = self._monotonic()
        at, left = self._left.get(who, (now, self._rate.burst))
        return min(self._rate.burst, left + (now - at) * self._rate.per_s)
