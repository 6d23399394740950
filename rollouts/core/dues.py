"""When a step that is judged by threshold is judged, also while nothing of it is written. Pure.

A judgement that goes unwritten is one all the same: the next is due an interval later. Which those are follows from the
last that was written, so that a process that starts anew keeps to the same instants. It can't know whether the newest
of them was judged, and does that at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.plan import Step
from rollouts.core.schedule import due_at_of

WRITTEN_EVERY = timedelta(minutes=1)
"""What a judgement has measured is written at least that often, though it be no news."""


@dataclass(frozen=True, slots=True)
class Dues:
    """All instants of one step from the last judgement that was written on."""

    spec: CanarySpec
    status: CanaryStatus
    began: datetime
    """When the dwell did."""
    step: Step
    grid_s: float = 0.0

    def after(self, judged_at: datetime | None = None) -> datetime:
        """The one after the judgement of that instant, if it is newer than the one that was written."""
        status = self.status
        if judged_at is not None and status.last_check_at is not None and status.last_check_at < judged_at:
            status = status.model_copy(update={"last_check_at": judged_at})
        return due_at_of(self.spec, status, self.began, self.step, self.grid_s)

    def newest(self, until: datetime, judged_at: datetime | None = None) -> datetime:
        """The last of them up to `until`; the first if none is. One that has to be written is passed over by none."""
        due_at = self.after(judged_at)
        while self.may_go_unwritten(due_at) and (following := self.after(due_at)) <= until:
            due_at = following
        return due_at

    def may_go_unwritten(self, due_at: datetime) -> bool:
        """Whether the judgement after the one of that instant can still be written in time.

        Before its first judgement is written, a step has nothing that another could repeat.
        """
        known, interval = self.status.last_check_at, timedelta(seconds=self.spec.analysis.interval_s)
        return known is not None and due_at + interval - known <= WRITTEN_EVERY
