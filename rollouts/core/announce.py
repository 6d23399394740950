"""What people are told of a transition, and how loudly. One sentence, with the numbers that decided."""

from __future__ import annotations

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.conditions import is_told
from rollouts.core.decision import Announcement
from rollouts.core.finding import Finding
from rollouts.core.judge import worst
from rollouts.core.observed import SUSPENDED
from rollouts.core.phases import Event

_LOUD = frozenset(
    {Event.CHECK_FAILED, Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.SUPERSEDED, Event.REFUSED}
)
_SILENT = frozenset({Event.WAITED, Event.PRIMARY_READY})


def announcement_of(before: CanaryStatus, after: CanaryStatus, finding: Finding) -> Announcement | None:
    """The news of one step, or None if there is nothing new to say."""
    if finding.event is Event.BLOCKED:
        return _blocked(before, finding)
    if finding.event in _SILENT or (finding.event is Event.DRAINED and after.phase is before.phase):
        return None
    undecided = finding.event is Event.UNDECIDED
    if undecided and (after.paused or _is_told(before, after)):
        return None
    return Announcement(
        _reason(finding), _sentence(before, after, finding), warning=finding.event in _LOUD or undecided
    )


def _is_told(before: CanaryStatus, after: CanaryStatus) -> bool:
    return bool(before.metrics) and worst(before.metrics).verdict == worst(after.metrics).verdict


def _blocked(before: CanaryStatus, finding: Finding) -> Announcement | None:
    if finding.problem is None or is_told(before, finding.problem):
        return None
    return Announcement(finding.problem.reason, finding.message, warning=finding.problem != SUSPENDED)


def _reason(finding: Finding) -> str:
    if finding.event is Event.DRAINED:
        return "Succeeded"
    return {Event.PREPARED: "Initialized", Event.STEPS_PASSED: "Promoting"}.get(finding.event, finding.event)


def _sentence(before: CanaryStatus, after: CanaryStatus, finding: Finding) -> str:
    match finding.event:
        case Event.ADVANCE:
            step = f"step {after.step_index} of {after.step_count}"
            return f"Weight {before.desired_weight} -> {after.desired_weight} %, {step}: {finding.message}"
        case Event.STEPS_PASSED if not finding.results:
            return f"Revision {after.last_applied_spec} goes to the primary ahead of its steps: {finding.message}"
        case Event.STEPS_PASSED:
            return f"Revision {after.last_applied_spec} passed all {after.step_count} steps: {finding.message}"
        case Event.ROLLBACK | Event.STRANDED:
            how = "is ended" if finding.action is not None else "failed"
            where = "primary" if after.desired_weight == 0 else "canary"
            what = f"Revision {after.last_applied_spec} at {before.desired_weight} % {how}: {finding.message}"
            return f"{what}; all traffic is on the {where}"
        case Event.DRAINED:
            return f"Revision {after.last_promoted_spec} is promoted and serves all traffic"
        case _:
            text = finding.message or str(after.phase or Phase.INITIALIZING)
            return text[0].upper() + text[1:]
