"""Somebody else keeps changing the routes of one Canary: how soon they are put back, and when people are told.

Pure; times come from outside. A put-back is a write to routes that had done what is meant, and that nothing which is
meant has changed since. Whoever syncs every few seconds is answered at once, for as long as he likes. Whoever answers
each put-back within two seconds is answered ever later, so that two programs do not keep the API server busy. Lost
with the process: then the next one begins at once again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.core.observed import Problem
from rollouts.core.routing import Routing

RAPID = timedelta(seconds=2)
"""Sooner after a put-back than this, it is a fight and no sync."""
DELAY_FIRST = timedelta(seconds=0.1)
DELAY_MAX = timedelta(seconds=30)
CALM = timedelta(minutes=1)
"""After which a fight begins anew."""
CONTESTED_AFTER = 10
"""Put-backs within QUIET."""
QUIET = timedelta(minutes=10)
"""How long nobody may have changed anything before that is no longer told."""
_RAPID_MAX = 16

Meant = tuple[int, Routing]
"""Generation of the spec, and how requests are to be shared."""


@dataclass(slots=True)
class Fight:
    """What is remembered of it."""

    last_at: datetime
    """When routes were last seen changed by somebody else, or put back; at first, when this process began to look."""
    _carried: Meant | None = None
    """What the routes did last."""
    _put_back: tuple[datetime, ...] = ()
    """When, the newest last, of as many as count. Most Canaries have none."""
    _rapid: int = 0
    """Put-backs that were answered at once, one after another."""
    _found: str = ""
    """Which object was changed, and how, in words."""
    _due_at: datetime | None = None
    """When what is undone may be put back; None while nothing is."""

    def look(self, meant: Meant, now: datetime, *, carried: bool) -> None:
        """Take notice of routes that do what is meant, or don't."""
        if carried or meant != self._carried:
            self._due_at = None
            self._carried = meant if carried else self._carried
        elif self._due_at is None:
            self._due_at = now + self._delay(now)
            self.last_at = now

    def due_at(self, now: datetime) -> datetime | None:
        """When the routes may be written, if that is later than now."""
        return self._due_at if self._due_at is not None and self._due_at > now else None

    def put_back(self, now: datetime, found: str) -> None:
        """Routes have been written, which were as `found` says. Nothing to remember if that was no put-back."""
        if self._due_at is not None:
            self._put_back = (*self._put_back, now)[-CONTESTED_AFTER:]
            self.last_at, self._due_at, self._found = now, None, found

    def quiet_at(self) -> datetime:
        """When nothing more is to be told, if nothing happens until then."""
        return self.last_at + QUIET

    def contested(self, told: Problem | None, now: datetime) -> Problem | None:
        """What is to be told; `told` is what the status tells already."""
        if now >= self.quiet_at():
            self._put_back = ()
            return None
        if told is not None:
            return told
        if len(self._put_back) < CONTESTED_AFTER or self._put_back[-1] - self._put_back[0] > QUIET:
            return None
        often = f"{self._found}, and put back {CONTESTED_AFTER} times in 10 minutes"
        return Problem("ChangedByOthers", f"{often}: {_WAY_OUT}")

    def _delay(self, now: datetime) -> timedelta:
        since = now - self._put_back[-1] if self._put_back else CALM
        if since >= CALM:
            self._rapid = 0
        if since >= RAPID:
            return timedelta()
        self._rapid = min(self._rapid + 1, _RAPID_MAX)
        return min(DELAY_FIRST * float(2 ** (self._rapid - 1)), DELAY_MAX)


_WAY_OUT = (
    "install deploy/policies/keep-weights.yaml, or let your tool ignore the weights (ignoreDifferences, see "
    "docs/gitops.md), or name a VirtualService of your own in spec.routeRefs"
)
