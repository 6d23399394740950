"""Requests that no pod of the canary has counted, or not as slow as they were: what their callers saw of them.

A fault in a route, a refused connection, a Service without endpoints: the called side never hears of them. Their
callers count them, but know the Service only, and not for which version they were meant. So the routes tell whose they
are: with a Service of the canary's own, or where every fault stands in rules that lead to the canary alone, they are
the canary's failures. Else they are a signal for both versions, which holds a release and fails nothing.

Knows no metric source. Where callers report nothing, nothing is asked of the canary but what its pods count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rollouts.api.canary import CanarySpec
from rollouts.api.metric import SUCCESS_RATE, Metric, ThresholdRange
from rollouts.api.sequential import is_sequential, objective_of, threshold_ms_of
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.deciding import deciding, worst
from rollouts.core.judge import count_of, enough, signal_of
from rollouts.core.limits import in_words, verdict_of
from rollouts.core.measurement import Probe, Rejected, Sample, Signal, Subject, Unreachable, Value
from rollouts.core.observed import Fault, Observed, Problem

_ASKED_BESIDE = MappingProxyType({Signal.SUCCESS_RATE: Signal.UNREACHED, Signal.DURATION: Signal.CALLERS_DURATION})
_OPEN = frozenset({Verdict.PASS, Verdict.NO_DATA, Verdict.INCONCLUSIVE})
"""What the pods' own counts leave to be said."""
_LEADS = MappingProxyType({
    Subject.CANARY: "which leads to the canary alone",
    Subject.STABLE: "which leads to the stable side alone",
    Subject.BOTH: "which leads to both versions",
})  # fmt: skip
_NAMED_FIRST = (Subject.BOTH, Subject.STABLE, Subject.CANARY)


