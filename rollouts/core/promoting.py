"""What can be found while the primary is made the same as the proven canary."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus
from rollouts.core.finding import Finding, waited
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.phases import Event
from rollouts.core.running import deadline, give_up, restart, reverted


def find_promoting(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    """The copy is written once; then only the primary's own roll-out and its deadline count."""
    proven = status.last_applied_spec
    copied = seen.primary is not None and seen.primary.source_revision == proven
    if copied and grown(seen.primary):
        return Finding(Event.PRIMARY_READY, f"the primary runs revision {proven}")
    if not copied and seen.target is None:
        return give_up(seen, "the target was deleted before the primary got its revision")
    changed = seen.target is not None and seen.target.revision != proven
    if changed and not copied:
        event = Event.REVERTED if reverted(status, seen) else restart(status, seen, Event.SUPERSEDED)
        return Finding(event, "the target changed before the primary got the revision that had passed")
    if changed and status.desired_weight > 0 and serves(seen.primary):
        return Finding(Event.NEW_REVISION, "the target changed; the primary goes on to the revision that had passed")
    return _rolling(spec, status, seen, changed=changed)


def _rolling(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, changed: bool) -> Finding:
    ends_at = deadline(spec, status)
    broken = seen.primary is not None and seen.primary.deadline_exceeded
    if not broken and (ends_at is None or seen.now < ends_at):
        return waited("waiting for the primary to roll out", wake_at=ends_at)
    reason = f"the primary was not ready within {spec.progress_deadline_seconds} s of its promotion"
    if grown(seen.target) and not changed:
        return Finding(Event.STRANDED, reason)
    return give_up(seen, reason)
