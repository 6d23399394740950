"""What must hold for every single Decision, whatever led there. Each check names what it protects."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.durations import duration_s
from rollouts.api.hooks import HookType
from rollouts.api.sequential import Otherwise, Promote
from rollouts.api.status import (
    ACTIONS_TEXT,
    CONDITION_MAX,
    GATE_MAX,
    HOLD_MAX,
    NOTICES_TEXT,
    RESULTS_TEXT,
    CanaryStatus,
    MetricResult,
    Phase,
    Verdict,
)
from rollouts.api.texts import stored_bytes
from rollouts.core.decision import Decision
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.parts import in_parts_of
from rollouts.core.phases import TRANSITIONS, Event
from rollouts.core.plan import next_step
from tests.core.promises import check_gates, check_outbox, check_routing
from tests.core.restraint import check_holds

STATUS_MAX_BYTES = 16 * 1024
STANDING = {Event.WAITED, Event.BLOCKED}


def check(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """All of them."""
    before = in_parts_of(before, spec.analysis.weight_total)
    _check_table(before, decision)
    _check_time(seen, decision)
    _check_raise(spec, before, seen, decision)
    _check_promotion(before, seen, decision)
    _check_failure(spec, before, seen, decision)
    _check_scale(seen, decision)
    check_status(decision.status)
    _check_conditions(before, seen, decision)
    check_gates(spec, before, seen, decision)
    check_routing(before, seen, decision)
    check_outbox(spec, before, seen, decision)
    check_holds(spec, before, seen, decision)


def was_asked(before: CanaryStatus, decision: Decision) -> bool:
    """Whether a person's request led to it."""
    return decision.status.actions != before.actions


def _check_table(before: CanaryStatus, decision: Decision) -> None:
    """The phase and the weight move by the table alone."""
    phase, after = before.phase or Phase.INITIALIZING, decision.status
    assert after.phase is TRANSITIONS[phase, decision.event].to
    assert decision.desired.weight == after.desired_weight
    assert 0 <= after.desired_weight <= after.weight_total
    assert decision.desired.share.weight_total == after.weight_total
    if decision.event in STANDING:
        assert (after.desired_weight, after.phase) == (before.desired_weight, phase)


def _check_time(seen: Observed, decision: Decision) -> None:
    """No hot loop: whoever is told when to call again is told a time to come; who is asked is asked while waiting."""
    assert decision.wake_at is None or decision.wake_at > seen.now
    assert not decision.asks or decision.event in STANDING
    assert len(set(decision.asks)) == len(decision.asks)