def probes_beside(spec: CanarySpec, status: CanaryStatus, seen: Observed, probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """What is asked of the callers beside these probes; nothing of copies, whose callers do not count them.

    How slow they are only where a route delays them: a caller's time has its own clients' in it.
    """
    if status.mirrored:
        return ()
    delayed = any(fault.delays and fault.of is not Subject.STABLE for fault in seen.faults)
    found: list[Probe] = []
    for probe in probes:
        if probe.signal is Signal.SUCCESS_RATE:
            found.append(replace(probe, signal=Signal.UNREACHED, subject=_subject(spec, seen, probe.signal)))
        elif delayed and probe.signal is Signal.DURATION:
            # A delayed request has a pod at last, so that it is known whose it was.
            found.append(replace(probe, signal=Signal.CALLERS_DURATION))
    return tuple(found)


def is_open(results: Sequence[MetricResult]) -> bool:
    """Whether what callers saw can make a difference; else nobody waits for it."""
    return worst(results).verdict in _OPEN


def judge_callers(
    spec: CanarySpec, seen: Observed, results: Sequence[MetricResult], answers: Iterable[Sample]
) -> tuple[MetricResult, ...]:
    """The results, in their order, with what callers saw taken into those of the metrics. What failed stays failed."""
    heard = {answer.probe: answer for answer in answers if isinstance(answer.probe, Probe)}
    of_metrics = zip(results, spec.analysis.metrics, strict=False)
    told = tuple(_beside(spec, seen, result, metric, heard) for result, metric in of_metrics)
    return told + tuple(results[len(told) :])


def _beside(
    spec: CanarySpec, seen: Observed, result: MetricResult, metric: Metric, heard: Mapping[Probe, Sample]
) -> MetricResult:
    """What has counts is judged by them; what callers alone saw is judged by its own, as a single value."""
    if not is_sequential(metric, spec.analysis.evaluation):
        return _with_callers(spec, seen, result, metric, heard)
    bare = result.model_copy(update={"value": None})
    judged = _with_callers(spec, seen, bare, as_threshold(metric), heard)
    if judged.verdict is result.verdict:
        return result
    return judged.model_copy(update={"value": result.value}) if judged.verdict is Verdict.SHARED_BREACH else judged


def as_threshold(metric: Metric) -> Metric:
    """The metric with limits for a single value: what callers alone see has no counts that could be weighed."""
    most, least = threshold_ms_of(metric), objective_of(metric) if metric.name == SUCCESS_RATE else None
    if metric.threshold_range is not None or (most is None and least is None):
        return metric
    return metric.model_copy(update={"threshold_range": ThresholdRange(min=least, max=most)})


def own_codes(faults: Iterable[Fault]) -> tuple[int, ...]:
    """What faults answer in rules that lead to the canary alone, and no other fault does: by that they are known."""
    told = list(faults)
    others = {fault.code for fault in told if fault.of is not Subject.CANARY}
    return tuple(sorted({fault.code for fault in told if fault.of is Subject.CANARY} - others - {0}))


def breach_of(results: Iterable[MetricResult]) -> Problem | None:
    """What holds a release that none of both versions is at fault for."""
    shared = (result.message for result in deciding(results) if result.verdict is Verdict.SHARED_BREACH)
    message = next(shared, None)
    return Problem("SharedBreach", message) if message is not None else None


def _with_callers(
    spec: CanarySpec, seen: Observed, result: MetricResult, metric: Metric, heard: Mapping[Probe, Sample]
) -> MetricResult:
    beside = _ASKED_BESIDE.get(signal_of(metric))
    answer = next((heard[probe] for probe in heard if probe.signal is beside), None)
    if answer is None or result.verdict not in _OPEN:
        return result
    match answer.outcome:
        case Value(number) if beside is Signal.UNREACHED:
            return _with_unreached(spec, seen, result, metric, _Calls(number, _counted(metric, answer, heard)))
        case Value(number):
            return _with_duration(spec, seen, result, metric, number)
        case Rejected(reason) | Unreachable(reason):
            message = f"{metric.name}, as callers see it: {reason}"
            return result.model_copy(update={"verdict": Verdict.ERROR, "value": None, "message": message[:256]})
        case _:
            return result


@dataclass(frozen=True, slots=True)
class _Calls:
    """What callers sent and what came of it."""

    percent: float
    """Of all requests, those that failed on the way."""
    arrived: float | None
    """How many got to a pod, where that is known."""

    @property
    def sent(self) -> float | None:
        """How many there were, where that can be told from those that arrived."""
        return None if not self.arrived or self.percent >= 100 else self.arrived / (1 - self.percent / 100)


def _counted(metric: Metric, answer: Sample, heard: Mapping[Probe, Sample]) -> float | None:
    """How many requests the pods of the canary have counted in the metric's look-back."""
    if not metric.min_requests or not isinstance(answer.probe, Probe):
        return None
    probe = count_of(metric, replace(answer.probe, subject=Subject.CANARY))
    counted = heard.get(probe)
    return counted.outcome.number if counted is not None and isinstance(counted.outcome, Value) else None


def _with_unreached(
    spec: CanarySpec, seen: Observed, result: MetricResult, metric: Metric, calls: _Calls
) -> MetricResult:
    """Of all requests a percent has failed on the way; of the rest, what the pods say of those that they got."""
    if result.verdict is Verdict.NO_DATA and calls.sent is not None and not enough(metric, calls.sent):
        return result
    subject, percent = _subject(spec, seen, Signal.SUCCESS_RATE), calls.percent
    total = (100.0 if result.value is None else result.value) * (1 - percent / 100)
    whose = "the canary's requests" if subject is Subject.CANARY else f"the requests to Service {seen.service}"
    failed = f"{percent:.2f} % of {whose} failed before they reached a pod"
    words = in_words(metric, total, calls.sent)
    if (verdict := verdict_of(metric, total)) is not Verdict.FAIL:
        if result.value is None or percent == 0 or result.verdict is Verdict.NO_DATA:
            return result
        message = f"{words}; {failed}"
        return result.model_copy(update={"verdict": verdict, "value": round(total, 3), "message": message[:256]})
    where = f"{failed} of either version" if subject is Subject.BOTH else failed
    fault = _named(seen, subject, delays=False)
    cause = f"{fault}: {failed}" if fault else where
    return _breached(result, subject, f"{words}: {cause}", value=total)


def _with_duration(spec: CanarySpec, seen: Observed, result: MetricResult, metric: Metric, ms: float) -> MetricResult:
    if verdict_of(metric, ms) is not Verdict.FAIL:
        return result
    subject = _subject(spec, seen, Signal.DURATION)
    words = f"{in_words(metric, ms)} as callers see it: {_named(seen, subject, delays=True)}"
    return _breached(result, subject, words, value=ms)


def _breached(result: MetricResult, subject: Subject, message: str, *, value: float) -> MetricResult:
    """Where nobody has measured the canary, what is both sides' says nothing of it: that stays without a value."""
    own = subject is Subject.CANARY
    known = value if own or result.value is not None else None
    return result.model_copy(update={
        "verdict": Verdict.FAIL if own else Verdict.SHARED_BREACH, "message": message[:256],
        "value": None if known is None else round(known, 3),
    })  # fmt: skip


def _subject(spec: CanarySpec, seen: Observed, signal: Signal) -> Subject:
    """Whose the failures are that no pod has counted, or the delays."""
    found = {fault.of for fault in _faults(seen, delays=signal is Signal.DURATION)}
    if Subject.BOTH in found:
        return Subject.BOTH
    if signal is Signal.DURATION or not spec.swaps:
        return Subject.CANARY
    # Two subsets have one Service, and callers do not say which subset they meant; but what a fault answered they do.
    return Subject.CANARY if own_codes(seen.faults) else Subject.BOTH


def _faults(seen: Observed, *, delays: bool) -> list[Fault]:
    return [fault for fault in seen.faults if fault.delays is delays]


def _named(seen: Observed, subject: Subject, *, delays: bool) -> str:
    """The fault that explains it best, in words; empty if none does."""
    whose = _NAMED_FIRST if subject is Subject.BOTH else (subject,)
    found = [fault for fault in _faults(seen, delays=delays) if fault.of in whose]
    found.sort(key=lambda fault: whose.index(fault.of))
    return f"{found[0].rule}, {_LEADS[found[0].of]}, {found[0].words}" if found else ""
