"""The judge of decisions: each status of ours, against what the process knew when it wrote it and what the spec means.

No step is skipped or shortened, nothing is given to who is not ready, not confirmed or has failed, no gate is passed.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from rollouts.api.actions import Verb
from rollouts.api.status import CanaryStatus, Phase
from tests.sim.court import Court
from tests.sim.ledger import RUNNING, Begun, Ledger, is_run_start, place_of
from tests.sim.meaning import ANSWER_HOLDS_S, CONFIRM_ROLLOUT, ROLLBACK, Hook
from tests.sim.routes import meant

_SAID_ONLY = ("conditions", "observed_generation", "outbox", "notices", "notices_lost", "term")
_UNDER_WAY = RUNNING | {Phase.WAITING, Phase.PROMOTING}


def judge_decision(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    """Before the ledger moves on to it."""
    before, name = ledger.status, ledger.plan.name
    if _decided(before) == _decided(after):
        return
    court.demand(not ledger.meaning.suspended, f"{name}: something decided while it is suspended")
    acted = acts(before, after)
    if begun.frozen and before.overridden_at is None:
        _frozen(court, ledger, after)
    _count(court, ledger, after, begun)
    if is_run_start(before, after) and after.phase in {Phase.WAITING, Phase.PROGRESSING}:
        _started(court, ledger, after, begun)
    elif before.phase is Phase.WAITING and after.phase is Phase.PROGRESSING:
        _passed(court, ledger, begun, CONFIRM_ROLLOUT)
        ledger.confirmed = True
    if _rises(ledger, after):
        _raised(court, ledger, after, begun)
    if after.phase is not before.phase:
        _moved(court, ledger, after, begun)
    if not acted and after.last_applied_spec == before.last_applied_spec and not is_run_start(before, after):
        _lost(court, ledger, after, begun)
        _asked_to_end(court, ledger, after, begun)
    if before.phase is Phase.PROMOTING and after.desired_weight < before.desired_weight:
        _returned(court, ledger, after, begun)


def _frozen(court: Court, ledger: Ledger, after: CanaryStatus) -> None:
    """Nothing starts and nothing goes up, but where only the canary can serve, or its user takes everything back."""
    before, name = ledger.status, ledger.plan.name
    again = before.phase in RUNNING and after.last_applied_spec == before.last_applied_spec
    new = is_run_start(before, after) and not again and after.desired_weight == 0
    starts = after.phase is Phase.PROGRESSING and (new or before.phase is Phase.WAITING)
    court.demand(not starts, f"{name}: a release started in a freeze")
    promoted = after.phase is Phase.PROMOTING and before.phase in RUNNING
    risen = _rises(ledger, after) and after.phase not in {Phase.FAILED, Phase.TERMINATING}
    court.demand(not (promoted or risen), f"{name}: a step was taken in a freeze")


def note_gates(ledger: Ledger, before: CanaryStatus, begun: Begun) -> None:
    """After the ledger has moved: which gates it waits at, and which a person has opened."""
    after, stage = ledger.status, ledger.stage
    if after.gate is not None and (before.gate is None or before.gate.since != after.gate.since):
        stage.gates_since_s[after.gate.type] = begun.at_s
    if Verb.APPROVE in acts(before, after) and before.gate is not None and after.gate is not None:
        stage.approved.add(before.gate.type)


def acts(before: CanaryStatus, after: CanaryStatus) -> AbstractSet[str]:
    """What people asked for and this very decision has done."""
    taken = {(one.verb, one.id) for one in before.actions}
    return {one.verb for one in after.actions if one.outcome == "Done" and (one.verb, one.id) not in taken}


def _decided(status: CanaryStatus) -> CanaryStatus:
    blank = CanaryStatus()
    return status.model_copy(update={key: getattr(blank, key) for key in _SAID_ONLY if hasattr(blank, key)})


def _rises(ledger: Ledger, after: CanaryStatus) -> bool:
    wanted, allowed = meant(after, ledger.meaning), ledger.stage.allowed
    higher = not is_run_start(ledger.status, after) and place_of(after) > place_of(ledger.status)
    return higher or wanted.everyone > allowed.everyone or wanted.matching > allowed.matching


def _count(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    """A judgement is written down: it needs new evidence of each metric and test, from under the present share."""
    before, stage, name = ledger.status, ledger.stage, ledger.plan.name
    if not after.metrics or after.metrics == before.metrics or place_of(before) < 0:
        return
    since_s = ledger.judged_since_s(begun)
    stage.last_passed = ledger.judged(begun)
    if stage.last_passed:
        reached_s = stage.reached_at_s
        court.demand(reached_s is not None, f"{name}: judged under a share that was never in force")
        first_s = (reached_s or 0.0) + ledger.meaning.interval_s - court.tolerance_s
        court.demand(since_s >= first_s, f"{name}: {stage.weight} % judged by what was measured too early")
        court.demand(since_s > stage.checked_at_s, f"{name}: {stage.weight} % judged twice by the same measurement")
        stage.checks_passed += 1
    stage.checked_at_s = max(stage.checked_at_s, since_s)


def _started(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    before, name = ledger.status, ledger.plan.name
    kept = after.desired_weight > 0
    if kept:
        able = begun.primary.complete and begun.primary.available > 0 and not before.stranded
        court.demand(not able, f"{name}: a new run keeps {after.desired_weight} % though the primary serves")
    if after.phase is Phase.WAITING:
        court.demand(not kept, f"{name}: waiting with {after.desired_weight} %")
        ledger.confirmed = False
    elif after.last_applied_spec != before.last_applied_spec or before.phase not in RUNNING | {Phase.PROMOTING}:
        gated = ledger.meaning.of_kind(CONFIRM_ROLLOUT) and not kept
        court.demand(not gated, f"{name}: a release started that nobody has confirmed")
        ledger.confirmed = True


def _raised(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    before, name, acted = ledger.status, ledger.plan.name, acts(ledger.status, after)
    court.demand(begun.canary.available > 0, f"{name}: requests for a canary without a ready pod")
    if after.phase is Phase.TERMINATING:
        return
    if after.phase is Phase.FAILED:
        stranded = begun.primary.available == 0 or before.phase is Phase.PROMOTING
        court.demand(stranded and after.desired_weight == 100, f"{name}: more requests for a failed revision")
        return
    legal = before.phase in RUNNING and after.phase is Phase.PROGRESSING
    court.demand(legal, f"{name}: share raised from {before.phase} to {after.phase}")
    court.demand(before.last_applied_spec == after.last_applied_spec, f"{name}: requests for another revision")
    running = ledger.images.get(after.last_applied_spec) == begun.target_image
    court.demand(running, f"{name}: requests for a revision that the target does not run")
    court.demand(ledger.confirmed, f"{name}: requests for a revision that nobody has confirmed")
    court.demand(not (after.mirrored and after.desired_weight), f"{name}: copies beside {after.desired_weight} %")
    if Verb.SET_WEIGHT in acted:
        return
    following = ledger.meaning.following(place_of(before))
    fits = following is not None and (after.desired_weight, after.mirrored) == (following.weight, following.mirrored)
    court.demand(fits, f"{name}: {place_of(before)} to {after.desired_weight} % (mirrored: {after.mirrored})")
    if Verb.PROMOTE not in acted:
        court.demand(before.paused_at is None, f"{name}: share raised while paused")
        _left(court, ledger)
        _passed(court, ledger, begun, following.gate if following is not None else "")


def _left(court: Court, ledger: Ledger) -> None:
    """The present stage was held for its time, with as many judgements as it takes, and the last one passed."""
    stage, name = ledger.stage, ledger.plan.name
    if stage.place < 0:
        return
    step = ledger.meaning.present(stage.place)
    least_s = ledger.meaning.least_s(stage.place) - step.checks * court.tolerance_s
    court.demand(stage.reached_at_s is not None, f"{name}: a step was left whose share was never in force")
    held_s = court.now_s() - (stage.reached_at_s or 0.0)
    court.demand(held_s >= least_s, f"{name}: {stage.weight} % was held for {held_s:.2f} s only")
    court.demand(stage.last_passed, f"{name}: {stage.weight} % was left without a passing judgement")
    enough = stage.checks_passed >= step.checks
    court.demand(enough, f"{name}: {stage.weight} % was left after {stage.checks_passed} of {step.checks} checks")


def _passed(court: Court, ledger: Ledger, begun: Begun, gate: str) -> None:
    """Each hook of the gate has agreed, or its time is over and it then opens, or a person has opened all."""
    name, stage = ledger.plan.name, ledger.stage
    if gate in stage.approved:
        return
    since_s = stage.gates_since_s.get(gate)
    for hook in ledger.meaning.of_kind(gate):
        over = since_s is not None and hook.deadline_s is not None and hook.advances
        if over and court.now_s() >= (since_s or 0.0) + (hook.deadline_s or 0.0) - court.tolerance_s:
            continue
        court.demand(_agreed(court, ledger, begun, hook), f"{name}: passed the closed {gate}")


def _agreed(court: Court, ledger: Ledger, begun: Begun, hook: Hook, phase: str = "") -> bool:
    """Whether that process had an answer that holds, and it was consent; with `phase`, of a hook that is told it."""
    told = begun.answers.get((hook.name, ledger.status.last_applied_spec, phase))
    holds_s = min(ANSWER_HOLDS_S, ledger.meaning.interval_s) + hook.longest_s + (0.0 if phase else court.answer_s)
    # Consent to one step is none to the next. (A canary that was lost begins again with what its run was told.)
    began_s = ledger.run_at_s if ledger.stage.place < 0 else ledger.stage.decided_at_s
    stage_s = 0.0 if phase else began_s - court.tolerance_s
    return told is not None and told.yes and told.asked_at_s >= max(begun.at_s - holds_s, stage_s)


def _moved(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    before, name, meaning = ledger.status, ledger.plan.name, ledger.meaning
    if after.phase is Phase.PROMOTING:
        court.demand(before.phase in RUNNING, f"{name}: promoting after {before.phase}")
        court.demand(ledger.confirmed, f"{name}: promoting what nobody has confirmed")
        if Verb.PROMOTE not in acts(before, after):
            court.demand(before.paused_at is None, f"{name}: promoting while paused")
            if not meaning.skips:
                place = place_of(before)
                last = place >= 0 and meaning.following(place) is None
                court.demand(last, f"{name}: promoting at {place} %")
                _left(court, ledger)
                _passed(court, ledger, begun, meaning.promotion_gate)
        ledger.proven.add(after.last_applied_spec)
    if after.phase is Phase.FAILED and after.desired_weight > 0:
        kept = begun.primary.available == 0 or before.phase is Phase.PROMOTING
        court.demand(kept, f"{name}: failed, and {after.desired_weight} % stay though the primary serves")


def _lost(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    """Once seen without a pod, the canary gets nothing by the next decision, if the other side is ready."""
    able = begun.primary.complete and begun.primary.available > 0
    if after.phase is Phase.PROMOTING:
        able = able and begun.primary_source == after.last_applied_spec
    gets = after.desired_weight > 0 or after.mirrored
    lost = gets and begun.canary.available == 0 and able
    court.demand(not lost, f"{ledger.plan.name}: {after.desired_weight} % stay with a canary that has no pod")


def _asked_to_end(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    if ledger.status.phase not in RUNNING | {Phase.WAITING} or after.phase not in _UNDER_WAY:
        return
    for hook in ledger.meaning.of_kind(ROLLBACK):
        asked = _agreed(court, ledger, begun, hook, str(ledger.status.phase))
        court.demand(not asked, f"{ledger.plan.name}: goes on though {hook.name} asks for the end")


def _returned(court: Court, ledger: Ledger, after: CanaryStatus, begun: Begun) -> None:
    """After the promotion the canary's share falls as slowly as the spec says."""
    before, stage, name, back = ledger.status, ledger.stage, ledger.plan.name, ledger.meaning.back
    changed = ledger.images.get(before.last_applied_spec) != begun.target_image
    if after.phase not in {Phase.PROMOTING, Phase.FINALISING} or changed or begun.canary.available == 0:
        return
    if after.desired_weight == 0 and (back is None or after.phase is Phase.PROMOTING):
        return
    wanted = max(0, before.desired_weight - (back or 0))
    court.demand(
        after.desired_weight == wanted, f"{name}: back from {before.desired_weight} to {after.desired_weight} %"
    )
    held_s = court.now_s() - (court.now_s() if stage.reached_at_s is None else stage.reached_at_s)
    least_s = ledger.meaning.interval_s - court.tolerance_s
    court.demand(held_s >= least_s, f"{name}: {before.desired_weight} % was held for {held_s:.2f} s on the way back")
