"""What is different where two workloads of the user swap their roles, and nothing is copied.

The side that is released is `target` and the side that serves `primary`, as with a copy; which workload is which stands
in `status.stable_subset`. A promotion turns that round: what was the canary at 100 % is the primary from then on, and
the old version is the canary at 0 %. The routes need not change, and what follows is what follows every release: the
side without traffic drains, is kept for `scaleDownDelay`, and is scaled to zero.

`idle_spec` is the revision of the side out of service that is no news. Where it is proven, it was promoted once, and
`undo` may go back to it: a promotion without steps.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.ending import found_new, give_up, is_new, reverted
from rollouts.core.finding import Finding, waited
from rollouts.core.measurement import Subject
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE, find_silence, preflight
from rollouts.core.schedule import deadline
from rollouts.core.unready import because, wait_for_pods


def find_preparing(_spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """First nothing is touched until all has been looked at; then the side that serves gets all requests."""
    if seen.problem is not None:
        return Finding(Event.BLOCKED, seen.problem.message, problem=seen.problem)
    looked = preflight(seen)
    if not looked.prepare:
        return looked
    if not grown(seen.primary):
        text = f"waiting for the pods of subset {status.stable_subset}"
        return wait_for_pods(text, seen, Subject.STABLE, since=status.not_ready_since)
    if seen.route_weight != 0 or not seen.routed:
        return Finding(Event.WAITED, f"leading all requests to subset {status.stable_subset}", prepare=True)
    return Finding(Event.PREPARED, f"subset {status.stable_subset} serves all traffic")


def find_swapping(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The canary has passed: it takes the other one's place, as soon as all its pods are there."""
    target = seen.target
    if target is None:
        return give_up(seen, "the canary was deleted before it was promoted")
    if target.revision != status.last_applied_spec:
        event = Event.REVERTED if reverted(status, seen) else found_new(spec, status, seen, Event.SUPERSEDED)
        return Finding(event, "the canary's template changed before it was promoted")
    if grown(target) or (serves(target) and not serves(seen.primary)):
        return Finding(Event.SWAPPED, f"revision {status.last_applied_spec} serves all traffic")
    if status.desired_weight > 0 and not serves(target):
        return give_up(seen, "no pod of the canary is available")
    ends_at = deadline(spec, status)
    if target.deadline_exceeded or (ends_at is not None and seen.now >= ends_at):
        late = f"the canary's pods were not ready within {spec.progress_deadline_seconds} s"
        return give_up(seen, because(late, seen, Subject.CANARY, status.not_ready_since))
    text = "waiting for the pods of the version that is to serve"
    return wait_for_pods(text, seen, Subject.CANARY, since=status.not_ready_since, ends_at=ends_at)


def find_draining(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The old version is kept for undo, and then until it has fallen silent; a new template on it ends both."""
    if seen.target is not None and is_new(status, seen.target):
        return Finding(Event.DRAINED, "the old version has another template: there is nothing to go back to")
    if status.drain_started_at is None:
        return waited("waiting for the routes to send nothing to the old version")
    kept_until = status.drain_started_at + timedelta(seconds=spec.scale_down_delay_s)
    if seen.now < kept_until:
        return waited("the old version is kept for scaleDownDelay", wake_at=kept_until)
    return find_silence(status, seen, SILENCE)


def find_native_change(status: CanaryStatus, seen: Observed) -> Finding | None:
    """The side that serves has another template: Kubernetes rolls it out, and nobody judges it. That is said, once."""
    known = status.last_promoted_spec
    if not status.stable_subset or not known or seen.primary is None or seen.primary.revision == known:
        return None
    rolled = f"subset {status.stable_subset}, which serves, has the new template {seen.primary.revision}"
    return Finding(Event.STABLE_CHANGED, f"{rolled}: it is rolled out by Kubernetes, without steps or checks")


def find_undo(status: CanaryStatus, seen: Observed) -> Finding:
    """Back to the version before, if that is still what the other side runs."""
    known = status.idle_proven and seen.target is not None and seen.target.revision == status.idle_spec
    if not known:
        return Finding(Event.REFUSED, "the version before is gone: the other subset has another template now")
    return Finding(Event.UNDONE)


def after_swap_event(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event) -> dict[str, Any]:
    """What such an event means for the status, beside what it means for every Canary."""
    match event:
        case Event.PREPARED if seen.target is not None:
            return {"idle_spec": seen.target.revision, "idle_proven": False, "idle_rested": False}
        case Event.SWAPPED:
            return _swapped(spec, status, seen)
        case Event.UNDONE:
            return _undone(spec, status, seen)
        case Event.STABLE_CHANGED if seen.primary is not None:
            return _natively_changed(status, seen.primary.revision)
        case _:
            return {}


def _stable_size(seen: Observed) -> int:
    """The canary is to take all requests: so it gets as many pods as take them now."""
    return max(1, seen.primary.replicas if seen.primary is not None else 1)


def _swapped(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> dict[str, Any]:
    other, old = spec.other_subset(status.stable_subset), seen.primary
    update: dict[str, Any] = {"last_promoted_spec": status.last_applied_spec, "idle_proven": old is not None}
    if other is not None:
        update["stable_subset"] = other.name
    return update | ({"idle_spec": old.revision} if old is not None else {})


def _undone(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> dict[str, Any]:
    """A release of its own, which begins where others end."""
    return {
        "last_applied_spec": status.idle_spec, "strategy": spec.analysis.strategy, "step_index": 0,
        "canary_replicas": _stable_size(seen), "failed_checks": 0, "consecutive_errors": 0, "metrics": (),
        "started_at": seen.now, "finished_at": None, "drained": False, "drain_started_at": None, "no_data_since": None,
    }  # fmt: skip


def _natively_changed(status: CanaryStatus, revision: str) -> dict[str, Any]:
    """Between releases the stable side's revision also is what was released last."""
    resting = status.last_applied_spec == status.last_promoted_spec
    return {"last_promoted_spec": revision} | ({"last_applied_spec": revision} if resting else {})
