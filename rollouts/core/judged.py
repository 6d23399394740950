"""What a judgement leads to: the next share, a failed check, a wait for evidence, or the end of the run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.metric import OnNoData
from rollouts.api.sequential import Otherwise, Promote
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.ending import give_up
from rollouts.core.finding import Finding, newest, waited
from rollouts.core.judge import worst
from rollouts.core.measurement import Probe, Signal, Subject, Value
from rollouts.core.observed import Observed
from rollouts.core.onward import go_on
from rollouts.core.phases import Event
from rollouts.core.share import NOTHING, Share
from rollouts.core.stuck import is_held_long, stuck_of
from rollouts.core.unreached import breach_of

STABLE_RATE = Probe(Signal.REQUEST_RATE, Subject.STABLE)
NO_DATA_INTERVALS = 3
"""For how many intervals a canary with weight may show no request while the stable side has some."""


def decide(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], *, share: Share = NOTHING
) -> Finding:
    """One event for one judgement."""
    found = _found(spec, status, seen, results, share)
    if found.asks:
        return found
    return replace(found, results=results, share=share.told, passed=found.passed or all_passed(results))


def count_failure(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event, reason: str) -> Finding:
    """A failed check: `event`, or the end of the run where the threshold is reached."""
    failed, limit = status.failed_checks + 1, spec.analysis.threshold
    counted = f"{reason}; failed check {failed} of {limit}"
    return Finding(event, counted, failed=True) if failed < limit else give_up(seen, counted, failed=True)


def all_passed(results: Iterable[MetricResult]) -> bool:
    """Whether there was a judgement, and it passed."""
    verdicts = {result.verdict for result in results}
    return verdicts == {Verdict.PASS}


def _found(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    message = worst(results).message
    match worst(results).verdict:
        case Verdict.FAIL:
            return count_failure(spec, status, seen, Event.CHECK_FAILED, message)
        case Verdict.PASS:
            return go_on(spec, status, seen, "; ".join(result.message for result in results), share=share)
        case Verdict.NO_DATA:
            return _without_data(spec, status, seen, results, share)
        case Verdict.INCONCLUSIVE:
            return _undecided(spec, status, seen, results, share)
        case Verdict.SHARED_BREACH:
            return _breached(spec, status, seen, results, share)
        case Verdict.ERROR:  # pragma: no branch - the last there is
            errors, limit = status.consecutive_errors + 1, spec.analysis.consecutive_error_limit
            if limit is not None and errors >= limit:
                return give_up(seen, f"{message}; {errors} judgements in a row had no answer")
            return Finding(Event.UNDECIDED, message)


def _undecided(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    """There is no evidence for either, yet: time decides, where it may; never over a check without statistics."""
    analysis, message = spec.analysis, worst(results).message
    weighed = {metric.name for metric in analysis.sequential}
    if not {result.name for result in results if result.verdict is Verdict.INCONCLUSIVE} <= weighed:
        return Finding(Event.UNDECIDED, message)
    if analysis.promote is Promote.TIME:
        return _forgiven(spec, status, seen, results, Verdict.INCONCLUSIVE, share)
    if not is_held_long(spec, status, results[0].measured_at):
        return Finding(Event.UNDECIDED, message)
    match analysis.on_inconclusive:
        case Otherwise.ADVANCE:
            return _forgiven(spec, status, seen, results, Verdict.INCONCLUSIVE, share)
        case Otherwise.FAIL:
            return give_up(seen, f"{message}, after {analysis.max_hold} still")
        case Otherwise.HOLD:  # pragma: no branch - the last there is
            return Finding(Event.UNDECIDED, message, problem=stuck_of(spec, status, results))


def _breached(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    """Held, unless the canary shows no request while the stable side has some: then it may be what fails them."""
    unmeasured = any(result.value is None and result.verdict is not Verdict.PASS for result in results)
    found = _without_data(spec, status, seen, results, share) if unmeasured else Finding(Event.UNDECIDED)
    if found.event is not Event.UNDECIDED:
        return found
    match spec.analysis.on_shared_breach:
        case Otherwise.ADVANCE:
            return _forgiven(spec, status, seen, results, Verdict.SHARED_BREACH, share)
        case Otherwise.FAIL:
            return give_up(seen, worst(results).message)
        case Otherwise.HOLD:  # pragma: no branch - the last there is
            return replace(found, message=worst(results).message, problem=breach_of(results))


def _forgiven(  # noqa: PLR0913, PLR0917 - all that a judgement has, and what of it is let pass
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], verdict: Verdict,
    share: Share,
) -> Finding:  # fmt: skip
    """What follows if all of that verdict were passes, as the spec has it. What they say is told as it is."""
    passes = tuple(
        result.model_copy(update={"verdict": Verdict.PASS}) if result.verdict is verdict else result
        for result in results
    )
    found = _found(spec, status, seen, passes, share)
    return replace(found, passed=found.passed or all_passed(passes))


def _without_data(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    if not _ought_to_have_data(spec, status):
        found = Finding(Event.UNDECIDED, f"{worst(results).message}; {_way_out(spec)}")
        return _as_told(spec, status, seen, results, share) or found
    at = results[0].measured_at
    stable = newest(seen.samples, STABLE_RATE, at)
    if stable is None:
        return waited("no request of the canary was measured; looking at the stable side", asks=(STABLE_RATE,))
    busy = isinstance(stable.outcome, Value) and stable.outcome.number > 0
    # Only the time counts in which the stable side has requests: a night without any ends no release in the morning.
    since = status.no_data_since or at
    if busy and at - since >= timedelta(seconds=NO_DATA_INTERVALS * spec.analysis.interval_s):
        reason = f"no request of the canary was measured for {(at - since).total_seconds():.0f} s, the primary has some"
        return give_up(seen, reason)
    told = None if busy else _as_told(spec, status, seen, results, share)
    return told or Finding(Event.UNDECIDED, worst(results).message, starved=busy)


def _as_told(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding | None:
    """What the metrics without data say is to become of the release; None if it is held."""
    empty = {result.name for result in results if result.verdict is Verdict.NO_DATA}
    wanted = {metric.on_no_data for metric in spec.analysis.metrics if metric.name in empty}
    if OnNoData.FAIL in wanted:
        return count_failure(spec, status, seen, Event.CHECK_FAILED, worst(results).message)
    if wanted == {OnNoData.ADVANCE}:
        return _forgiven(spec, status, seen, results, Verdict.NO_DATA, share)
    return None


def _ought_to_have_data(spec: CanarySpec, status: CanaryStatus) -> bool:
    """Whether requests of the stable side mean that the canary should have some: it gets a share of all, or copies."""
    return status.mirrored or (status.desired_weight > 0 and not spec.analysis.match)


def _way_out(spec: CanarySpec) -> str:
    if spec.analysis.strategy is Strategy.BLUE_GREEN:
        if spec.swaps:
            return "no request came by canaryRules: send or mirror some, or test the canary's pods by a hook"
        return f"send test requests to {spec.service_name}-canary, or set analysis.mirror"
    return "no request matched"
