"""What can be found before the first step: the approval of the start, pods, tests before any traffic."""

from __future__ import annotations

from datetime import timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Verdict
from rollouts.core.deciding import worst
from rollouts.core.ending import has_everything, reverted
from rollouts.core.finding import Finding, missing, newest, together, waited
from rollouts.core.gate import Gate, calls_of, look_at
from rollouts.core.holds import hold_of_start, hold_of_step, hold_of_turn, is_known
from rollouts.core.judge import judge_hook
from rollouts.core.judged import decide
from rollouts.core.measurement import Subject
from rollouts.core.observed import Hold, Observed, Problem, grown
from rollouts.core.onward import go_on, held_by
from rollouts.core.phases import Event
from rollouts.core.resting import find_drain
from rollouts.core.schedule import deadline
from rollouts.core.tracking import READING, secrets_known
from rollouts.core.unready import wait_for_pods

_WAITS = frozenset({Event.WAITED, Event.HELD})


def find_waiting(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """A new revision waits for its time, its approval and its turn, in this order.

    Its pods are not started yet, those of the run before drain.
    """
    if seen.target is None:
        return Finding(Event.ROLLBACK, "the target is gone")
    if seen.target.revision != status.last_applied_spec:
        if reverted(status, seen):
            return Finding(Event.REVERTED, "the target went back to the promoted revision before it was released")
        if not secrets_known(status, seen):
            return waited(READING)
        return Finding(Event.GATED, f"revision {seen.target.revision} is new")
    found = _may_start(spec, status, seen)
    if status.drained or found.event not in _WAITS:
        return found
    drain = find_drain(spec, status, seen)
    # What holds the next release is told after that, and delays nothing of the run before.
    return together(drain, found) if found.event is Event.WAITED or drain.event is Event.DRAINED else found


def _may_start(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """What a release waits for before it starts. At a gate, or in the queue, it hears of windows that close."""
    later = waited("", wake_at=seen.holds_change_at)
    if hold := hold_of_start(status, seen):
        return together(_told(status, hold), later)
    gate = look_at(HookType.CONFIRM_ROLLOUT, spec, status, seen)
    at_gate = waited(gate.message, asks=gate.asks, wake_at=gate.wake_at)
    if gate.failed:
        return Finding(Event.ROLLBACK, gate.failed)
    if not gate.is_open and (status.gate is None or status.hold is not None):
        return Finding(Event.HELD, gate.message, gate=HookType.CONFIRM_ROLLOUT)
    if not gate.is_open:
        return together(at_gate, later)
    if hold := hold_of_turn(status, seen):
        return together(_told(status, hold), together(at_gate, later))
    return Finding(Event.CONFIRMED, f"revision {status.last_applied_spec} may start")


def _told(status: CanaryStatus, hold: Hold) -> Finding:
    """Held by that: said where it is news."""
    return waited(hold.message) if is_known(status, hold) else Finding(Event.HELD, hold.message, hold=hold)


def find_replacing(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The canary's pods have the configuration of before: out of traffic and silent, they make room for others."""
    ends_at = deadline(spec, status)
    if status.desired_weight > 0:
        old = f"the pods of {spec.target} have the configuration of before, and serve while the primary can't"
        way_out = (
            f"kubectl rollout restart {spec.target.kind.lower()}/{spec.target.name} gives it pods that have the new one"
        )
        problem = Problem("ConfigNotInForce", f"{old}: {way_out}")
        return Finding(Event.BLOCKED, problem.message, wake_at=ends_at, problem=problem)
    waits = waited("replacing the canary's pods, which have the configuration of before", wake_at=ends_at)
    return waits if status.drained else together(find_drain(spec, status, seen), waits)


def find_first(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """All pods first, then the tests; then the first step, or the primary at once where nothing is to be judged."""
    if not secrets_known(status, seen):
        return waited(READING, wake_at=deadline(spec, status))
    if not grown(seen.target):
        return _wait(spec, status, seen, Subject.CANARY)
    # A canary that took everything over from a primary that is gone waits for nobody: its promotion makes another one.
    if not (grown(seen.primary) or has_everything(status)):
        return _wait(spec, status, seen, Subject.STABLE)
    if status.paused_at is not None:
        return waited("paused before the first step")
    found = _next(spec, status, seen)
    held = found.hold is not None and is_known(status, found.hold)
    at_gate = found.event is Event.HELD and found.gate is not None and found.gate is _gate_known(status)
    if not (held or at_gate):
        return found
    gate = Gate() if status.gate is None else look_at(status.gate.type, spec, status, seen)
    waits = waited(found.message, asks=gate.asks, wake_at=gate.wake_at)
    return together(waits, waited("", wake_at=seen.holds_change_at)) if held else waits


def _gate_known(status: CanaryStatus) -> HookType | None:
    return status.gate.type if status.gate is not None else None


def _next(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    if not spec.skip_analysis:
        return _tested(spec, status, seen) or go_on(spec, status, seen, "the canary is ready")
    skipped = "the analysis is skipped"
    hold = hold_of_step(status, seen)
    return Finding(Event.STEPS_PASSED, skipped) if hold is None else held_by(status, hold, skipped)


def _wait(spec: CanarySpec, status: CanaryStatus, seen: Observed, side: Subject) -> Finding:
    text = f"waiting for the {'canary' if side is Subject.CANARY else 'primary'}'s pods"
    since, ends_at = status.not_ready_since, deadline(spec, status)
    return wait_for_pods(text, seen, side, since=since, ends_at=ends_at)


def _tested(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding | None:
    """What the pre-rollout hooks say; None once all of them have agreed."""
    calls = calls_of(HookType.PRE_ROLLOUT, spec, status)
    due_at = seen.now if status.started_at is None else status.started_at
    if status.last_check_at is not None:
        due_at = status.last_check_at + timedelta(seconds=spec.analysis.interval_s)
    if not calls:
        return None
    if seen.now < due_at:
        return waited("waiting to test the canary again", wake_at=due_at)
    if unanswered := missing(seen.samples, calls, due_at):
        return waited("testing the canary before its first request", asks=unanswered)
    answers = [newest(seen.samples, call, due_at) for call in calls]
    results = tuple(judge_hook(answer) for answer in answers if answer is not None)
    return None if worst(results).verdict is Verdict.PASS else decide(spec, status, seen, results)
