"""What must hold for every single Decision about gates, routes and notices. Kept apart from the rules it watches."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType, Webhook
from rollouts.api.status import NOTICE_TEXT_MIN, OUTBOX_MAX, CanaryStatus, GateStatus, Phase
from rollouts.api.texts import cut
from rollouts.core.decision import Decision
from rollouts.core.measurement import Accepted, Call, Refused
from rollouts.core.observed import Observed, serves
from rollouts.core.phases import Event

_SOME = {Strategy.AB, Strategy.MATCHED_WEIGHTS}
_AT_GATES = {Phase.WAITING, Phase.PROGRESSING, Phase.WAITING_PROMOTION}
_OPENS = {
    Phase.WAITING: HookType.CONFIRM_ROLLOUT,
    Phase.WAITING_PROMOTION: HookType.CONFIRM_PROMOTION,
}


def check_gates(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """Nothing starts, gets more, or is promoted past a gate that is closed, unless a person says so."""
    _check_stamp(before, seen, decision)
    after, starts = decision.status, {Event.NEW_REVISION, Event.SUPERSEDED}
    if decision.event in starts and after.phase is Phase.PROGRESSING and spec.analysis.hooks(HookType.CONFIRM_ROLLOUT):
        # Another strategy for the same revision, which was confirmed before.
        assert before.last_applied_spec == after.last_applied_spec
        assert before.phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION}
    if after.phase is Phase.WAITING:
        assert (after.desired_weight, after.mirrored) == (0, False)
    kind = _gate_of(spec, decision)
    if kind is None or after.actions != before.actions or spec.skip_analysis:
        return
    gate = before.gate if before.gate is not None and before.gate.type is kind else None
    if gate is None or not (gate.approved or len(gate.approvals) >= _needed(spec, kind)):
        assert all(_is_open(hook, gate, before, seen) for hook in spec.analysis.hooks(kind)), f"past {kind}"


def _needed(spec: CanarySpec, kind: HookType) -> int:
    return max((hook.approvals for hook in spec.analysis.hooks(kind)), default=1)


def _gate_of(spec: CanarySpec, decision: Decision) -> HookType | None:
    """What had to be open for that."""
    flips = spec.analysis.strategy is Strategy.BLUE_GREEN
    match decision.event:
        case Event.CONFIRMED:
            return HookType.CONFIRM_ROLLOUT
        case Event.ADVANCE if decision.desired.weight > 0:
            return HookType.CONFIRM_PROMOTION if flips else HookType.CONFIRM_TRAFFIC_INCREASE
        case Event.STEPS_PASSED if not flips:
            return HookType.CONFIRM_PROMOTION
        case _:
            return None


def _is_open(hook: Webhook, gate: GateStatus | None, before: CanaryStatus, seen: Observed) -> bool:
    """It consented last, since the present share began; or its deadline opens it."""
    if hook.deadline_s is not None and gate is not None and hook.on_deadline == "advance":
        ends_at = gate.since + timedelta(seconds=hook.deadline_s)
    else:
        ends_at = None
    if ends_at is not None and seen.now >= ends_at:
        return True
    dwelt = None if hook.type is HookType.CONFIRM_ROLLOUT else before.dwell_started_at
    began = before.started_at if dwelt is None else dwelt + timedelta.resolution
    told: list[tuple[datetime, bool]] = [
        (sample.at, isinstance(sample.outcome, Accepted))
        for sample in seen.samples
        if isinstance(sample.probe, Call) and isinstance(sample.outcome, Accepted | Refused)
        and (sample.probe.hook, sample.probe.revision) == (hook.name, before.last_applied_spec)
        and began is not None and sample.at >= began
    ]  # fmt: skip
    return bool(told) and max(told)[1]


def _check_stamp(before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """A gate is known where it can be waited for, since when it was closed, and until the release goes on."""
    gate, after = decision.status.gate, decision.status
    if after.phase in _OPENS:
        # What is not to start yet asks nobody.
        assert gate is not None or (after.phase is Phase.WAITING and _starts_later(before, after))
        assert gate is None or gate.type is _OPENS[after.phase]
    if gate is None:
        return
    assert after.phase in _AT_GATES
    kept = before.gate is not None and before.gate.type is gate.type and decision.event is not Event.GATED
    assert gate.since == (before.gate.since if kept and before.gate is not None else seen.now)
    assert not gate.approved or decision.event is Event.APPROVED or (before.gate is not None and before.gate.approved)


def _starts_later(before: CanaryStatus, after: CanaryStatus) -> bool:
    """Held, or about to be looked at again because it is no more: it has no gate, or its gate is asked next."""
    return after.hold is not None or before.hold is not None or after.overridden_at is not None


def check_routing(before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """Copies only to a canary in the dark; and who gets some requests only gets all where nobody else can serve."""
    share, after = decision.desired.share, decision.status
    if share.mirror_percent > 0:
        assert share.weight == 0
        assert after.phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION, Phase.PROMOTING}
    some = before.strategy in _SOME and before.desired_weight > 0 and not before.stranded
    if some and share.weight > 0 and not share.matched and decision.desired.routing and not seen.deleting:
        same = seen.primary is not None and seen.primary.source_revision == before.last_applied_spec
        assert after.stranded or not serves(seen.primary) or same
    if share.weight > 0 and after.stranded:
        assert not share.matched


def check_outbox(spec: CanarySpec, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
    """What is said is in the outbox, under the next number, never with other words; what leaves it was delivered, or is
    counted as lost.
    """
    after, news = decision.status, decision.announcement
    numbers = [notice.number for notice in after.outbox]
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= OUTBOX_MAX
    added = [notice for notice in after.outbox if notice.number > before.notices]
    assert [notice.number for notice in added] == list(range(before.notices + 1, after.notices + 1))
    kinds = [notice.type for notice in added]
    assert kinds.count(HookType.EVENT) == int(news is not None and bool(spec.analysis.hooks(HookType.EVENT)))
    ended = {before.phase, after.phase} - {before.phase} <= {Phase.SUCCEEDED, Phase.FAILED, Phase.TERMINATING}
    if HookType.POST_ROLLOUT in kinds:
        assert ended
        assert after.phase is not before.phase
    for notice in added:
        assert news is not None
        assert notice.reason == news.reason[:64]
        assert news.message.startswith(notice.message)
        assert notice.message.startswith(cut(news.message[:256], NOTICE_TEXT_MIN))
        assert (notice.phase, notice.revision, notice.at) == (after.phase, after.last_applied_spec, seen.now)
    assert [notice for notice in after.outbox if notice not in added] == [
        notice for notice in before.outbox if notice.number in numbers
    ]
    gone = {notice.number for notice in before.outbox} - set(numbers) - seen.delivered
    assert after.notices_lost - before.notices_lost == len(gone)
