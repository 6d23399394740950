"""The limits of checks as numbers, to be drawn beside what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rollouts.api.analysis import Analysis
from rollouts.api.metric import Metric
from rollouts.api.sequential import is_sequential, objective_of


class Bound(StrEnum):
    """Which values pass."""

    MIN = "min"
    """Those that are not below it."""
    MAX = "max"
    """Those that are not above it."""


Limits = Mapping[str, Mapping[Bound, float]]
"""By the check's name. A check whose limit is an expression has no number."""


def limits_of(analysis: Analysis) -> Limits:
    """In the unit of what is measured: of what is evaluated sequentially that is the percent of good requests."""
    return {metric.name: _bounds(metric, analysis) for metric in analysis.metrics}


def _bounds(metric: Metric, analysis: Analysis) -> dict[Bound, float]:
    if is_sequential(metric, analysis.evaluation):
        objective = objective_of(metric)
        return {} if objective is None else {Bound.MIN: objective}
    limits = metric.threshold_range
    if limits is None:
        return {}
    ends = {Bound.MIN: limits.min, Bound.MAX: limits.max}
    return {bound: number for bound, number in ends.items() if number is not None}
