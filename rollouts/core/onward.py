"""Where a step that passed leads: more checks, the next share, or the promotion, through what may hold each."""

from __future__ import annotations

from datetime import timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import give_up
from rollouts.core.finding import Finding, waited
from rollouts.core.gate import Gate, look_at
from rollouts.core.grid import EARLY, fits
from rollouts.core.holds import hold_of_step
from rollouts.core.measurement import Subject
from rollouts.core.observed import Hold, Observed, grown
from rollouts.core.parts import in_percent
from rollouts.core.phases import Event
from rollouts.core.plan import Step, current_step, next_step
from rollouts.core.schedule import gate_before
from rollouts.core.share import NOTHING, Share, problem_of
from rollouts.core.unready import because


def may_lead_on(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether a judgement that passes now would end the step, if nothing else holds it."""
    return status.paused_at is None and not _unfinished(spec, status, seen)


def go_on(spec: CanarySpec, status: CanaryStatus, seen: Observed, message: str, *, share: Share = NOTHING) -> Finding:
    """What follows when the last judgement passed, or before the first step when all is ready for it."""
    if unfinished := _unfinished(spec, status, seen):
        return Finding(Event.CHECK_PASSED, f"{unfinished}: {message}")
    if status.paused_at is not None:
        return Finding(
            Event.UNDECIDED, f"paused at {in_percent(status.desired_weight, status.weight_total)}: {message}"
        )
    following = next_step(spec.analysis, status)
    if held := _not_grown(status, seen, following):
        return Finding(Event.UNDECIDED, held)
    if share.asks:
        return waited("counting the requests of both sides", asks=share.asks)
    if problem := problem_of(spec, status, share.told):
        return Finding(Event.UNDECIDED, f"passed, but {problem.message}", problem=problem)
    return _through_gate(spec, status, seen, following, message)


def _not_grown(status: CanaryStatus, seen: Observed, following: Step | None) -> str:
    """Which pods more weight has to wait for, and why; empty if for none."""
    if not grown(seen.target):
        held = "passed, but not all pods of the canary are ready"
        return because(held, seen, Subject.CANARY, status.not_ready_since)
    if following is not None and not grown(seen.primary):
        held = "passed, but not all pods are ready for more weight"
        return because(held, seen, Subject.STABLE, status.not_ready_since)
    return ""


def _through_gate(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, following: Step | None, message: str
) -> Finding:
    kind = gate_before(spec, following)
    gate = Gate() if kind is None else look_at(kind, spec, status, seen)
    if gate.failed:
        return give_up(seen, gate.failed)
    if hold := hold_of_step(status, seen):
        return held_by(status, hold, message)
    if gate.unheard:
        return waited(f"asking {gate.message}", asks=gate.asks)
    if not gate.is_open:
        return _held(status, kind, gate, message)
    return Finding(Event.ADVANCE if following is not None else Event.STEPS_PASSED, message)


def held_by(status: CanaryStatus, hold: Hold, message: str) -> Finding:
    """The step is passed, and the next one is not taken yet. A gate that was asked before stays as it is."""
    if status.phase is Phase.WAITING_PROMOTION:
        return Finding(Event.CHECK_PASSED, f"{message}; {hold.message}", hold=hold)
    return Finding(Event.HELD, hold.message, hold=hold)


def _unfinished(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> str:
    """What the step still takes after a judgement that passed; empty if nothing."""
    step = current_step(spec.analysis, status)
    if step is None or status.dwell_started_at is None:
        return ""
    if status.iterations + 1 < step.checks:
        return f"check {status.iterations + 1} of {step.checks} passed"
    held = seen.now - status.dwell_started_at
    early = EARLY if fits(step.dwell_s, seen.grid_s) else timedelta()
    over = held + early >= timedelta(seconds=step.dwell_s)
    return "" if over else f"held {held / timedelta(seconds=1):.0f} of {step.dwell_s:.0f} s"


def _held(status: CanaryStatus, kind: HookType | None, gate: Gate, message: str) -> Finding:
    if kind is not HookType.CONFIRM_PROMOTION:
        return Finding(Event.HELD, gate.message, wake_at=gate.wake_at, gate=kind)
    if status.phase is Phase.WAITING_PROMOTION:
        return Finding(Event.CHECK_PASSED, f"{message}; waiting for {gate.message}", gate=kind)
    return Finding(Event.PROMOTION_GATED, gate.message, gate=kind)
