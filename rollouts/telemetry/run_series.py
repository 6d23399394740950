"""How long steps and releases took. Both are measured by the times in the status, so a restart takes nothing away.

The series are those of all Canaries together: one of each would be a histogram each.
"""

from __future__ import annotations

from datetime import datetime

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.phases import ENDS, STEPPING
from rollouts.telemetry.book import Book

_ONWARD = STEPPING | {Phase.PROMOTING, Phase.FINALISING}
_STEP_S = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
_RELEASE_S = (30, 60, 120, 300, 600, 1800, 3600, 14400, 43200, 86400, 604800)


_STEP_ENDS = ("Advanced", "Failed", "Ended")


class RunSeries:
    """Histograms in one registry."""

    def __init__(self, book: Book) -> None:
        self._step_s = book.histogram(
            "rollouts_step_seconds",
            "Length of a step, from its weight being in force to the next step, or the end; gates and holds included.",
            "outcome", buckets=_STEP_S,
        )  # fmt: skip
        self._release_s = book.histogram(
            "rollouts_release_seconds", "Length of a release that came to its end.", "outcome", buckets=_RELEASE_S
        )

        # From the start on: Prometheus sees no increase in what begins at 1.
        for outcome in _STEP_ENDS:
            self._step_s.labels(outcome)
        for phase in sorted(ENDS):
            self._release_s.labels(phase)

    def moved(self, before: CanaryStatus, after: CanaryStatus, now: datetime) -> None:
        """A status was written in the place of another."""
        began = before.dwell_started_at
        if before.phase in STEPPING and began is not None and not _is_same_step(before, after):
            self._step_s.labels(_outcome(before, after)).observe((now - began).total_seconds())
        if after.phase in ENDS and before.phase not in ENDS and before.started_at is not None:
            self._release_s.labels(after.phase).observe((now - before.started_at).total_seconds())


def _is_same_step(before: CanaryStatus, after: CanaryStatus) -> bool:
    same_run = before.started_at == after.started_at and after.phase in STEPPING
    return same_run and before.step_index == after.step_index


def _outcome(before: CanaryStatus, after: CanaryStatus) -> str:
    if after.phase is Phase.FAILED:
        return "Failed"
    onward = after.phase not in STEPPING or after.step_index > before.step_index
    return "Advanced" if onward and after.phase in _ONWARD and before.started_at == after.started_at else "Ended"
