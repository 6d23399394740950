"""When a step is judged next, when it is over, and what comes after it: of a release that runs. Pure.

Times are the earliest ones, by the schedule; a check that fails, or has nothing to judge, makes them later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.analysis import Analysis, Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus
from rollouts.core.dues import Dues
from rollouts.core.instants import Instants
from rollouts.core.parts import in_percent
from rollouts.core.plan import Step, next_step, plan_of, step_index
from rollouts.core.schedule import gate_before


@dataclass(frozen=True, slots=True)
class Coming:
    """Something that comes, at what time at the earliest; None where that depends on the world or on a person."""

    what: str
    at: datetime | None = None


def judged_at(spec: CanarySpec, status: CanaryStatus, step: Step, now: datetime, grid_s: float = 0) -> datetime | None:
    """When the step is judged next; None before the routes carry its weight. In the past: it is being judged."""
    began = status.dwell_started_at
    if began is None:
        return None
    if not spec.analysis.sequential:
        dues = Dues(spec, status, began, step, grid_s)
        due_at = dues.newest(now)
        return dues.after(due_at) if due_at <= now and dues.may_go_unwritten(due_at) else due_at
    return Instants.of(spec.analysis, status, began, step, grid_s).after(now)


def over_at(spec: CanarySpec, status: CanaryStatus, step: Step, judged: datetime) -> datetime:
    """When the step can be left at the earliest, given when it is judged next."""
    more = max(0, step.checks - status.iterations - 1)
    began = status.dwell_started_at or judged
    return max(judged + more * timedelta(seconds=spec.analysis.interval_s), began + timedelta(seconds=step.dwell_s))


def promoted_at(spec: CanarySpec, status: CanaryStatus, over: datetime) -> datetime:
    """When all steps can be passed at the earliest, if the present one is left then."""
    plan, place = plan_of(spec.analysis), status.step_index
    rest_s = sum(max(step.dwell_s, step.checks * spec.analysis.interval_s) for step in plan[place:])
    return over + timedelta(seconds=rest_s)


def after_step(spec: CanarySpec, status: CanaryStatus, at: datetime | None = None) -> Coming:
    """What follows the present step: the next share or the promotion, and the gate before it."""
    following = next_step(spec.analysis, status)
    kind = gate_before(spec, following)
    what = "the promotion" if following is None else step_words(spec.analysis, following)
    gated = kind is not None and spec.analysis.hooks(kind)
    return Coming(f"the gate {kind}, then {what}" if gated else what, at)


def step_words(analysis: Analysis, step: Step) -> str:
    """A step as people read it: `20 %, step 2 of 5`."""
    plan = plan_of(analysis)
    return f"{share_words(analysis, step)}, step {step_index(analysis, step.weight)} of {len(plan)}"


def share_words(analysis: Analysis, step: Step) -> str:
    """Who gets the canary in that step."""
    if step.mirrored:
        return "copies of the requests"
    if step.weight == 0:
        return "checks without traffic"
    share = in_percent(step.weight, analysis.weight_total)
    if analysis.strategy in {Strategy.AB, Strategy.MATCHED_WEIGHTS}:
        return f"{share} of the requests that match"
    return share


def gate_ends(spec: CanarySpec, status: CanaryStatus) -> Coming | None:
    """The first deadline of the gate that the release waits at, and what it does then."""
    gate = status.gate
    if gate is None or gate.approved:
        return None
    timed = [
        (gate.since + timedelta(seconds=hook.deadline_s), hook)
        for hook in spec.analysis.hooks(gate.type)
        if hook.deadline_s is not None
    ]
    if not timed:
        return None
    at, hook = min(timed, key=lambda one: one[0])
    if hook.on_deadline == "advance":
        return Coming(f"{hook.name} opens by itself", at)
    end = "given up" if gate.type is HookType.CONFIRM_ROLLOUT else "rolled back"
    return Coming(f"{end}, if {hook.name} is not open by then", at)
