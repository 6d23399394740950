"""What a judgement leads to: the next share, a failed check, a wait for evidence, or the end of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.metric import BUILT_IN
from rollouts.api.sequential import Otherwise, Promote
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.deciding import deciding, worst
from rollouts.core.ending import give_up
from rollouts.core.finding import Finding, waited
from rollouts.core.judge import as_told, counted
from rollouts.core.no_data import Starvation, by_policy, ought_to_have_data, starvation, unmeasured
from rollouts.core.observed import Observed
from rollouts.core.onward import go_on
from rollouts.core.phases import Event
from rollouts.core.share import NOTHING, Share
from rollouts.core.stuck import is_held_long, stuck_of
from rollouts.core.unreached import breach_of


def decide(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], *, share: Share = NOTHING
) -> Finding:
    """One event for one judgement."""
    results = tuple(as_told(result) for result in counted(results, status.metrics))
    found = _found(spec, status, seen, results, share)
    if found.asks:
        return found
    told = found.results or results
    return replace(found, results=told, share=share.told, passed=found.passed or all_passed(told))


def count_failure(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event, reason: str) -> Finding:
    """A failed check: `event`, or the end of the run where the threshold is reached."""
    failed, limit = status.failed_checks + 1, spec.analysis.threshold
    counted = f"{reason}; failed check {failed} of {limit}"
    return Finding(event, counted, failed=True) if failed < limit else give_up(seen, counted, failed=True)


def all_passed(results: Iterable[MetricResult]) -> bool:
    """Whether there was a judgement, and it passed."""
    verdicts = {result.verdict for result in deciding(results)}
    return verdicts == {Verdict.PASS}


def unanswered(spec: CanarySpec, results: Sequence[MetricResult]) -> bool:
    """Whether a judgement counts as one without an answer: not for metrics that have a limit of their own."""
    limited = {metric.name for metric in spec.analysis.metrics if metric.consecutive_error_limit is not None}
    return worst(results).verdict is Verdict.ERROR and any(
        result.verdict is Verdict.ERROR and result.name not in limited for result in deciding(results)
    )


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
            return _failed_to_measure(spec, status, seen, results)


def _failed_to_measure(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...]
) -> Finding:
    limits = {metric.name: metric.consecutive_error_limit for metric in spec.analysis.metrics}
    for result in deciding(results):
        limit = limits.get(result.name)
        if limit is not None and result.errors >= limit:
            row = f"{result.errors} error{'' if result.errors == 1 else 's'} in a row"
            return give_up(seen, f"{result.message}; {row}, its limit is {limit}")
    message, errors, limit = (
        worst(results).message,
        status.consecutive_errors + 1,
        spec.analysis.consecutive_error_limit,
    )
    if limit is not None and errors >= limit and unanswered(spec, results):
        return give_up(seen, f"{message}; {errors} judgements in a row had no answer")
    return Finding(Event.UNDECIDED, message)


def _undecided(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    """There is no evidence for either, yet: time decides, where it may; never over a check without statistics."""
    analysis, message = spec.analysis, worst(results).message
    weighed = {metric.name for metric in analysis.sequential}
    if not {result.name for result in deciding(results) if result.verdict is Verdict.INCONCLUSIVE} <= weighed:
        return Finding(Event.UNDECIDED, message)
    if analysis.promote is Promote.TIME:
        return _forgiven(spec, status, seen, results, Verdict.INCONCLUSIVE, share)
    if not is_held_long(spec, status, results[0].measured_at):
        return Finding(Event.UNDECIDED, message)
    match analysis.on_inconclusive:
        case Otherwise.ADVANCE:
            found = _forgiven(spec, status, seen, results, Verdict.INCONCLUSIVE, share)
            return replace(found, message=f"{found.message}; onInconclusive: advance after {analysis.max_hold}")
        case Otherwise.FAIL:
            return give_up(seen, f"{message}, after {analysis.max_hold} still")
        case Otherwise.HOLD:  # pragma: no branch - the last there is
            stuck = stuck_of(spec, status, results)
            return Finding(Event.UNDECIDED, message if stuck is None else stuck.message, problem=stuck)


def _breached(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, results: tuple[MetricResult, ...], share: Share
) -> Finding:
    """Held, unless the canary shows no request while the stable side has some: then it may be what fails them."""
    hunger = starvation(spec, status, seen, results)
    if (first := _first(seen, hunger)) is not None:
        return first
    policy, message = spec.analysis.on_shared_breach, worst(results).message
    if policy is Otherwise.FAIL:
        return give_up(seen, message)
    if policy is Otherwise.ADVANCE and not hunger.starved:
        return _forgiven(spec, status, seen, results, Verdict.SHARED_BREACH, share)
    return Finding(Event.UNDECIDED, message, problem=breach_of(results), starved=hunger.starved)


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
    hunger, message = starvation(spec, status, seen, results), worst(results).message
    if (first := _first(seen, hunger)) is not None:
        return first
    meant = by_policy(spec, results)
    if worst(meant).verdict is Verdict.NO_DATA:
        message = worst(meant).message
        unsent = any(one.name in BUILT_IN for one in unmeasured(results)) and not ought_to_have_data(spec, status)
        return Finding(Event.UNDECIDED, f"{message}; {_way_out(spec)}" if unsent else message, starved=hunger.starved)
    if hunger.starved and worst(meant).verdict is not Verdict.FAIL:
        return Finding(Event.UNDECIDED, message, starved=True)
    return replace(_found(spec, status, seen, meant, share), results=meant, starved=hunger.starved)


def _first(seen: Observed, hunger: Starvation) -> Finding | None:
    """What comes before any policy: the question how the stable side is, and the end of a canary that starves."""
    if hunger.asks:
        return waited("no request of the canary was measured; looking at the stable side", asks=hunger.asks)
    return give_up(seen, hunger.over) if hunger.over else None


def _way_out(spec: CanarySpec) -> str:
    if spec.analysis.strategy is Strategy.BLUE_GREEN:
        if spec.swaps:
            return "no request came by canaryRules: send or mirror some, or test the canary's pods by a hook"
        return f"send test requests to {spec.service_name}-canary, or set analysis.mirror"
    return "no request matched"
