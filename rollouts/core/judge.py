"""From measurements to verdicts: what one metric's answer means, and what all of them mean together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from rollouts.api.durations import duration_s
from rollouts.api.metric import Metric, Reporter
from rollouts.api.status import ERRORS_MAX, RESULT_NAME_MAX, MetricResult, Verdict
from rollouts.api.texts import cut
from rollouts.core.limits import in_words, verdict_of
from rollouts.core.measurement import (
    Accepted,
    Answer,
    Call,
    Content,
    Evidenced,
    Explained,
    NoData,
    Probe,
    Question,
    Refused,
    Rejected,
    Sample,
    Signal,
    Subject,
    Unreachable,
    Value,
)

_ABOUT = MappingProxyType({Signal.UNREACHED: Signal.SUCCESS_RATE, Signal.CALLERS_DURATION: Signal.DURATION})
"""Signals that are asked beside those of a metric."""


def signal_of(metric: Metric) -> Signal:
    """What a metric's probe is about: the mesh's own signal of that name, else what its query measures."""
    return Signal(metric.name) if metric.built_in else Signal.CUSTOM


def metric_of(metrics: Iterable[Metric], probe: Probe) -> Metric | None:
    """The metric that a probe is asked for; None where it is asked for no metric, or for one that is gone."""
    name = probe.metric or _ABOUT.get(probe.signal, probe.signal)
    return next((metric for metric in metrics if metric.name == name), None)


def probes_of(metrics: Iterable[Metric], run_s: float) -> tuple[Probe, ...]:
    """The questions that judge these metrics, in their order, `run_s` after the run began.

    None looks back beyond that: there the canary was another revision, and its failures are not this one's. A metric
    with a least number of requests has a second question, and one that is not judged yet has none.
    """
    found: list[Probe] = []
    for metric in metrics:
        if metric.initial_delay is not None and run_s < duration_s(metric.initial_delay):
            continue
        name = "" if metric.built_in else metric.name
        probe = Probe(signal_of(metric), Subject.CANARY, min(metric.window_s, run_s), name)
        found += [probe, count_of(metric, probe)] if metric.min_requests else [probe]
    return tuple(dict.fromkeys(found))


def count_of(metric: Metric, probe: Probe) -> Probe:
    """How many requests a metric's probe is about: counted by whom the metric trusts."""
    name = "" if metric.reporter is Reporter.DESTINATION else metric.name
    return replace(probe, signal=Signal.REQUESTS, metric=name)


def judge_all(metrics: Sequence[Metric], answers: Sequence[Sample], now: datetime) -> tuple[MetricResult, ...]:
    """What all answers mean: one result for each metric, in their order, then one for each hook."""
    at = answers[0].at if answers else now
    heard = {answer.probe: answer for answer in answers}
    found = ((metric_of(metrics, probe), probe) for probe in heard if isinstance(probe, Probe))
    asked = {metric.name: probe for metric, probe in found if metric is not None and probe.signal is signal_of(metric)}
    results: list[MetricResult] = []
    for metric in metrics:
        probe = asked.get(metric.name)
        result = _too_early(metric, at) if probe is None else _judged(metric, probe, heard)
        results.append(result.model_copy(update={"dry_run": True}) if metric.dry_run else result)
    return (*results, *(judge_hook(answer) for answer in answers if isinstance(answer.probe, Call)))


def judge_hook(sample: Sample) -> MetricResult:
    """What the answer of a hook that tests the canary means. One that can't be reached says nothing of the canary."""
    name = sample.probe.hook if isinstance(sample.probe, Call) else ""
    verdict, message = Verdict.ERROR, ""
    match sample.outcome:
        case Accepted(told):
            verdict, message = Verdict.PASS, f"{name} passed{': ' + told if told else ''}"
        case Refused(reason):
            verdict, message = Verdict.FAIL, f"{name}: {reason}"
        case Rejected(reason) | Unreachable(reason):
            message = f"{name}: {reason}"
        case Value() | NoData() | Content() | Explained() | Evidenced():  # pragma: no branch - the last there is
            message = f"{name}: no answer of a webhook"
    return MetricResult(
        name=cut(name, RESULT_NAME_MAX), verdict=verdict, message=message[:256], measured_at=sample.at,
    )  # fmt: skip


