"""Bookkeeping before the judgement: what was merely seen goes into the status, and no decision is taken."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import has_everything, reverted
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.parts import in_parts_of
from rollouts.core.phases import ENDS, WITH_WEIGHT
from rollouts.core.tracking import are_gone, note_secrets

_IDLE = ENDS | {Phase.INITIALIZED}


def note(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> CanaryStatus:
    """The status with the observation written into it."""
    status = in_parts_of(status, spec.analysis.weight_total)
    update: dict[str, Any] = {
        "phase": status.phase or Phase.INITIALIZING,
        "observed_generation": seen.generation,
        "observed_weight": seen.route_weight,
        "not_ready_since": _not_ready_since(spec, status, seen),
        **note_secrets(status, seen),
    }
    if status.replacing and are_gone(seen.target):
        update["replacing"] = False
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
        update["applied_template"] = seen.target.template if seen.target is not None else ""
    if idle and status.drained and seen.target is not None and seen.target.replicas == 0:
        update["idle_rested"] = bool(status.stable_subset)
    return status.model_copy(update=update)


def _drains(status: CanaryStatus, seen: Observed) -> bool:
    """Whether a side has nothing to expect any more: the canary after a run, or the primary once it is handed back."""
    if status.phase is Phase.TERMINATING:
        return status.desired_weight > 0 and seen.released
    waits = status.phase not in WITH_WEIGHT or status.replacing
    return status.desired_weight == 0 and waits and seen.routed


def _not_ready_since(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> datetime | None:
    """Since when the pods that the release waits for are not ready; None while they are, or if it waits for none."""
    match status.phase:
        case Phase.INITIALIZING:
            ready = seen.primary is None or grown(seen.primary)
        case Phase.PROGRESSING if status.step_index == 0:
            ready = grown(seen.target) and grown(seen.primary) and not status.replacing
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
