"""The schedule of weights that a spec describes."""

from __future__ import annotations

from rollouts.api.canary import Analysis


def step_weights(analysis: Analysis) -> tuple[int, ...]:
    """The weight of each step in percent, ascending; the last one is never above maxWeight."""
    if analysis.step_weights is not None:
        return analysis.step_weights
    step = analysis.step_weight or analysis.max_weight
    return (*range(step, analysis.max_weight, step), analysis.max_weight)


def next_weight(analysis: Analysis, weight_percent: int) -> int | None:
    """The first weight of the schedule above this one; None after the last. Holds for schedules edited in mid-run."""
    return next((weight for weight in step_weights(analysis) if weight > weight_percent), None)


def step_index(analysis: Analysis, weight_percent: int) -> int:
    """Which step, from 1, a weight belongs to; 0 before the first."""
    return sum(1 for weight in step_weights(analysis) if weight <= weight_percent)
