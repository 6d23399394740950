"""Whose a Canary is: the process's that raised the term in its status last, and that knows of no other since.

Kubernetes can't keep a second controller from writing our objects. So a process claims a Canary before it acts: it
raises the term under the resourceVersion that it read, which only one can do. Who finds that another has raised it
stands back, and takes over when the other leaves undone what is to be done. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.resources import Manifest
from rollouts.api.status import CanaryStatus
from rollouts.core.revision import digest_of

TAKEOVER = timedelta(seconds=5)
"""How long another process may leave something undone, and not write the status, before it is taken for dead."""


@dataclass(slots=True)
class Tenure:
    """What one process knows of the terms of one Canary. Forgotten with the process."""

    term: int | None = None
    """The one that is ours; None while none is."""
    _seen: Manifest | str | None = None
    """The status as it was read last, which the store has too; its digest while the Canary is at rest."""
    _rival: bool = False
    """Whether another process has written the status since this one knows it."""
    _undone_since: datetime | None = None

    def holds(self, status: CanaryStatus) -> bool:
        """Whether a Canary with that status is ours."""
        return status.term == self.term

    def next_term(self, status: CanaryStatus) -> int:
        """The term to write with: the present one where it is ours, else the next."""
        return status.term if self.holds(status) else status.term + 1

    def look(self, status: CanaryStatus, told: Manifest) -> bool:
        """Take note of the status as it was read, and as it is told; whether it is news that another has written it.

        Who wrote what is there at the first look may be dead, as the process is that this one comes after.
        """
        before, self._seen = self._seen, told
        if before == (digest_of(told) if isinstance(before, str) else told):
            return False
        self._undone_since = None
        if self.holds(status):
            return False
        self._rival, self.term = before is not None, None
        return True

    def rest(self) -> None:
        """Nothing is to be done until something changes: the store may pack the status."""
        if isinstance(self._seen, dict):
            self._seen = digest_of(self._seen)

    def stand_back(self, undone: timedelta | None, now: datetime) -> datetime | None:
        """Until when to leave the Canary to another process; None if there is no need to.

        `undone` is for how long that one may rightly be silent about what is to be done; None if there is nothing.
        """
        if undone is None:
            self._undone_since = None
        if undone is None or not self._rival or self.term is not None:
            return None
        self._undone_since = self._undone_since or now
        until = self._undone_since + undone + TAKEOVER
        return until if now < until else None
