"""What can be found once a Canary is deleted: its target gets its pods back, then all requests, then the rest goes.

Everything is told from what is seen, so that it may begin anywhere and go on after any crash. Nobody judges the target
any more: what it runs is what its user applied. What serves is never removed, and a deletion never waits for ever: what
can't be given back in time stays as it is, and that is said. A process that comes late begins that time anew: what
it finds undone may never have been tried.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import CANARY_LABEL
from rollouts.api.status import CanaryStatus, ConditionType, Phase
from rollouts.core.decision import Desired, Leave
from rollouts.core.desired import routing_of
from rollouts.core.finding import Finding, waited
from rollouts.core.measurement import Subject
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.parts import in_percent
from rollouts.core.phases import Event
from rollouts.core.resting import DRAIN_POLL, find_silence
from rollouts.core.schedule import DRAIN_TIMEOUT
from rollouts.core.sizing import full_size
from rollouts.core.unready import because, wait_for_pods

GIVE_UP_AFTER = timedelta(minutes=5)
"""How long a deletion may take in all."""
NOTICE_MAX = timedelta(seconds=30)
"""How long the last notices hold a Canary that is otherwise gone."""
_LAST = frozenset({Event.RELEASED, Event.GIVEN_UP})


def find_leaving(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """First who serves meanwhile; then, in Terminating, what is still to be given back, waited for or deleted."""
    if status.phase is not Phase.TERMINATING:
        return _begun(status, seen)
    if is_over(status):
        return waited("waiting for the last notices to arrive", wake_at=notices_wake(status, seen))
    if not seen.made:
        return Finding(Event.RELEASED, _farewell(spec, status, seen), wake_at=notices_wake(status, seen))
    overdue_at = since(status, seen) + GIVE_UP_AFTER
    if seen.abandoned and seen.now < overdue_at:
        return waited("the target is gone: deleting what was made for it", wake_at=overdue_at)
    if seen.now >= overdue_at:
        return _given_up(spec, status, seen, f"not done within {GIVE_UP_AFTER.total_seconds():.0f} s")
    return _draining(status, seen, overdue_at) if _handed(status) else _growing(spec, status, seen)


def desired_when_leaving(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event) -> Desired:
    """The world that a Canary in Terminating asks for after that event."""
    share = routing_of(spec, status)
    if is_over(status):
        return Desired(share, leave=Leave(let_go=is_told(status, seen, event)))
    handed, target = _handed(status), seen.target
    small = seen.made and not handed and target is not None and target.replicas < _wanted(status, seen)
    return Desired(
        share,
        canary_replicas=_wanted(status, seen) if small else None,
        leave=Leave(
            hand_back=handed or seen.abandoned,
            remove=(handed and status.drained and seen.released) or seen.abandoned,
        ),
    )


def _begun(status: CanaryStatus, seen: Observed) -> Finding:
    """All traffic to the side that is whole: the primary as a rule, so that the target can grow in peace."""
    if seen.made and _can_take_all(status, seen) and not grown(seen.primary):
        return Finding(Event.HANDED_BACK, f"the Canary was deleted, and {_whose(status, seen)}")
    if status.desired_weight == 0:
        return Finding(Event.DELETED, "the Canary was deleted")
    at = f"the Canary was deleted while its target had {in_percent(status.desired_weight, status.weight_total)}"
    return Finding(Event.DELETED, f"{at}: the primary takes all traffic until the target can")


def _growing(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """Until the target is whole, but not for ever: whatever it waits for, the routes must be as they are to be left."""
    if _can_take_all(status, seen) or _was_never_used(status, seen):
        return Finding(Event.HANDED_BACK, _whose(status, seen))
    began = since(status, seen)
    grows = min(timedelta(seconds=spec.progress_deadline_seconds), GIVE_UP_AFTER)
    if seen.target is not None and seen.now < began + grows:
        text = f"waiting for {_wanted(status, seen)} pods of the target"
        return wait_for_pods(text, seen, Subject.CANARY, since=began, ends_at=began + grows)
    if not (seen.routed or seen.route_weight is None):
        return waited("waiting for the routes to send everything to the primary", wake_at=began + GIVE_UP_AFTER)
    late = f"the target was not ready within {grows.total_seconds():.0f} s"
    late = because(late, seen, Subject.CANARY, began)
    gone = f"{spec.target}, or the Service that would lead to it, is gone"
    return _given_up(spec, status, seen, late if seen.target is not None else gone)


def _draining(status: CanaryStatus, seen: Observed, overdue_at: datetime) -> Finding:
    """Everything leads to the target: the primary is deleted when nobody asks it any more."""
    if not seen.released:
        return waited("waiting for Service and routes to lead to the target", wake_at=overdue_at)
    if status.drained:
        return waited("deleting what was made for the Canary", wake_at=overdue_at)
    since = status.drain_started_at or seen.now
    if not serves(seen.primary) and seen.now >= since + DRAIN_POLL:
        return Finding(Event.DRAINED, "the primary has no pod")
    if seen.now >= since + DRAIN_TIMEOUT and serves(seen.primary) and not serves(seen.target):
        return waited("waiting for a pod of the target: the primary stays", wake_at=overdue_at)
    return find_silence(status, seen, STABLE_RATE)


def _given_up(spec: CanarySpec, status: CanaryStatus, seen: Observed, reason: str) -> Finding:
    side = spec.target.name if _handed(status) and seen.released else spec.primary_name
    left = (
        f"traffic is left to {spec.target.kind} {side}, and what was made for the Canary stays, labelled {CANARY_LABEL}"
    )
    return Finding(Event.GIVEN_UP, f"{reason}: {left}", wake_at=notices_wake(status, seen))


def _farewell(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> str:
    name = spec.service_name
    if seen.abandoned:
        return f"the Canary is gone, and what was made for it, as its target is; VirtualService {name} stays"
    if not _handed(status):
        return "the Canary is gone, and nothing is left of it"
    stays = f"what clients use (Service {name}, VirtualService {name}) stays and leads to {spec.target.name}"
    return f"the Canary is gone, and what was made for it; {stays}"


def _whose(status: CanaryStatus, seen: Observed) -> str:
    if seen.target is None:
        return "nothing leads to what was made for it"
    revision = seen.target.revision
    unproven = "" if revision == status.last_promoted_spec else ", which was not promoted"
    return f"all traffic goes to the target with revision {revision}{unproven}"


def _wanted(status: CanaryStatus, seen: Observed) -> int:
    """As many pods as the target had, and no fewer than serve now; but no more than its own autoscaler leaves it."""
    wanted = max(full_size(status), seen.primary.replicas if seen.primary is not None else 0)
    most = seen.target.replicas_max if seen.target is not None else None
    return wanted if most is None else max(1, min(wanted, most))


def _can_take_all(status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target is whole, or is the one side that serves."""
    whole = seen.target is not None and grown(seen.target) and seen.target.replicas >= _wanted(status, seen)
    return whole or (serves(seen.target) and not serves(seen.primary))