def judge(metric: Metric, sample: Sample, count: Answer | None = None) -> MetricResult:
    """What the answer to one metric's probe means; `count` is the answer how many requests it speaks of."""
    verdict, value, message = Verdict.ERROR, None, ""
    match sample.outcome:
        case Value(number):
            value = round(number, 3) if metric.built_in else number
            requests = count.number if isinstance(count, Value) else None
            verdict, message = verdict_of(metric, number), in_words(metric, number, requests)
        case NoData():
            verdict, message = Verdict.NO_DATA, f"{metric.name}: {_nothing(metric)}"
        case Rejected(reason) | Unreachable(reason) | Refused(reason):
            message = f"{metric.name}: {reason}"
        case Accepted() | Content() | Explained() | Evidenced():  # pragma: no branch - the last there is
            message = f"{metric.name}: no answer of a metric source"
    result = MetricResult(name=metric.name, verdict=verdict, value=value, message=message[:256], measured_at=sample.at)
    if not metric.min_requests or (value is None and not _has_few(metric, verdict, count)):
        return result
    return _enough(metric, result, count, sample.probe.window_s if isinstance(sample.probe, Probe) else 0.0)


def enough(metric: Metric, requests: float) -> bool:
    """Whether so many requests make a judgement."""
    return round(requests) >= metric.min_requests


def counted(results: Iterable[MetricResult], before: Iterable[MetricResult]) -> tuple[MetricResult, ...]:
    """The results, with their errors in a row, going on from those of the judgement before."""
    errors = {result.name: result.errors for result in before}
    return tuple(
        result.model_copy(update={"errors": min(errors.get(result.name, 0) + 1, ERRORS_MAX)})
        if result.verdict is Verdict.ERROR
        else result
        for result in results
    )


def as_told(result: MetricResult) -> MetricResult:
    """The same, in words that say so where it decides nothing."""
    if not result.dry_run:
        return result
    said = "dry run, would have failed" if result.verdict is Verdict.FAIL else "dry run"
    return result.model_copy(update={"message": f"{said}: {result.message}"[:256]})


def _judged(metric: Metric, probe: Probe, heard: Mapping[Question, Sample]) -> MetricResult:
    counted = heard.get(count_of(metric, probe))
    return judge(metric, heard[probe], None if counted is None else counted.outcome)


def _too_early(metric: Metric, at: datetime) -> MetricResult:
    message = f"{metric.name} is not judged before {metric.initial_delay} of the run are over (initialDelay)"
    return MetricResult(name=metric.name, verdict=Verdict.INCONCLUSIVE, message=message, measured_at=at)


def _requests(count: int) -> str:
    return f"{count} request{'' if count == 1 else 's'}"


def _nothing(metric: Metric) -> str:
    return "no request of the canary was measured" if metric.built_in else "the query has no value"


def _has_few(metric: Metric, verdict: Verdict, count: Answer | None) -> bool:
    """Whether a metric without a value had some requests all the same: a rate never sees the first one of a pod."""
    return (
        verdict is Verdict.NO_DATA
        and isinstance(count, Value)
        and round(count.number) > 0
        and not enough(metric, count.number)
    )


def _enough(metric: Metric, result: MetricResult, count: Answer | None, window_s: float) -> MetricResult:
    """The result as it is where there were requests enough."""
    match count:
        case Value(number) if enough(metric, number):
            return result
        case Value(number):
            few = f"{_requests(round(number))} of the canary in {window_s:g} s"
            verdict, message = Verdict.NO_DATA, f"{few}, {metric.min_requests} make a judgement (minRequests)"
        case Rejected(reason) | Unreachable(reason):
            verdict, message = Verdict.ERROR, f"the canary's requests could not be counted: {reason}"
        case _:
            verdict, message = Verdict.NO_DATA, "the canary's requests could not be counted yet (minRequests)"
    value = result.value if verdict is Verdict.NO_DATA else None
    return result.model_copy(update={"verdict": verdict, "value": value, "message": f"{metric.name}: {message}"[:256]})
