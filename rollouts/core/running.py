"""What can be found while the canary is released: readiness, dwell, the judgement that is due, and deadlines."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.finding import Finding, missing, newest, waited
from rollouts.core.judge import judge, probes_of, worst
from rollouts.core.measurement import Probe, Signal, Subject, Value
from rollouts.core.observed import Observed, WorkloadState, grown, serves
from rollouts.core.phases import Event
from rollouts.core.plan import next_weight

STABLE_RATE = Probe(Signal.REQUEST_RATE, Subject.STABLE)
NO_DATA_INTERVALS = 3
"""For how many intervals a canary with weight may show no request while the stable side has some."""

EVIDENCE_MAX_AGE = timedelta(seconds=30)
"""An answer older than that decides nothing: the status could not be written meanwhile, and the canary may have failed
since. Longer than any answer takes."""


def find_progressing(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """Reasons to go back first, then the judgement that is due, then reasons to wait, then the next weight."""
    if seen.target is None:
        return give_up(seen, "the target is gone")
    if seen.target.revision != status.last_applied_spec:
        event = Event.REVERTED if reverted(status, seen) else restart(status, seen, Event.NEW_REVISION)
        return Finding(event, f"the target changed to revision {seen.target.revision} in mid-run")
    if reason := _reason_to_give_up(spec, status, seen, seen.target):
        return give_up(seen, reason)
    if status.desired_weight == 0 or spec.skip_analysis:
        return _from_zero(spec, status, seen)
    if not serves(seen.target) and serves(seen.primary):
        # Counted, for a version that dies under its first requests would else be tried again for ever.
        return _counted(spec, status, seen, event=Event.CANARY_LOST, reason="no pod of the canary is available")
    return _judged(spec, status, seen)


def _reason_to_give_up(spec: CanarySpec, status: CanaryStatus, seen: Observed, target: WorkloadState) -> str:
    """Why the run ends, whatever its checks say; empty if it goes on."""
    if seen.primary is None and serves(target) and status.desired_weight < 100:
        # It does not come back by itself, and until a deadline its share of the requests would be answered by nobody.
        return "the primary is gone"
    ends_at = deadline(spec, status)
    if target.deadline_exceeded or (ends_at is not None and seen.now >= ends_at):
        side = "primary" if grown(target) and not target.deadline_exceeded else "canary"
        return f"the {side}'s pods were not ready within {spec.progress_deadline_seconds} s"
    return ""


def reverted(status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target went back to what was promoted last, and the primary can take all traffic at once."""
    return seen.target is not None and seen.target.revision == status.last_promoted_spec and serves(seen.primary)


def restart(status: CanaryStatus, seen: Observed, event: Event) -> Event:
    """What a new revision means: `event`, or RESCUE where taking the canary's traffic away would leave it to nobody."""
    primary = seen.primary
    broken = primary is not None and not primary.ready and primary.source_revision != status.last_promoted_spec
    return Event.RESCUE if status.desired_weight > 0 and (broken or not serves(primary)) else event


def give_up(seen: Observed, reason: str) -> Finding:
    """All traffic to the side that can serve: the primary, unless it has no pod while the canary has one."""
    stranded = not serves(seen.primary) and serves(seen.target)
    return Finding(Event.STRANDED if stranded else Event.ROLLBACK, reason)


def deadline(spec: CanarySpec, status: CanaryStatus) -> datetime | None:
    """When pods that are not ready end the run; None while they are ready."""
    if status.not_ready_since is None:
        return None
    return status.not_ready_since + timedelta(seconds=spec.progress_deadline_seconds)


def _from_zero(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """All pods first; then the first weight, or the primary at once where nothing is to be judged."""
    if not grown(seen.target):
        return waited("waiting for the canary's pods", wake_at=deadline(spec, status))
    if not grown(seen.primary):
        return waited("waiting for the primary's pods", wake_at=deadline(spec, status))
    if status.paused:
        return waited("paused before the first step")
    if spec.skip_analysis:
        return Finding(Event.STEPS_PASSED, "the analysis is skipped")
    return Finding(Event.ADVANCE, "the canary is ready")


def _judged(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    if status.dwell_started_at is None:
        return waited("waiting for the routes to carry the weight", wake_at=deadline(spec, status))
    due_at = (status.last_check_at or status.dwell_started_at) + timedelta(seconds=spec.analysis.interval_s)
    if seen.now < due_at:
        ends_at = deadline(spec, status)
        return waited(f"holding {status.desired_weight} %", wake_at=min(due_at, ends_at) if ends_at else due_at)
    probes = probes_of(spec.analysis.metrics, (due_at - (status.started_at or status.dwell_started_at)).total_seconds())
    fresh_from = max(due_at, seen.now - EVIDENCE_MAX_AGE)
    unanswered = missing(seen.samples, probes, fresh_from)
    if unanswered:
        return waited("judging", asks=unanswered)
    answers = zip(spec.analysis.metrics, (newest(seen.samples, probe, fresh_from) for probe in probes), strict=True)
    return _decided(spec, status, seen, tuple(judge(metric, sample) for metric, sample in answers if sample))


def _decided(spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...]) -> Finding:
    match worst(results).verdict:
        case Verdict.FAIL:
            return _failed(spec, status, seen, results)
        case Verdict.PASS:
            return _passed(spec, status, seen, results)
        case Verdict.NO_DATA:
            return _without_data(spec, status, seen, results)
        case Verdict.ERROR:  # pragma: no branch - the last there is
            return Finding(Event.UNDECIDED, worst(results).message, results=results)


def _failed(spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...]) -> Finding:
    found = _counted(spec, status, seen, event=Event.CHECK_FAILED, reason=worst(results).message)
    return replace(found, results=results)


def _counted(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, event: Event, reason: str) -> Finding:
    """A failed check: `event`, or the end of the run where the threshold is reached."""
    failed, limit = status.failed_checks + 1, spec.analysis.threshold
    counted = f"{reason}; failed check {failed} of {limit}"
    return Finding(event, counted, failed=True) if failed < limit else replace(give_up(seen, counted), failed=True)


def _passed(spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...]) -> Finding:
    message = "; ".join(result.message for result in results)
    if status.paused:
        return Finding(Event.UNDECIDED, f"paused at {status.desired_weight} %: {message}", results=results)
    if next_weight(spec.analysis, status.desired_weight) is None:
        if not grown(seen.target):
            return Finding(Event.UNDECIDED, "passed, but not all pods of the canary are ready", results=results)
        return Finding(Event.STEPS_PASSED, message, results=results)
    if not (grown(seen.target) and grown(seen.primary)):
        return Finding(Event.UNDECIDED, "passed, but not all pods are ready for more weight", results=results)
    return Finding(Event.ADVANCE, message, results=results)


def _without_data(spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...]) -> Finding:
    at = results[0].measured_at
    stable = newest(seen.samples, STABLE_RATE, at)
    if stable is None:
        return waited("no request of the canary was measured; looking at the stable side", asks=(STABLE_RATE,))
    busy = isinstance(stable.outcome, Value) and stable.outcome.number > 0
    # Only the time counts in which the stable side has requests: a night without any ends no release in the morning.
    since = status.no_data_since or at
    if busy and at - since >= timedelta(seconds=NO_DATA_INTERVALS * spec.analysis.interval_s):
        reason = f"no request of the canary was measured for {(at - since).total_seconds():.0f} s, the primary has some"
        return Finding(give_up(seen, reason).event, reason, results=results)
    return Finding(Event.UNDECIDED, worst(results).message, results=results, starved=busy)
