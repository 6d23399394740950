"""Why a Canary is where it is, what comes next and when, and what a person may do: said of its spec and status. Pure.

For people, by whatever shows them Canaries. Nothing is decided here. Where only the world knows, such as when pods are
ready, there is no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Condition, ConditionType, GateStatus, Phase, Verdict
from rollouts.core.choices import WHILE_SUSPENDED, possible, safe_choice
from rollouts.core.deciding import worst
from rollouts.core.parts import in_percent
from rollouts.core.plan import Step, current_step, next_step, next_weight_back, plan_of
from rollouts.core.prospects import (
    Coming,
    after_step,
    gate_ends,
    judged_at,
    over_at,
    promoted_at,
    share_words,
    step_words,
)
from rollouts.core.schedule import DRAIN_TIMEOUT, deadline


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a person wants to know of a Canary."""

    why: str
    """Why it is where it is, in one sentence."""
    coming: tuple[Coming, ...]
    """What comes next, in this order."""
    possible: tuple[Verb, ...]
    """The actions that make sense now."""
    safe: Verb | None
    """The one that can't make anything worse; None where nothing has to be done."""


def outlook(spec: CanarySpec, status: CanaryStatus, now: datetime, grid_s: float = 0) -> Outlook:
    """All of it. `grid_s` is the controller's grid of judgements, where that is known."""
    coming = () if spec.suspend else tuple(_coming(spec, status, now, grid_s))
    return Outlook(_why(spec, status), coming, possible(spec, status), safe_choice(spec, status))


def why_now(found: Outlook, status: CanaryStatus, generation: int) -> str:
    """The outlook's word on an object of that generation; with a hint where the status speaks of the spec before it."""
    if status.phase is None or status.observed_generation >= generation:
        return found.why
    return f"{found.why} (the controller has not seen the last change of the spec yet)"


def _why(spec: CanarySpec, status: CanaryStatus) -> str:
    ready = condition_of(status, ConditionType.READY)
    if spec.suspend:
        return WHILE_SUSPENDED
    if status.phase is None:
        return "the controller has not looked at it yet"
    if ready is not None and ready.status == "False" and ready.message:
        return ready.message
    if status.phase in {Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION} and (held := _held(status)):
        return held
    if status.phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION}:
        return _stepping(spec, status)
    promoted = condition_of(status, ConditionType.PROMOTED)
    return promoted.message if promoted is not None and promoted.message else f"it is {status.phase}"


def _held(status: CanaryStatus) -> str:
    """What keeps a release from going on though nothing is wrong with it: a person, a window, a gate."""
    share = in_percent(status.desired_weight, status.weight_total)
    if status.paused_at is not None:
        return f"a person has paused it at {share}"
    if status.hold is not None:
        return status.hold.message
    if status.gate is not None and not status.gate.approved:
        gate = status.gate
        return f"held at {share} by the gate {gate.type}: {gate.message or 'it is closed'}{_heard(gate)}"
    return ""


def _heard(gate: GateStatus) -> str:
    """Who has approved, at a gate that takes several persons."""
    if gate.needed == 1:
        return ""
    given = ", ".join(one.user for one in gate.approvals)
    return f"; {len(gate.approvals)} of {gate.needed} approvals{f': {given}' if given else ''}"


def _stepping(spec: CanarySpec, status: CanaryStatus) -> str:
    step = current_step(spec.analysis, status)
    if step is None:
        pods = condition_of(status, ConditionType.RECONCILING)
        told = f": {pods.message}" if pods is not None and pods.message else ""
        unready = "not all pods are ready" if status.not_ready_since is not None else "the first step is prepared"
        return f"{unready}{told}"
    where = step_words(spec.analysis, step)
    if status.dwell_started_at is None:
        return f"{where}: waiting for the routes to carry it"
    failed = f"; failed checks {status.failed_checks} of {spec.analysis.threshold}" if status.failed_checks else ""
    if not status.metrics:
        return f"{where}: not judged yet{failed}"
    last = worst(status.metrics)
    said = "all checks passed" if last.verdict is Verdict.PASS else f"{last.verdict}: {last.message}"
    share = status.share
    if last.verdict is Verdict.PASS and share is not None and share.in_force is False:
        said = f"all checks passed, but {share.message}"
    return f"{where}: {said}{failed}"


