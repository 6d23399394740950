"""Whether a judgement is news. One that says what the status says already goes unwritten, for up to a minute.

Nothing is lost by it. Counts and the beginnings of deadlines are in the status, and what changes one of them is written
at once. A process that starts anew knows nothing of those that were not written: what is overdue by the status is
judged at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rollouts.api.status import CanaryStatus, MetricResult, ShareStatus, Verdict
from rollouts.core.dues import WRITTEN_EVERY
from rollouts.core.finding import Finding
from rollouts.core.holds import is_known as is_known_hold
from rollouts.core.phases import Event
from rollouts.core.plan import Step

_ORDINARY = frozenset({Event.CHECK_PASSED, Event.UNDECIDED, Event.HELD})


def is_known(status: CanaryStatus, step: Step, found: Finding) -> bool:
    """Whether a judgement by threshold says what is known."""
    return min(status.iterations + int(found.passed), step.checks) == status.iterations and _repeats(status, found)


def is_quiet(status: CanaryStatus, step: Step, found: Finding, at: datetime) -> bool:
    """Whether evidence weighed at that instant says what is known, and that was written less than a minute ago."""
    written_at = status.last_check_at or status.dwell_started_at
    recent = written_at is not None and at - written_at < WRITTEN_EVERY
    return recent and bool(status.evidence) and (step.checks == 1 or not found.passed) and _repeats(status, found)


def _repeats(status: CanaryStatus, found: Finding) -> bool:
    """Whether all stays as it stands in the status, but for what was measured and when."""
    verdicts = _verdicts(found.results)
    return (
        found.event in _ORDINARY
        and verdicts == _verdicts(status.metrics)
        # Errors are counted, whether by the judgement or by the metric.
        and Verdict.ERROR not in verdicts.values()
        and found.starved == (status.no_data_since is not None)
        and _follows(found.share) == _follows(status.share)
        and (found.problem is None or _is_told(status, found.problem.reason))
        and _holds_as_before(status, found)
    )


def _verdicts(results: Iterable[MetricResult]) -> dict[str, Verdict]:
    return {result.name: result.verdict for result in results}


def _follows(share: ShareStatus | None) -> tuple[int, bool | None] | None:
    return None if share is None else (share.weight, share.in_force)


def _is_told(status: CanaryStatus, reason: str) -> bool:
    return any(condition.reason == reason for condition in status.conditions)


def _holds_as_before(status: CanaryStatus, found: Finding) -> bool:
    """Whether the same gate is closed, for the same reason, and the same window, or none, as was written."""
    if found.event is Event.HELD and not any(found.message in told.message for told in status.conditions):
        return False
    gate = found.gate is None or (status.gate is not None and status.gate.type is found.gate)
    return gate and (status.hold is None if found.hold is None else is_known_hold(status, found.hold))
