"""Sequential evaluation, as a user asks for it: which metrics are judged by all requests, and by what limits.

Only counts of requests can be. Where a metric has only what a threshold takes, its limits are read as the same
statement: `thresholdRange.min: 99` of a success rate is an objective of 99 %; a p99 of at most 500 ms says that 99 %
are to be quicker. Knows no statistics. The same rules stand, as CEL in the same words, in rules.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from rollouts.api.durations import duration_s
from rollouts.api.metric import DURATION, SUCCESS_RATE, Compare, Evaluation, Metric

SEQUENTIAL_MAX, METRICS_MAX, ROOM = 4, 16, 3
"""Metrics of one Canary: what is remembered of each that is sequential takes the room of so many others' results."""

COUNTS_ONLY = (
    "evaluation: sequential and compare: primary take counts: request-success-rate, request-duration, counters, "
    "or a template that has some"
)
NO_COMPARISON = "compare: primary goes with sequential evaluation: a threshold knows no primary"
NO_OBJECTIVE = (
    "sequential evaluation needs an objective (or thresholdRange.min of request-success-rate, below 100), and for "
    "request-duration a threshold (or thresholdRange.max)"
)
TOO_MANY = (
    f"no more than {SEQUENTIAL_MAX} metrics can be evaluated sequentially, and each takes the place of {ROOM} of the "
    f"{METRICS_MAX} there may be"
)
STEP_DURATION = "stepDuration goes with stepWeight or stepWeights, and without stepDwells, which say it for each step"
HOLD_FOR_STEP = "maxHold must not be shorter than stepDuration"


class Promote(StrEnum):
    """What a step takes to be left upward, where metrics are evaluated sequentially."""

    EVIDENCE = "evidence"
    """Every one passes."""
    TIME = "time"
    """None fails until the step's time is over."""


class Otherwise(StrEnum):
    """What becomes of a release where there is neither a pass nor a failure of the canary's own."""

    HOLD = "hold"
    ADVANCE = "advance"
    FAIL = "fail"


def is_countable(metric: Metric) -> bool:
    """Whether requests can be counted for it. Nobody knows here if a template has counters: the metric has to ask."""
    templated = metric.template_ref is not None and _wants_counts(metric)
    return metric.built_in or metric.counters is not None or templated


def is_sequential(metric: Metric, evaluation: Evaluation) -> bool:
    """Whether it is evaluated sequentially; `evaluation` is the analysis'.

    A metric that can't be stays what it is. Counters have no other way, and a comparison has no sound threshold.
    """
    if metric.evaluation is not None:
        return metric.evaluation is Evaluation.SEQUENTIAL and is_countable(metric)
    wanted = evaluation is Evaluation.SEQUENTIAL or metric.compare is Compare.PRIMARY or metric.counters is not None
    return wanted and is_countable(metric)


def objective_of(metric: Metric) -> float | None:
    """Percent of the requests that are to be good; None where nobody says."""
    if metric.objective is not None:
        return metric.objective
    if metric.name == DURATION:
        return 100 * metric.quantile
    limits = metric.threshold_range
    least = limits.min if limits is not None and metric.name == SUCCESS_RATE else None
    return least if least is not None and 0 < least < 100 else None


def threshold_ms_of(metric: Metric) -> float | None:
    """From how long on a request is bad, in milliseconds; None where nobody says, or it matters not."""
    if metric.name != DURATION:
        return None
    if metric.threshold is not None:
        return 1000 * duration_s(metric.threshold)
    most = metric.threshold_range.max if metric.threshold_range is not None else None
    return most if most is not None and most > 0 else None


def metric_flaws(metrics: Iterable[Metric], evaluation: Evaluation) -> tuple[tuple[bool, str], ...]:
    """Each rule on them: whether it is broken, and its words."""
    told = tuple(metrics)
    sequential = [metric for metric in told if is_sequential(metric, evaluation)]
    return (
        (any(_wants_counts(metric) and not is_countable(metric) for metric in told), COUNTS_ONLY),
        (any(metric.compare is Compare.PRIMARY and _by_threshold(metric) for metric in told), NO_COMPARISON),
        (any(_lacks_objective(metric) for metric in sequential), NO_OBJECTIVE),
        (bool(sequential) and len(told) + ROOM * len(sequential) > METRICS_MAX, TOO_MANY),
    )


def _wants_counts(metric: Metric) -> bool:
    return metric.evaluation is Evaluation.SEQUENTIAL or metric.compare is Compare.PRIMARY


def _by_threshold(metric: Metric) -> bool:
    return metric.evaluation is Evaluation.THRESHOLD


def _lacks_objective(metric: Metric) -> bool:
    unlimited = metric.name == DURATION and threshold_ms_of(metric) is None
    return unlimited or objective_of(metric) is None
