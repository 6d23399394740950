"""From measurements to verdicts: what one metric's answer means, and what all of them mean together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rollouts.api.metric import Metric, ThresholdRange
from rollouts.api.status import RESULT_NAME_MAX, MetricResult, Verdict
from rollouts.api.texts import cut
from rollouts.core.measurement import (
    Accepted,
    Call,
    Content,
    Evidenced,
    Explained,
    NoData,
    Probe,
    Refused,
    Rejected,
    Sample,
    Signal,
    Subject,
    Unreachable,
    Value,
)

_UNIT = {Signal.SUCCESS_RATE: "%", Signal.DURATION: "ms"}
_WORST_FIRST = (
    Verdict.FAIL, Verdict.ERROR, Verdict.SHARED_BREACH, Verdict.NO_DATA, Verdict.INCONCLUSIVE, Verdict.PASS,
)  # fmt: skip


def signal_of(metric: Metric) -> Signal:
    """What a metric's probe is about: the mesh's own signal of that name, else what its query measures."""
    return Signal(metric.name) if metric.built_in else Signal.CUSTOM


def probes_of(metrics: Iterable[Metric], run_s: float) -> tuple[Probe, ...]:
    """The questions that judge these metrics, in their order, `run_s` after the run began.

    None looks back beyond that: there the canary was another revision, and its failures are not this one's.
    """
    return tuple(
        Probe(signal_of(metric), Subject.CANARY, min(metric.window_s, run_s), "" if metric.built_in else metric.name)
        for metric in metrics
    )


def judge_all(metrics: Sequence[Metric], answers: Sequence[Sample]) -> tuple[MetricResult, ...]:
    """What all answers mean: first one for each metric, then those of the hooks."""
    judged = tuple(judge(metric, answer) for metric, answer in zip(metrics, answers, strict=False))
    return judged + tuple(judge_hook(answer) for answer in answers[len(metrics) :])


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


def judge(metric: Metric, sample: Sample) -> MetricResult:
    """What the answer to one metric's probe means."""
    verdict, value, message = Verdict.ERROR, None, ""
    match sample.outcome:
        case Value(number):
            value = round(number, 3)
            verdict = Verdict.PASS if within(number, metric.threshold_range) else Verdict.FAIL
            message = in_words(metric, number)
        case NoData():
            verdict, message = Verdict.NO_DATA, f"{metric.name}: no request of the canary was measured"
        case Rejected(reason) | Unreachable(reason) | Refused(reason):
            message = f"{metric.name}: {reason}"
        case Accepted() | Content() | Explained() | Evidenced():  # pragma: no branch - the last there is
            message = f"{metric.name}: no answer of a metric source"
    return MetricResult(name=metric.name, verdict=verdict, value=value, message=message[:256], measured_at=sample.at)


def worst(results: Sequence[MetricResult]) -> MetricResult:
    """The result that decides: a failure before an error, a breach of both, no data, a pass; the first of its kind."""
    return min(results, key=lambda result: _WORST_FIRST.index(result.verdict))


def within(number: float, limits: ThresholdRange | None) -> bool:
    """Whether a value passes; where there are no limits every one does."""
    if limits is None:
        return True
    above = limits.min is None or number >= limits.min
    below = limits.max is None or number <= limits.max
    return above and below


def in_words(metric: Metric, number: float) -> str:
    """A value against its limits."""
    limits, unit = metric.threshold_range, _UNIT.get(signal_of(metric), "")
    if limits is None:
        return f"{metric.name} {number:.2f} {unit}"
    ends = []
    if limits.min is not None:
        ends.append(f"at least {limits.min:g} {unit}")
    if limits.max is not None:
        ends.append(f"at most {limits.max:g} {unit}")
    return f"{metric.name} {number:.2f} {unit} (limit {' and '.join(ends)})"
