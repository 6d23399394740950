"""The schedule that a spec describes: one list of steps for every strategy.

A step gives the canary a share and is left upward when enough checks have passed and its dwell is over. The shares
ascend, so that the place in the schedule is the share itself, also when the schedule is edited in mid-run.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from rollouts.api.analysis import Analysis
from rollouts.api.durations import duration_s
from rollouts.api.status import CanaryStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One share of the requests, and what it takes to go on from it."""

    weight: int
    dwell_s: float
    """How long it is held at least, from when the routes carry it."""
    checks: int = 1
    """How many judgements must pass."""
    mirrored: bool = False
    """The canary gets copies of the primary's requests."""
    confirmed: bool = False
    """It is the promotion in the eyes of clients: confirm-promotion is asked before it, not after the last step."""


def plan_of(analysis: Analysis) -> tuple[Step, ...]:
    """All steps of a run, ascending by weight."""
    weights = _weights(analysis)
    return tuple(_step(analysis, weights, place) for place in range(len(weights)))


def step_count(analysis: Analysis) -> int:
    """How many steps a run has."""
    return len(_weights(analysis))


def current_step(analysis: Analysis, status: CanaryStatus) -> Step | None:
    """The step that the run is at: the last one not above its weight; None before the first.

    A weight below all of them, set by hand or left over from another schedule, is a step of its own.
    """
    if status.step_index == 0:
        return None
    weights = _weights(analysis)
    index = bisect_right(weights, status.desired_weight)
    return _step(analysis, weights, index - 1) if index else Step(status.desired_weight, analysis.interval_s)


def next_step(analysis: Analysis, status: CanaryStatus) -> Step | None:
    """The step after it; None after the last."""
    weights = _weights(analysis)
    index = bisect_right(weights, place_of(status))
    return _step(analysis, weights, index) if index < len(weights) else None


def place_of(status: CanaryStatus) -> int:
    """Where in the schedule the run is: its weight, or -1 before the first step."""
    return status.desired_weight if status.step_index > 0 else -1


def step_index(analysis: Analysis, weight: int) -> int:
    """Which step, from 1, a weight belongs to; 0 below the first."""
    return bisect_right(_weights(analysis), weight)


def next_weight_back(analysis: Analysis, weight: int) -> int:
    """After promotion: the canary's next share on the way to 0."""
    listed = analysis.step_weights_promotion
    if listed is not None:
        return next((share for share in listed if share < weight), 0)
    return max(0, weight - (analysis.step_weight_promotion or weight))


def _weights(analysis: Analysis) -> tuple[int, ...]:
    """The weight of each step; the last one is never above maxWeight."""
    if analysis.iterations is not None:
        return (analysis.weight_total,) if analysis.match else (0, analysis.weight_total)
    dark = (0,) if analysis.mirror else ()
    if analysis.step_weights is not None:
        return dark + analysis.step_weights
    last = analysis.last_weight
    step = analysis.step_weight or last
    return *dark, *range(step, last, step), last


def _step(analysis: Analysis, weights: Sequence[int], place: int) -> Step:
    weight, interval_s = weights[place], analysis.interval_s
    if analysis.iterations is None:
        dark = analysis.mirror and place == 0
        told_s = 0.0 if dark else _told_dwell_s(analysis, place - int(analysis.mirror))
        return Step(weight, max(told_s, interval_s), mirrored=dark)
    if analysis.match:
        return Step(weight, interval_s, checks=analysis.iterations)
    if weight > 0:
        return Step(weight, interval_s, confirmed=True)
    return Step(weight, interval_s, checks=analysis.iterations, mirrored=analysis.mirror)


def _told_dwell_s(analysis: Analysis, place: int) -> float:
    dwells = analysis.step_dwells
    if analysis.step_duration is not None:
        return duration_s(analysis.step_duration)
    return duration_s(dwells[min(place, len(dwells) - 1)]) if dwells else 0.0
