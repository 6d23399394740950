"""How many pods each side has: what a run notes when it begins, and what a status means for the sizes afterwards.

Rollback stays immediate, so the primary must be able to take everything back at any moment: while a run lasts, its
autoscaler leaves it at least what it had at the start, however little traffic the canary leaves it. The canary's own
size is the user's choice; where it is the one side that serves, it gets all pods, unless an autoscaler cares for that.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.scaling import AUTO, canary_size
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.ending import is_new
from rollouts.core.observed import Observed, serves
from rollouts.core.phases import MID_RUN, WITH_WEIGHT

_UNSTARTED = frozenset({None, Phase.INITIALIZING})


def sizes_at_start(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> dict[str, Any]:
    """What a run that begins now notes: the canary's size, the target's own, and the primary's."""
    stable = seen.primary.replicas if seen.primary is not None else 0
    full = _wanted_size(spec, status, seen) or max(1, stable)
    size = canary_size(spec.canary_replicas, full=full, stable=stable or full)
    most = seen.target.replicas_max if seen.target is not None else None
    size = size if most is None else max(1, min(size, most))
    return {"canary_replicas": size, "full_replicas": full, "stable_replicas": max(1, stable)}


def _wanted_size(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> int:
    """What the user gives the target; 0 if its size says nothing of that."""
    wanted = seen.target.replicas if seen.target is not None else 0
    ours = spec.canary_replicas != AUTO and not _is_idle(status) and wanted == status.canary_replicas
    waited = wanted == 0 and status.phase is Phase.WAITING and spec.autoscaler_ref is None
    # At zero by our own will alone, to be given other pods: that says nothing of the size that is wanted.
    replaced = wanted == 0 and status.replacing
    return status.full_replicas if ours or waited or replaced else wanted


def _is_idle(status: CanaryStatus) -> bool:
    """Whether the size of a run before is given up."""
    return status.phase not in MID_RUN and status.drained


def full_size(status: CanaryStatus) -> int:
    """As many pods as the target would have, were it alone."""
    return max(1, status.full_replicas or status.canary_replicas)


def primary_replicas(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> int:
    """As many as the target has; where that is scaled down, or kept small for a run, as many as it would have."""
    small = spec.canary_replicas != AUTO and status.phase not in _UNSTARTED
    target = 0 if small or seen.target is None else seen.target.replicas
    return target or full_size(status)


def stable_floor(status: CanaryStatus) -> int:
    """Until the canary's traffic is back, and has been for a while; not while a run only waits to begin."""
    lasts = status.phase in WITH_WEIGHT or status.desired_weight > 0 or not status.drained
    return status.stable_replicas if lasts and status.phase not in _UNSTARTED else 0


def canary_replicas(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> int | None:
    """The size to give the canary; None leaves it alone."""
    if seen.target is None:
        return None
    if status.stranded and 0 < seen.target.replicas < full_size(status) and _is_sized(spec):
        return full_size(status)
    if status.phase in WITH_WEIGHT and not status.replacing:
        size = full_size(status) if status.stranded else status.canary_replicas
        return size if seen.target.replicas == 0 or _is_missized(spec, status, seen) else None
    # Never the last pods that serve: only out of traffic, silent, and with a primary that answers.
    silent = status.drained and status.desired_weight == 0 and seen.route_weight == 0 and seen.routed
    if status.stable_subset and is_new(status, seen.target):
        return None
    return 0 if silent and serves(seen.primary) and seen.target.replicas > 0 else None


def rests(status: CanaryStatus, seen: Observed, wanted: int | None) -> bool:
    """Whether the canary is at zero between releases, or goes there; `wanted` is the size that it is given now."""
    idle = status.phase not in _UNSTARTED | WITH_WEIGHT and status.desired_weight == 0
    return idle and seen.target is not None and (wanted == 0 or seen.target.replicas == 0)


def _is_sized(spec: CanarySpec) -> bool:
    """Whether the canary has a size of its own, and no autoscaler to change it."""
    return spec.canary_replicas != AUTO and spec.autoscaler_ref is None


def _is_missized(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether somebody's manifest has given it another size than the spec, before its first request."""
    unused = status.desired_weight == 0 and status.step_index == 0 and seen.route_weight == 0 and seen.routed
    return unused and _is_sized(spec) and seen.target is not None and seen.target.replicas != status.canary_replicas