def _check_raise(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """More weight only for the judged revision, one step at a time, with every pod up, after a dwell that passed."""
    if decision.status.desired_weight <= before.desired_weight or decision.event is Event.STRANDED:
        return
    if decision.event is Event.HANDED_BACK:
        check_hand_over(seen)
        return
    assert decision.event in {Event.ADVANCE, Event.WEIGHT_SET}
    following = next_step(spec.analysis, before)
    assert decision.event is Event.WEIGHT_SET or (
        following is not None and decision.status.desired_weight == following.weight
    )
    assert grown(seen.target)
    assert grown(seen.primary)
    assert seen.problem is None
    assert seen.target is not None
    assert seen.target.revision == before.last_applied_spec
    if before.step_index > 0 and not was_asked(before, decision):
        _check_passed(spec, before, seen, decision)


def check_hand_over(seen: Observed) -> None:
    """A deleted Canary's target gets everything when it is whole, when nobody else serves, or when none of it was ever
    led elsewhere.
    """
    assert seen.deleting
    assert seen.released or grown(seen.target) or (serves(seen.target) and not serves(seen.primary))


def _check_passed(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    results, analysis = decision.status.metrics, spec.analysis
    if results != before.metrics:
        tests = [hook.name for hook in analysis.hooks(HookType.ROLLOUT)]
        assert [result.name for result in results] == [metric.name for metric in analysis.metrics] + tests
    assert {_meant(spec, before, result) for result in results if not result.dry_run} == {Verdict.PASS}
    began = before.dwell_started_at
    assert began is not None
    # One that found no news is not written, and is a judgement all the same.
    judged = [max(result.measured_at, seen.judged_at or result.measured_at) for result in results]
    assert all((at - began).total_seconds() >= spec.analysis.interval_s for at in judged)
    assert (seen.now - began).total_seconds() >= spec.analysis.interval_s


def _meant(spec: CanarySpec, before: CanaryStatus, result: MetricResult) -> Verdict:
    """The verdict, or a pass where the spec lets a metric that is evaluated sequentially go on without one."""
    analysis, began = spec.analysis, before.dwell_started_at
    held_s = 0.0 if began is None else (result.measured_at - began).total_seconds()
    late = analysis.on_inconclusive is Otherwise.ADVANCE and held_s >= duration_s(analysis.max_hold)
    weighed = result.name in {metric.name for metric in analysis.sequential}
    forgiven = {
        Verdict.INCONCLUSIVE: weighed and (late or analysis.promote is Promote.TIME),
        Verdict.SHARED_BREACH: analysis.on_shared_breach is Otherwise.ADVANCE,
    }
    return Verdict.PASS if forgiven.get(result.verdict, False) else result.verdict


def _check_promotion(before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """The primary is given nothing but a proven revision, and is called promoted only when it runs it."""
    after = decision.status
    if decision.desired.copy_to_primary and after.phase is not Phase.INITIALIZING:
        assert seen.target is not None
        proven = after.last_applied_spec if after.phase is Phase.PROMOTING else after.last_promoted_spec
        assert after.phase not in {Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION}
        assert seen.target.revision == proven
    if after.last_promoted_spec != before.last_promoted_spec:
        assert decision.event in {Event.PRIMARY_READY, Event.PREPARED}
        assert seen.primary is not None
        assert after.last_promoted_spec == seen.primary.source_revision
        assert grown(seen.primary)


def _check_failure(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """The decision that finds the threshold reached takes the weight away itself, unless only the canary serves."""
    after = decision.status
    counted = after.failed_checks > before.failed_checks
    if counted and after.failed_checks >= spec.analysis.threshold:
        assert after.phase is Phase.FAILED
    if decision.event is Event.STRANDED:
        assert serves(seen.target)
        assert not serves(seen.primary) or before.phase is Phase.PROMOTING
    elif after.phase is Phase.FAILED and before.phase is not Phase.FAILED:
        assert after.desired_weight == 0


def _check_scale(seen: Observed, decision: Decision) -> None:
    """The canary's last pods stay while anything may reach them, or nobody else answers."""
    if decision.desired.canary_replicas == 0:
        assert decision.desired.weight == 0
        assert seen.route_weight == 0
        assert serves(seen.primary)


def check_status(status: CanaryStatus) -> None:
    """What is written is read back as the same, is valid, and fits."""
    text = json.dumps(status.to_wire())
    assert CanaryStatus.model_validate(json.loads(text)) == status
    assert size_of(status.to_wire()) <= STATUS_MAX_BYTES
    check_texts(status)


def check_texts(status: CanaryStatus) -> None:
    """Each takes no more than its part of that, by itself or with those beside it."""
    assert all(stored_bytes(told.message) <= CONDITION_MAX for told in status.conditions)
    assert status.hold is None or stored_bytes(status.hold.message) <= HOLD_MAX
    assert status.gate is None or stored_bytes(status.gate.message) <= GATE_MAX
    approvals = () if status.gate is None else status.gate.approvals
    said = [text for one in status.actions for text in (one.user, one.message)]
    said += [text for one in approvals for text in (one.user, one.reason)]
    assert sum(map(stored_bytes, said)) <= ACTIONS_TEXT
    assert sum(stored_bytes(one.message) for one in status.metrics) <= RESULTS_TEXT
    assert sum(stored_bytes(one.message) for one in status.outbox) <= NOTICES_TEXT


def size_of(wire: Any) -> int:
    """Bytes of an object as the API server stores it."""
    match wire:
        case str():
            return stored_bytes(wire) + len('""')
        case dict():
            return 1 + sum(size_of(key) + size_of(value) + 2 for key, value in wire.items())
        case list():
            return 1 + sum(size_of(value) + 1 for value in wire)
        case _:
            return len(json.dumps(wire))


def _check_conditions(before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """The time of a condition moves when its status flips, and only then; conditions are each there once."""
    told = {condition.type: condition for condition in before.conditions}
    types = [condition.type for condition in decision.status.conditions]
    assert all(one != other for one, other in pairwise(sorted(types)))
    for condition in decision.status.conditions:
        known = told.get(condition.type)
        flipped = known is None or known.status != condition.status
        since = seen.now if known is None or flipped else known.last_transition_time
        assert condition.last_transition_time == since
