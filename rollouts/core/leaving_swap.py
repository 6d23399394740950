"""What can be found once a Canary with subsets is deleted: nothing was made, so only the routes are given back.

All requests go to the side that serves, and our marks go. Not to the weights that were there at first: these may lead
to a version without pods, or to one that nobody has judged. Both workloads stay as they are, for the same reason: the
old version at zero, or a canary that nobody asks any more.
"""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Desired, Leave
from rollouts.core.desired import routing_of
from rollouts.core.finding import Finding, waited
from rollouts.core.leaving import GIVE_UP_AFTER, is_over, is_told, notices_wake, since
from rollouts.core.observed import Observed, serves
from rollouts.core.parts import in_percent
from rollouts.core.phases import Event


def find_leaving_swap(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """First who serves from now on; then, in Terminating, whether the routes are given back."""
    if status.phase is not Phase.TERMINATING:
        return _begun(status, seen)
    if is_over(status):
        return waited("waiting for the last notices to arrive", wake_at=notices_wake(status, seen))
    if not seen.made:
        return Finding(Event.RELEASED, _farewell(spec, status), wake_at=notices_wake(status, seen))
    if not status.stranded and _other_serves(seen):
        return Finding(Event.HANDED_BACK, _to_the_other())
    overdue_at = since(status, seen) + GIVE_UP_AFTER
    if seen.now < overdue_at:
        return waited("waiting for the routes to be given back", wake_at=overdue_at)
    late = f"not done within {GIVE_UP_AFTER.total_seconds():.0f} s: the routes stay as they are, with our marks"
    return Finding(Event.GIVEN_UP, late, wake_at=notices_wake(status, seen))


def desired_when_leaving_swap(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event) -> Desired:
    """The world that a Canary in Terminating asks for after that event."""
    share = routing_of(spec, status)
    if is_over(status):
        return Desired(share, leave=Leave(let_go=is_told(status, seen, event)))
    return Desired(share, leave=Leave(hand_back=True))


def _begun(status: CanaryStatus, seen: Observed) -> Finding:
    if _other_serves(seen):
        return Finding(Event.HANDED_BACK, _to_the_other())
    if status.desired_weight == 0:
        return Finding(Event.DELETED, "the Canary was deleted")
    at = f"the Canary was deleted while the canary had {in_percent(status.desired_weight, status.weight_total)}"
    return Finding(Event.DELETED, f"{at}: subset {status.stable_subset} takes all traffic")


def _other_serves(seen: Observed) -> bool:
    return serves(seen.target) and not serves(seen.primary)


def _to_the_other() -> str:
    return "the Canary was deleted: all traffic goes to the one side that serves"


def _farewell(spec: CanarySpec, status: CanaryStatus) -> str:
    stable, other = spec.subset(status.stable_subset), spec.other_subset(status.stable_subset)
    if stable is None or other is None:
        return "the Canary is gone, and nothing is left of it"
    serving = other if status.stranded else stable
    return f"the Canary is gone, and its marks on the routes; all traffic goes to subset {serving.name}"