def _coming(spec: CanarySpec, status: CanaryStatus, now: datetime, grid_s: float) -> Iterator[Coming]:
    match status.phase:
        case Phase.WAITING:
            yield from _after_waiting(spec, status)
        case Phase.PROGRESSING | Phase.WAITING_PROMOTION:
            yield from _in_steps(spec, status, now, grid_s)
        case Phase.PROMOTING:
            yield from _in_promotion(spec, status)
        case Phase.FINALISING:
            yield Coming("the old version is silent and scaled down, then Succeeded", _drained_at(spec, status))
        case Phase.INITIALIZED | Phase.SUCCEEDED | Phase.FAILED:
            yield from _at_rest(spec, status)
        case Phase.TERMINATING:
            yield Coming("it is let go when nothing is left of what was made for it")
        case _:
            yield Coming("Initialized, when the side that serves is ready and has all traffic")


def _after_waiting(spec: CanarySpec, status: CanaryStatus) -> Iterator[Coming]:
    if status.hold is not None and status.hold.until is not None:
        yield Coming(f"{status.hold.reason} is over", status.hold.until)
    if ends := gate_ends(spec, status):
        yield ends
    if status.gate is None and status.hold is not None and spec.analysis.hooks(HookType.CONFIRM_ROLLOUT):
        yield Coming(f"the gate {HookType.CONFIRM_ROLLOUT}")
    yield Coming(f"its pods start, then {step_words(spec.analysis, plan_of(spec.analysis)[0])}")


def _in_steps(spec: CanarySpec, status: CanaryStatus, now: datetime, grid_s: float) -> Iterator[Coming]:
    if status.hold is not None and status.hold.until is not None:
        yield Coming(f"{status.hold.reason} is over", status.hold.until)
    if ends := gate_ends(spec, status):
        yield ends
    if late := deadline(spec, status):
        yield Coming("rolled back, if not all pods are ready by then", late)
    step = current_step(spec.analysis, status)
    judged = None if step is None else judged_at(spec, status, step, now, grid_s)
    if step is None or judged is None:
        yield after_step(spec, status)
        return
    yield Coming(f"{share_words(spec.analysis, step)} is judged", judged)
    held = bool(_held(status))
    over = over_at(spec, status, step, max(judged, now))
    following = after_step(spec, status, None if held else over)
    yield following
    if not held and next_step(spec.analysis, status) is not None:
        yield Coming("the promotion, if every step passes at once", promoted_at(spec, status, over))


def _in_promotion(spec: CanarySpec, status: CanaryStatus) -> Iterator[Coming]:
    if late := deadline(spec, status):
        yield Coming("failed, if the side that is to serve is not ready by then", late)
    back = next_weight_back(spec.analysis, status.desired_weight)
    if status.stable_subset:
        yield Coming("the released subset takes the role of the one that served")
    elif status.desired_weight and back:
        yield Coming(f"the canary's share falls to {in_percent(back, status.weight_total)} when the primary is ready")
    else:
        yield Coming("all traffic returns to the primary when it runs the new revision")


def _at_rest(spec: CanarySpec, status: CanaryStatus) -> Iterator[Coming]:
    if not status.drained:
        yield Coming("the side without traffic is silent and scaled down", _drained_at(spec, status))
    first: Step = plan_of(spec.analysis)[0]
    yield Coming(f"nothing, until there is a new revision; it begins with {step_words(spec.analysis, first)}")


def _drained_at(spec: CanarySpec, status: CanaryStatus) -> datetime | None:
    """The latest time at which the side out of traffic is given up."""
    if status.drain_started_at is None:
        return None
    kept = timedelta(seconds=spec.scale_down_delay_s) if spec.swaps else timedelta()
    return status.drain_started_at + max(kept, DRAIN_TIMEOUT)


def condition_of(status: CanaryStatus, kind: ConditionType) -> Condition | None:
    """The condition of that type."""
    return next((one for one in status.conditions if one.type == kind), None)
