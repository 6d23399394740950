"""What can be found while the canary is released: reasons to go back, the judgement that is due, the next share.

Serves both Progressing and WaitingPromotion: a release that waits to be promoted is judged like any other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus
from rollouts.core.dues import Dues
from rollouts.core.ending import found_new, give_up, has_everything, reverted
from rollouts.core.finding import Finding, answers_to, together, unanswered, waited
from rollouts.core.gate import calls_of, look_at
from rollouts.core.grid import floor_window
from rollouts.core.instants import Instants
from rollouts.core.judge import judge_all, probes_of
from rollouts.core.judged import all_passed, count_failure, decide
from rollouts.core.measurement import Subject
from rollouts.core.observed import Observed, WorkloadState, grown, serves
from rollouts.core.onward import go_on, may_lead_on
from rollouts.core.parts import in_percent
from rollouts.core.phases import Event
from rollouts.core.plan import Step, current_step
from rollouts.core.quiet import is_known, is_quiet
from rollouts.core.schedule import deadline
from rollouts.core.share import is_refuted, look
from rollouts.core.starting import find_first, find_replacing
from rollouts.core.unreached import is_open, judge_callers, probes_beside
from rollouts.core.unready import because, wait_for_pods
from rollouts.core.weighed import Weighed, weigh

EVIDENCE_MAX_AGE = timedelta(seconds=30)
"""A measurement older than that decides nothing: the status could not be written meanwhile, and the canary may have
failed since. Longer than any answer of a metric source takes."""
_LEADS_ON = frozenset({Event.ADVANCE, Event.STEPS_PASSED})
_ENDS_WAIT = _LEADS_ON | {Event.ROLLBACK, Event.STRANDED}


def find_progressing(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """Reasons to go back first, then the judgement that is due, then reasons to wait, then the next weight."""
    if seen.target is None:
        return give_up(seen, "the target is gone")
    if seen.target.revision != status.last_applied_spec:
        event = Event.REVERTED if reverted(status, seen) else found_new(spec, status, seen)
        return Finding(event, f"the target changed to revision {seen.target.revision} in mid-run")
    if status.strategy != spec.analysis.strategy:
        # Who was confirmed already need not be again; but nobody takes the traffic of the only side that serves.
        rescue = status.stranded or found_new(spec, status, seen) is Event.RESCUE
        event = Event.RESCUE if rescue else Event.NEW_REVISION
        return Finding(event, f"the strategy changed to {spec.analysis.strategy} in mid-run: it starts again")
    if reason := _reason_to_give_up(spec, status, seen, seen.target):
        return give_up(seen, reason)
    if status.replacing:
        return find_replacing(spec, status, seen)
    step = current_step(spec.analysis, status)
    if step is None:
        return find_first(spec, status, seen)
    if seen.problem is not None and seen.problem.cuts_off and status.desired_weight > 0 and serves(seen.primary):
        # Not counted: it is no fault of the version, which is tried again once that is mended.
        return Finding(Event.CANARY_LOST, seen.problem.message, problem=seen.problem)
    if not serves(seen.target) and serves(seen.primary):
        # Counted, for a version that dies under its first requests would else be tried again for ever.
        return count_failure(spec, status, seen, Event.CANARY_LOST, "no pod of the canary is available")
    if spec.skip_analysis:
        return find_first(spec, status, seen)
    return together(_judged(spec, status, seen, step), _pods_beside(status, seen))


def _pods_beside(status: CanaryStatus, seen: Observed) -> Finding:
    """Pods that are not all ready are asked for why, beside the judgement; it is said should the run end by them."""
    if status.not_ready_since is None:
        return waited("")
    return wait_for_pods("", seen, _unready_side(seen), since=status.not_ready_since)


def _unready_side(seen: Observed) -> Subject:
    return Subject.STABLE if grown(seen.target) else Subject.CANARY


def _reason_to_give_up(spec: CanarySpec, status: CanaryStatus, seen: Observed, target: WorkloadState) -> str:
    """Why the run ends, whatever its checks say; empty if it goes on."""
    if seen.primary is None and serves(target) and not has_everything(status):
        # It does not come back by itself, and until a deadline its share of the requests would be answered by nobody.
        return "the primary is gone"
    ends_at = deadline(spec, status)
    if target.deadline_exceeded or (ends_at is not None and seen.now >= ends_at):
        side = Subject.CANARY if target.deadline_exceeded else _unready_side(seen)
        late = f"the {'canary' if side is Subject.CANARY else 'primary'}'s pods were not ready"
        late = f"{late} within {spec.progress_deadline_seconds} s"
        return because(late, seen, side, status.not_ready_since)
    return ""


def _judged(spec: CanarySpec, status: CanaryStatus, seen: Observed, step: Step) -> Finding:
    """The judgement, if it is due and all is answered; until then what the step waits for."""
    if status.dwell_started_at is None:
        return waited("waiting for the routes to carry the weight", wake_at=deadline(spec, status))
    judge = _weighed if spec.analysis.sequential else _measured
    return judge(spec, status, seen, status.dwell_started_at, step)


def _measured(spec: CanarySpec, status: CanaryStatus, seen: Observed, began: datetime, step: Step) -> Finding:
    """By threshold, an interval after the last judgement, written or not; what was missed before a start, at once."""
    dues = Dues(spec, status, began, step, seen.grid_s)
    due_at = dues.newest(seen.looked_since or began, seen.judged_at)
    if seen.now < due_at:
        return _between(spec, status, seen, due_at, step)
    found = _all_judged(spec, status, seen, due_at, Weighed(None, spec.analysis.metrics, {}))
    if found.asks:
        return found
    judged_at = dues.newest(found.results[0].measured_at, seen.judged_at)
    if not (dues.may_go_unwritten(judged_at) and is_known(status, step, found)):
        return found
    if (following := dues.after(judged_at)) > seen.now:
        return replace(_between(spec, status, seen, following, step), judged_at=judged_at)
    # The answers took longer than an interval: the next judgement is due already.
    again = _measured(spec, status, replace(seen, judged_at=judged_at), began, step)
    return again if again.results or again.judged_at else replace(again, judged_at=judged_at)


def _weighed(spec: CanarySpec, status: CanaryStatus, seen: Observed, began: datetime, step: Step) -> Finding:
    """By evidence, at the newest instant that has come."""
    instants = Instants.of(spec.analysis, status, began, step, seen.grid_s)
    due_at = instants.newest(seen.now)
    if seen.now < due_at:
        return _between(spec, status, seen, due_at, step)
    weighing = weigh(spec, status, seen, instants, due_at)
    if weighing.proof:
        return weighing.noted(give_up(seen, weighing.proof))
    found = _all_judged(spec, status, seen, due_at, weighing)
    if found.asks:
        return found
    found = weighing.noted(found)
    if is_quiet(status, step, found, due_at):
        return _between(spec, status, seen, instants.after(due_at), step)
    if found.event in _LEADS_ON and seen.now > due_at + EVIDENCE_MAX_AGE:
        # It may have failed since; whatever takes traffic from it does not wait for that.
        return _between(spec, status, seen, instants.after(due_at), step)
    return found


def _all_judged(spec: CanarySpec, status: CanaryStatus, seen: Observed, due_at: datetime, weighing: Weighed) -> Finding:
    run_s = floor_window((due_at - (status.started_at or due_at)).total_seconds(), seen.grid_s)
    probes, calls = probes_of(weighing.others, run_s), calls_of(HookType.ROLLOUT, spec, status)
    fresh_from = max(due_at, seen.now - EVIDENCE_MAX_AGE)
    share = look(spec, status, seen, due_at=due_at, fresh_from=fresh_from)
    measured, called = answers_to(seen.samples, probes, fresh_from), answers_to(seen.samples, calls, due_at)
    beside = probes_of(weighing.metrics_of_mesh, run_s)
    callers = answers_to(seen.samples, probes_beside(spec, status, seen, probes + beside), fresh_from)
    unheard = unanswered(callers)
    if unjudged := weighing.unanswered + unanswered(measured) + unanswered(called):
        # A gate that is known to be closed is asked again beside them: the judgement does not wait for its answer.
        gate = None if status.gate is None else look_at(status.gate.type, spec, status, seen)
        more = (() if gate is None else gate.asks) + (share.asks if may_lead_on(spec, status, seen) else ())
        return waited("judging", asks=unjudged + unheard + more)
    answered = [answer for answer in (*measured.values(), *called.values(), *callers.values()) if answer]
    results = weighing.in_order(judge_all(weighing.others, answered, seen.now))
    if unheard and is_open(results):
        return waited("asking what callers saw", asks=unheard)
    results = judge_callers(spec, seen, results, answered)
    return decide(spec, status, seen, results, share=share)


def _between(spec: CanarySpec, status: CanaryStatus, seen: Observed, due_at: datetime, step: Step) -> Finding:
    """Between judgements nothing happens, unless the step is passed and only a gate was closed, or a window."""
    gate = None if status.gate is None else look_at(status.gate.type, spec, status, seen)
    instants = [due_at, deadline(spec, status), gate.wake_at if gate is not None else None]
    instants += [seen.holds_change_at] if status.hold is not None else []
    wake_at = min(instant for instant in instants if instant is not None)
    passed = (
        status.iterations >= step.checks and all_passed(status.metrics) and not is_refuted(spec, status, status.share)
    )
    if (status.gate is not None or status.hold is not None) and status.paused_at is None and passed:
        found = go_on(spec, status, seen, "the gate is open" if status.hold is None else "nothing holds it any more")
        if found.event in _ENDS_WAIT or (status.hold is not None and found.hold is None):
            return together(found, waited("", wake_at=wake_at))
    if gate is not None and not gate.is_open:
        return waited(
            f"holding {in_percent(status.desired_weight, status.weight_total)}: {gate.message}",
            asks=gate.asks,
            wake_at=wake_at,
        )
    return waited(f"holding {in_percent(status.desired_weight, status.weight_total)}", wake_at=wake_at)
