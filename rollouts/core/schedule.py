"""When what comes is due, and the gate before it: of spec and status alone. Pure.

For those who decide and for those who only tell people, which need not know how the world is observed and judged.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus
from rollouts.core.grid import EARLY, on_grid
from rollouts.core.plan import Step

DRAIN_TIMEOUT = timedelta(seconds=30)
"""How long the side out of traffic is waited for to fall silent."""


def deadline(spec: CanarySpec, status: CanaryStatus) -> datetime | None:
    """When pods that are not ready end the run; None while they are ready."""
    if status.not_ready_since is None:
        return None
    return status.not_ready_since + timedelta(seconds=spec.progress_deadline_seconds)


def due_at_of(spec: CanarySpec, status: CanaryStatus, began: datetime, step: Step, grid_s: float) -> datetime:
    """An interval after the last judgement, and at the end of the dwell if that comes first; on the grid.

    The first of a run is never early: all that come to the same instant then look back equally far.
    """
    last = status.last_check_at or began
    due_at, over_at = last + timedelta(seconds=spec.analysis.interval_s), began + timedelta(seconds=step.dwell_s)
    due_at = over_at if last < over_at < due_at else due_at
    first = status.last_check_at is None and status.step_index <= 1
    return on_grid(due_at, (due_at - last).total_seconds(), grid_s, timedelta() if first else EARLY)


def gate_before(spec: CanarySpec, following: Step | None) -> HookType | None:
    """The promotion has its gate once: before clients see it. None before a share that nobody but copies get."""
    if following is None:
        early = spec.analysis.strategy is Strategy.BLUE_GREEN
        return None if early else HookType.CONFIRM_PROMOTION
    if following.confirmed:
        return HookType.CONFIRM_PROMOTION
    return HookType.CONFIRM_TRAFFIC_INCREASE if following.weight > 0 else None
