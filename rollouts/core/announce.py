"""What people are told of a transition, and how loudly. One sentence, with the numbers that decided."""

from __future__ import annotations

from dataclasses import replace

from rollouts.api.analysis import Strategy
from rollouts.api.status import CanaryStatus, Phase, Verdict
from rollouts.core.conditions import is_told
from rollouts.core.deciding import worst
from rollouts.core.decision import Announcement
from rollouts.core.finding import Finding
from rollouts.core.observed import SUSPENDED, Hold, Problem
from rollouts.core.parts import in_percent
from rollouts.core.patience import passes
from rollouts.core.phases import Event
from rollouts.core.share import refutes
from rollouts.core.stuck import STUCK

_LOUD = frozenset(
    {
        Event.CHECK_FAILED,
        Event.ROLLBACK,
        Event.STRANDED,
        Event.CANARY_LOST,
        Event.SUPERSEDED,
        Event.REFUSED,
        Event.GIVEN_UP,
        Event.STABLE_CHANGED,
        Event.OVERRIDDEN,
    }
)
_SILENT = frozenset({Event.WAITED, Event.PRIMARY_READY})


def announcement_of(before: CanaryStatus, after: CanaryStatus, finding: Finding) -> Announcement | None:
    """The news of one step, or None if there is nothing new to say."""
    if finding.event is Event.BLOCKED:
        return _blocked(before, after, finding)
    if finding.event in _SILENT or (finding.event is Event.DRAINED and after.phase is before.phase):
        return None
    if finding.hold is not None:
        return _held(before, after, finding, finding.hold)
    if finding.event is Event.CHECK_PASSED and not _counts(before, after):
        return None
    undecided = finding.event is Event.UNDECIDED
    if undecided and finding.problem is not None:
        known = _is_known(before, after, finding.problem)
        return None if known else Announcement(finding.problem.reason, _sentence(before, after, finding), warning=True)
    if undecided and (after.paused_at or _is_told(before, after) or _is_open(after)):
        return None
    if finding.event is Event.HELD and before.gate is not None and before.gate.type is finding.gate:
        return None
    return Announcement(
        _reason(finding, after), _sentence(before, after, finding), warning=finding.event in _LOUD or undecided
    )


def _held(before: CanaryStatus, after: CanaryStatus, finding: Finding, hold: Hold) -> Announcement | None:
    """A hold is said once, with what it waits for."""
    if before.hold is not None and before.hold.reason == hold.reason:
        return None
    said = replace(finding, event=Event.HELD, message=hold.message)
    return Announcement(_reason(said, after), _sentence(before, after, said))


def _counts(before: CanaryStatus, after: CanaryStatus) -> bool:
    """Whether a check that passed brought an iteration: else it is one of many while a weight is held."""
    return after.strategy in {Strategy.AB, Strategy.BLUE_GREEN} and after.iterations > before.iterations


def _held_by_share(status: CanaryStatus) -> bool:
    """Whether the checks passed, and the requests do not follow the weight."""
    return refutes(status.share, status) and bool(status.metrics) and worst(status.metrics).verdict is Verdict.PASS


def _is_told(before: CanaryStatus, after: CanaryStatus) -> bool:
    return bool(before.metrics) and worst(before.metrics).verdict == worst(after.metrics).verdict


def _is_known(before: CanaryStatus, after: CanaryStatus, problem: Problem) -> bool:
    """Whether what holds the release was told at a judgement before."""
    if problem.reason == STUCK:
        return is_told(before, problem)
    return _is_told(before, after) if worst(after.metrics).verdict is Verdict.SHARED_BREACH else _held_by_share(before)


def _is_open(after: CanaryStatus) -> bool:
    """Whether time will tell: that a release is judged, and not done yet, is no news."""
    return worst(after.metrics).verdict is Verdict.INCONCLUSIVE


def _blocked(before: CanaryStatus, after: CanaryStatus, finding: Finding) -> Announcement | None:
    if finding.problem is None or not _is_news(before, after, finding.problem):
        return None
    return Announcement(finding.problem.reason, finding.message, warning=finding.problem != SUSPENDED)


def _is_news(before: CanaryStatus, after: CanaryStatus, problem: Problem) -> bool:
    """Whether people have to be told now: of what may end by itself, when they were spared long enough."""
    if passes(problem):
        return before.untold_since is not None and after.untold_since is None
    return not is_told(before, problem)


def _reason(finding: Finding, after: CanaryStatus) -> str:
    if finding.event is Event.HELD and after.phase is Phase.WAITING:
        return "Waiting"
    if finding.event is Event.DRAINED:
        return "Succeeded"
    return {
        Event.PREPARED: "Initialized", Event.STEPS_PASSED: "Promoting", Event.GATED: "Waiting",
        Event.PROMOTION_GATED: "WaitingPromotion",
    }.get(finding.event, finding.event)  # fmt: skip


def _share(status: CanaryStatus) -> str:
    return in_percent(status.desired_weight, status.weight_total)


def _sentence(before: CanaryStatus, after: CanaryStatus, finding: Finding) -> str:
    weights = f"Weight {_share(before).removesuffix(' %')} -> {_share(after)}"
    match finding.event:
        case Event.ADVANCE:
            step = f"step {after.step_index} of {after.step_count}"
            dark = "Requests are copied to the canary" if after.mirrored else "The canary is up without traffic"
            return f"{weights if after.desired_weight else dark}, {step}: {finding.message}"
        case Event.WEIGHT_SET | Event.SHIFTED | Event.HANDED_BACK:
            return f"{weights}: {finding.message}"
        case Event.GATED:
            what = f"it waits: {after.hold.message}" if after.hold is not None else "it waits for confirm-rollout"
            return f"{_upper(finding.message)}: {what}"
        case Event.HELD:
            waiting = after.phase is Phase.WAITING
            where = f"Revision {after.last_applied_spec} waits" if waiting else f"Held at {_share(after)}"
            return f"{where}: {finding.message}"
        case Event.PROMOTION_GATED:
            return f"Revision {after.last_applied_spec} waits to be promoted: {finding.message}"
        case Event.STEPS_PASSED if not finding.results and (finding.action is not None or before.gate is None):
            goes = "takes all traffic" if after.stable_subset else "goes to the primary"
            return f"Revision {after.last_applied_spec} {goes} ahead of its steps: {finding.message}"
        case Event.STEPS_PASSED:
            steps = "its step" if after.step_count == 1 else f"all {after.step_count} steps"
            return f"Revision {after.last_applied_spec} passed {steps}: {finding.message}"
        case Event.ROLLBACK | Event.STRANDED:
            how = "is ended" if finding.action is not None else "failed"
            stable = f"stable side, subset {after.stable_subset}" if after.stable_subset else "primary"
            where = stable if after.desired_weight == 0 else "canary"
            what = f"Revision {after.last_applied_spec} at {_share(before)} {how}: {finding.message}"
            return f"{what}; all traffic is on the {where}"
        case Event.DRAINED:
            return f"Revision {after.last_promoted_spec} is promoted and serves all traffic"
        case _:
            return _upper(finding.message or str(after.phase or Phase.INITIALIZING))


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]
