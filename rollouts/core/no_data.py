"""A canary without anything to judge: whether it ought to have some, how long that may last, and what follows.

While the stable side has requests and the canary, which has a share of them, has none, that is an error and no matter
of a metric's onNoData: after its noDataDeadline the release is rolled back. Else onNoData says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from rollouts.api.canary import CanarySpec
from rollouts.api.durations import duration_s
from rollouts.api.metric import Metric, OnNoData
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.deciding import deciding
from rollouts.core.finding import missing, newest
from rollouts.core.measurement import Probe, Question, Signal, Subject, Value
from rollouts.core.observed import Observed

STABLE_RATE = Probe(Signal.REQUEST_RATE, Subject.STABLE)
CANARY_RATE = Probe(Signal.REQUEST_RATE, Subject.CANARY)
NO_DATA_INTERVALS = 3
"""For how many intervals a canary with weight may show no request while the stable side has some."""
_MEANT = MappingProxyType({OnNoData.ADVANCE: Verdict.PASS, OnNoData.FAIL: Verdict.FAIL})


@dataclass(frozen=True, slots=True)
class Starvation:
    """Whether the canary has nothing to be judged by although it ought to."""

    asks: tuple[Question, ...] = ()
    """What is to be answered before that is known."""
    starved: bool = False
    over: str = ""
    """Why the release can't go on; empty while it may."""


def starvation(spec: CanarySpec, status: CanaryStatus, seen: Observed, results: Sequence[MetricResult]) -> Starvation:
    """What the requests of the stable side say of results that have no value."""
    empty = unmeasured(results)
    if not empty or not ought_to_have_data(spec, status):
        return Starvation()
    at, metrics = empty[0].measured_at, _by_name(spec)
    # What fails at once, or advances, is a question of the metric alone where the canary has requests.
    lenient = all(_policy(metrics, result) is not OnNoData.HOLD for result in empty)
    probes = (STABLE_RATE, CANARY_RATE) if lenient else (STABLE_RATE,)
    if asks := missing(seen.samples, probes, at):
        return Starvation(asks=asks)
    if not _is_busy(seen, STABLE_RATE, at) or (lenient and _is_busy(seen, CANARY_RATE, at)):
        return Starvation()
    # Only the time counts in which the stable side has requests: a night without any ends no release in the morning.
    since = status.no_data_since or at
    late = [result for result in empty if (at - since).total_seconds() >= _deadline_s(spec, metrics.get(result.name))]
    return Starvation(starved=True, over=_over(late[0], metrics, since, at) if late else "")


def unmeasured(results: Sequence[MetricResult]) -> tuple[MetricResult, ...]:
    """Those that have nothing to decide by: no data, or a breach of both sides that nobody measured the canary in."""
    open_verdicts = {Verdict.NO_DATA, Verdict.SHARED_BREACH}
    return tuple(one for one in deciding(results) if one.value is None and one.verdict in open_verdicts)


def by_policy(spec: CanarySpec, results: Sequence[MetricResult]) -> tuple[MetricResult, ...]:
    """The results, with no data as its metric's onNoData has it."""
    metrics = _by_name(spec)
    return tuple(_meant(result, _policy(metrics, result)) for result in results)


def ought_to_have_data(spec: CanarySpec, status: CanaryStatus) -> bool:
    """Whether requests of the stable side mean that the canary should have some: it gets a share of all, or copies."""
    return status.mirrored or (status.desired_weight > 0 and not spec.analysis.match)


def _meant(result: MetricResult, policy: OnNoData) -> MetricResult:
    if result.verdict is not Verdict.NO_DATA or policy is OnNoData.HOLD:
        return result
    message = f"{result.message}; onNoData: {policy}"
    return result.model_copy(update={"verdict": _MEANT[policy], "message": message[:256]})


def _by_name(spec: CanarySpec) -> dict[str, Metric]:
    return {metric.name: metric for metric in spec.analysis.metrics}


def _policy(metrics: dict[str, Metric], result: MetricResult) -> OnNoData:
    metric = metrics.get(result.name)
    return OnNoData.HOLD if metric is None else metric.on_no_data


def _is_busy(seen: Observed, probe: Probe, at: datetime) -> bool:
    sample = newest(seen.samples, probe, at)
    return sample is not None and isinstance(sample.outcome, Value) and sample.outcome.number > 0


def _deadline_s(spec: CanarySpec, metric: Metric | None) -> float:
    own = metric.no_data_deadline if metric is not None else None
    return NO_DATA_INTERVALS * spec.analysis.interval_s if own is None else duration_s(own)


def _over(result: MetricResult, metrics: dict[str, Metric], since: datetime, at: datetime) -> str:
    metric, lasted = metrics.get(result.name), f"for {(at - since).total_seconds():.0f} s"
    if metric is not None and not metric.built_in:
        return f"{metric.name} had no value {lasted}, while the primary has requests"
    return f"no request of the canary was measured {lasted}, the primary has some"
