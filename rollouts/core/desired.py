"""What a status means for the world: one answer for each phase, whatever led there."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Desired
from rollouts.core.ending import is_new
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.phases import STEPPING, WITH_WEIGHT
from rollouts.core.routing import Routing
from rollouts.core.tracking import may_be_copied

_UNPROVEN = STEPPING | {Phase.WAITING}


def routing_of(spec: CanarySpec, status: CanaryStatus) -> Routing:
    """How the routes are to share the requests."""
    analysis = spec.analysis
    return Routing(
        status.desired_weight,
        matched=bool(analysis.match) and not status.stranded,
        mirror_percent=(analysis.mirror_weight or 100) if status.mirrored else 0,
        stable=status.stable_subset,
        testers=any(ref.canary_rules for ref in spec.route_refs) and _is_open(status),
        session=status.session if analysis.session_affinity is not None else "",
    )


def _is_open(status: CanaryStatus) -> bool:
    """Whether the canary is ready for those who are led to it on purpose: from the first step of its release on."""
    return status.desired_weight == 100 or (status.phase in WITH_WEIGHT and status.step_index > 0)


def desired_of(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, prepare: bool = False) -> Desired:
    """The world that `status` asks for. `prepare`: the primary may be made, or led to."""
    initializing = status.phase in (None, Phase.INITIALIZING)
    # A primary of ours is made when all has been looked at; one of the user's is there before.
    routing = not initializing or (prepare if spec.swaps else grown(seen.primary))
    return Desired(
        share=routing_of(spec, status),
        routing=routing,
        copy_to_primary=not spec.swaps and (_copies(spec, status, seen) if not initializing else prepare),
        primary_replicas=_primary_replicas(status, seen),
        canary_replicas=None if initializing else _canary_replicas(status, seen),
    )


def _copies(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target runs a proven revision that the primary lacks: promotion, or repair between releases."""
    if status.phase in _UNPROVEN or seen.target is None:
        return False
    proven = status.last_applied_spec if status.phase is Phase.PROMOTING else status.last_promoted_spec
    copied = seen.primary.source_revision if seen.primary is not None else None
    return seen.target.revision == proven and copied != proven and may_be_copied(spec, status, seen)


def _primary_replicas(status: CanaryStatus, seen: Observed) -> int:
    """As many as the target has; where that is scaled down between releases, as many as a release would give it."""
    return (seen.target.replicas if seen.target is not None else 0) or max(1, status.canary_replicas)


def _canary_replicas(status: CanaryStatus, seen: Observed) -> int | None:
    if seen.target is None:
        return None
    if status.phase in WITH_WEIGHT and not status.replacing:
        return status.canary_replicas if seen.target.replicas == 0 else None
    # Never the last pods that serve: only out of traffic, silent, and with a primary that answers.
    silent = status.drained and status.desired_weight == 0 and seen.route_weight == 0 and seen.routed
    if status.stable_subset and is_new(status, seen.target):
        return None
    return 0 if silent and serves(seen.primary) and seen.target.replicas > 0 else None
