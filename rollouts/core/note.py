"""Bookkeeping before the judgement: what was merely seen goes into the status, and no decision is taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import has_everything, reverted
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.phases import ENDS, WITH_WEIGHT

_IDLE = ENDS | {Phase.INITIALIZED}


def note(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> CanaryStatus:
    """The status with the observation written into it."""
    update: dict[str, Any] = {
        "phase": status.phase or Phase.INITIALIZING,
        "observed_generation": seen.generation,
        "observed_weight": seen.route_weight,
        "not_ready_since": _not_ready_since(spec, status, seen),
    }
    if seen.problem is None and status.phase in {None, Phase.INITIALIZING}:
        # Before the first route is touched: from then on the routes tell what we want, and no longer who served.
        update["stable_subset"] = seen.stable_subset
    if status.phase in WITH_WEIGHT and status.step_index > 0 and seen.routed:
        # The dwell starts when the share was seen accepted, and someone's edit later does not restart it.
        update["dwell_started_at"] = status.dwell_started_at or seen.now
    if not status.drained and _drains(status, seen):
        update["drain_started_at"] = status.drain_started_at or seen.now
    idle = status.phase in _IDLE and status.desired_weight == 0
    if idle and reverted(status, seen):
        # Back to what is promoted already: nothing to release, but the failed revision may be tried again later.
        update["last_applied_spec"] = status.last_promoted_spec
    if idle and status.drained and seen.target is not None and seen.target.replicas == 0:
        update["idle_rested"] = bool(status.stable_subset)
    return status.model_copy(update=update)


def _drains(status: CanaryStatus, seen: Observed) -> bool:
    """Whether a side has nothing to expect any more: the canary after a run, or the primary once it is handed back."""
    if status.phase is Phase.TERMINATING:
        return status.desired_weight > 0 and seen.released
    return status.desired_weight == 0 and status.phase not in WITH_WEIGHT and seen.routed


def _not_ready_since(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> datetime | None:
    """Since when the pods that the release waits for are not ready; None while they are, or if it waits for none."""
    match status.phase:
        case Phase.PROGRESSING if status.step_index == 0:
            ready = grown(seen.target) and grown(seen.primary)
        case Phase.PROGRESSING | Phase.WAITING_PROMOTION:
            ready = grown(seen.target) and (has_everything(status) or serves(seen.primary))
        case Phase.PROMOTING if spec.swaps:
            ready = grown(seen.target)
        case Phase.PROMOTING:
            copied = seen.primary is not None and seen.primary.source_revision == status.last_applied_spec
            ready = copied and grown(seen.primary)
        case _:
            return None
    return None if ready else status.not_ready_since or seen.now
