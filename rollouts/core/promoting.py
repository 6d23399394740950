"""What can be found while the primary is made the same as the proven canary."""

from __future__ import annotations

from datetime import timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.ending import found_new, give_up, reverted
from rollouts.core.finding import Finding, waited
from rollouts.core.measurement import Subject
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.parts import in_percent
from rollouts.core.phases import Event
from rollouts.core.plan import next_weight_back
from rollouts.core.schedule import deadline
from rollouts.core.unready import because, wait_for_pods


def find_promoting(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The copy is written once; then only the primary's own roll-out and its deadline count."""
    proven = status.last_applied_spec
    copied = seen.primary is not None and seen.primary.source_revision == proven
    if copied and grown(seen.primary):
        return _returning(spec, status, seen)
    if not copied and seen.target is None:
        return give_up(seen, "the target was deleted before the primary got its revision")
    changed = seen.target is not None and seen.target.revision != proven
    if changed and not copied:
        event = Event.REVERTED if reverted(status, seen) else found_new(spec, status, seen, Event.SUPERSEDED)
        return Finding(event, "the target changed before the primary got the revision that had passed")
    what = "target" if changed else "strategy" if status.strategy != spec.analysis.strategy else ""
    if what and status.desired_weight > 0 and serves(seen.primary):
        return Finding(Event.NEW_REVISION, f"the {what} changed; the primary goes on to the revision that had passed")
    if status.desired_weight > 0 and not serves(seen.target) and serves(seen.primary):
        return Finding(Event.CANARY_LOST, "no pod of the canary is available; the primary is still rolling out")
    return _rolling(spec, status, seen, changed=changed)


def _returning(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The primary is as proven as the canary: what is left is how fast the traffic returns to it."""
    analysis, proven = spec.analysis, status.last_applied_spec
    ready = f"the primary runs revision {proven}"
    at_once = analysis.step_weight_promotion is None and analysis.step_weights_promotion is None
    changed = seen.target is not None and seen.target.revision != proven
    changed = changed or status.strategy != analysis.strategy
    if at_once or changed or status.desired_weight == 0 or not serves(seen.target):
        return Finding(Event.PRIMARY_READY, ready)
    if status.dwell_started_at is None:
        return waited("waiting for the routes to carry the weight")
    due_at = status.dwell_started_at + timedelta(seconds=analysis.interval_s)
    if seen.now < due_at:
        return waited(
            f"holding {in_percent(status.desired_weight, status.weight_total)} on the way back", wake_at=due_at
        )
    last = next_weight_back(analysis, status.desired_weight) == 0
    return Finding(Event.PRIMARY_READY if last else Event.SHIFTED, ready)


def _rolling(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, changed: bool) -> Finding:
    ends_at = deadline(spec, status)
    broken = seen.primary is not None and seen.primary.deadline_exceeded
    if not broken and (ends_at is None or seen.now < ends_at):
        text = "waiting for the primary to roll out"
        return wait_for_pods(text, seen, Subject.STABLE, since=status.not_ready_since, ends_at=ends_at)
    late = f"the primary was not ready within {spec.progress_deadline_seconds} s of its promotion"
    reason = because(late, seen, Subject.STABLE, status.not_ready_since)
    if grown(seen.target) and not changed:
        return Finding(Event.STRANDED, reason)
    return give_up(seen, reason)
