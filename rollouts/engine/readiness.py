"""Pods that have just become ready are not in every proxy yet: a workload counts as ready a moment later.

Weight that is given in that moment meets a proxy that knows no pod to send it to, and clients get a 503. Kept in the
process alone: one that has just started takes what is ready for settled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rollouts.core.observed import Observed, WorkloadState

SETTLES_IN = timedelta(seconds=2)
"""How long the news of a pod may be on its way: from its endpoint through the control plane to the last proxy."""
AT_ONCE = timedelta()
"""For a world without proxies, such as a simulation's."""


@dataclass(slots=True)
class Readiness:
    """Since when the two workloads of one Canary are ready. Forgotten with the process."""

    settles_in: timedelta = SETTLES_IN
    _looked: bool = False
    _since: dict[str, datetime] = field(default_factory=dict)
    """By side; absent while it is not ready."""

    def look(self, seen: Observed) -> tuple[WorkloadState | None, WorkloadState | None]:
        """Target and primary as they are seen, with what is ready for a moment only as not ready."""
        target = self._settled("target", seen.target, seen.now)
        primary = self._settled("primary", seen.primary, seen.now)
        self._looked = True
        return target, primary

    def settles_at(self, now: datetime) -> datetime | None:
        """When one of them counts; None if none is on its way."""
        instants = (since + self.settles_in for since in self._since.values())
        return min((instant for instant in instants if instant > now), default=None)

    def _settled(self, side: str, workload: WorkloadState | None, now: datetime) -> WorkloadState | None:
        if workload is None or not workload.ready or workload.available == 0:
            self._since.pop(side, None)
            return workload
        since = self._since.setdefault(side, now if self._looked else now - self.settles_in)
        return workload if now >= since + self.settles_in else replace(workload, ready=False)
