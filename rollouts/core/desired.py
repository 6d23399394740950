"""What a status means for the world: one answer for each phase, whatever led there."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed, grown
from rollouts.core.phases import STEPPING, WITH_WEIGHT
from rollouts.core.routing import Routing
from rollouts.core.sizing import canary_replicas, primary_replicas, rests, stable_floor
from rollouts.core.tracking import may_be_copied

_UNPROVEN = STEPPING | {Phase.WAITING}


def routing_of(spec: CanarySpec, status: CanaryStatus) -> Routing:
    """How the routes are to share the requests."""
    analysis = spec.analysis
    return Routing(
        status.desired_weight,
        weight_total=status.weight_total,
        matched=bool(analysis.match) and not status.stranded,
        mirror_percent=(analysis.mirror_weight or 100) if status.mirrored else 0,
        stable=status.stable_subset,
        testers=any(ref.canary_rules for ref in spec.route_refs) and _is_open(status),
        session=status.session if analysis.session_affinity is not None else "",
    )


def _is_open(status: CanaryStatus) -> bool:
    """Whether the canary is ready for those who are led to it on purpose: from the first step of its release on."""
    return status.desired_weight == status.weight_total or (status.phase in WITH_WEIGHT and status.step_index > 0)


def desired_of(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, prepare: bool = False) -> Desired:
    """The world that `status` asks for. `prepare`: the primary may be made, or led to."""
    initializing = status.phase in (None, Phase.INITIALIZING)
    # A primary of ours is made when all has been looked at; one of the user's is there before.
    routing = not initializing or (prepare if spec.swaps else grown(seen.primary))
    size = None if initializing else canary_replicas(spec, status, seen)
    return Desired(
        share=routing_of(spec, status),
        routing=routing,
        copy_to_primary=not spec.swaps and (_copies(spec, status, seen) if not initializing else prepare),
        primary_replicas=primary_replicas(spec, status, seen),
        canary_replicas=size,
        stable_floor=stable_floor(status),
        rests=rests(status, seen, size),
    )


def _copies(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target runs a proven revision that the primary lacks: promotion, or repair between releases."""
    if status.phase in _UNPROVEN or seen.target is None:
        return False
    proven = status.last_applied_spec if status.phase is Phase.PROMOTING else status.last_promoted_spec
    copied = seen.primary.source_revision if seen.primary is not None else None
    return seen.target.revision == proven and copied != proven and may_be_copied(spec, status, seen)
