"""When evidence is weighed: at instants that follow from the status alone, so that a process that starts anew weighs at
the same ones as one that never ended.

They are an interval apart, from the last judgement that was written on; the end of a step's dwell is one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.analysis import Analysis
from rollouts.api.status import CanaryStatus
from rollouts.core.grid import fits, on_grid
from rollouts.core.plan import Step

MISSED_MAX = 20
"""Evaluations that are made up for; what was counted in still older ones is taken as one."""


@dataclass(frozen=True, slots=True)
class Instants:
    """All of one step."""

    origin: datetime
    interval: timedelta
    over_at: datetime
    """The end of the dwell."""

    @classmethod
    def of(cls, analysis: Analysis, status: CanaryStatus, began: datetime, step: Step, grid_s: float = 0) -> Instants:
        """`began`: when the dwell did. An interval of whole grids keeps to the grid from the first instant on."""
        interval, over_at = timedelta(seconds=analysis.interval_s), began + timedelta(seconds=step.dwell_s)
        if not fits(analysis.interval_s, grid_s) or analysis.interval_s % grid_s:
            return cls(status.last_check_at or began, interval, over_at)
        first, over_at = (on_grid(at, analysis.interval_s, grid_s, timedelta()) for at in (began + interval, over_at))
        return cls(status.last_check_at or first - interval, interval, over_at)

    def after(self, instant: datetime) -> datetime:
        """The next one."""
        due_at = self.origin + ((instant - self.origin) // self.interval + 1) * self.interval
        return self.over_at if instant < self.over_at < due_at else due_at

    def newest(self, now: datetime) -> datetime:
        """The last one that has come; the first of all if none has."""
        passed = (now - self.origin) // self.interval
        due_at = self.origin + passed * self.interval if passed > 0 else self.origin
        due_at = self.over_at if due_at < self.over_at <= now else due_at
        return due_at if due_at > self.origin else self.after(self.origin)

    def between(self, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """Those after `since` and before `until`, ascending: the newest of them."""
        first = max(since, until - MISSED_MAX * self.interval)
        found, instant = [], self.after(first)
        while instant < until:
            found.append(instant)
            instant = self.after(instant)
        return tuple(found)