def _was_never_used(status: CanaryStatus, seen: Observed) -> bool:
    """Whether clients never were led to anything of ours: then there is nothing to wait for."""
    return seen.released and (seen.target is None or seen.target.replicas >= _wanted(status, seen))


def is_over(status: CanaryStatus) -> bool:
    """Whether nothing more is to be done, and people have been told why: the conditions remember it."""
    return any(told.type == ConditionType.PROMOTED and told.reason in _LAST for told in status.conditions)


def _handed(status: CanaryStatus) -> bool:
    return status.stranded and status.desired_weight > 0


def is_told(status: CanaryStatus, seen: Observed, event: Event) -> bool:
    """Whether the end of a deletion is known to all who can be reached: then the Canary may go.

    Not in the step that finds it: people are told while there still is something to tell of.
    """
    return event not in _LAST and (not status.outbox or seen.now >= _notices_until(status, seen))


def since(status: CanaryStatus, seen: Observed) -> datetime:
    """When the deletion began; or when this process came, if that is later."""
    began = status.last_transition_time or seen.now
    return began if seen.looked_since is None else max(began, seen.looked_since)


def notices_wake(status: CanaryStatus, seen: Observed) -> datetime | None:
    """When the last notices are waited for no longer; None once they are not."""
    until = _notices_until(status, seen)
    return until if until > seen.now else None


def _notices_until(status: CanaryStatus, seen: Observed) -> datetime:
    """Until when receivers are given time to confirm the last notice."""
    return (status.outbox[-1].at if status.outbox else seen.now) + NOTICE_MAX
