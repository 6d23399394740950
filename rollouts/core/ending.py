"""How a run ends before its last step: who can take all traffic, until when pods are waited for, and what a change of
the target in mid-run means.
"""

from __future__ import annotations

from rollouts.api.analysis import Strategy
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus
from rollouts.core.finding import Finding
from rollouts.core.observed import Observed, WorkloadState, serves
from rollouts.core.phases import Event

_MATCHED = frozenset({Strategy.AB, Strategy.MATCHED_WEIGHTS})


def give_up(seen: Observed, reason: str, *, failed: bool = False) -> Finding:
    """All traffic to the side that can serve: the primary, unless it has no pod while the canary has one.

    `failed`: by a check that counts.
    """
    stranded = not serves(seen.primary) and serves(seen.target)
    return Finding(Event.STRANDED if stranded else Event.ROLLBACK, reason, failed=failed)


def reverted(status: CanaryStatus, seen: Observed) -> bool:
    """Whether the target went back to what it ran before, and the primary can take all traffic at once.

    With a copy that is what was promoted last; of two that swap, what the one out of service had at its last rest.
    """
    before = status.last_promoted_spec
    if status.stable_subset:
        before = status.idle_spec if status.idle_proven else ""
    return seen.target is not None and seen.target.revision == before and serves(seen.primary)


def is_new(status: CanaryStatus, target: WorkloadState) -> bool:
    """Whether the target runs what is to be released: with a copy, anything but what was released last.

    Of two that swap, the one out of service keeps its old template: no news, unless that was never judged and somebody
    scales it up from zero.
    """
    if target.revision == status.last_applied_spec:
        return False
    unjudged = status.idle_rested and not status.idle_proven and target.replicas > 0
    return not status.stable_subset or target.revision != status.idle_spec or unjudged


def found_new(spec: CanarySpec, status: CanaryStatus, seen: Observed, event: Event = Event.NEW_REVISION) -> Event:
    """What a new revision means: `event`, or GATED where it may not start yet.

    RESCUE where taking the canary's traffic away would leave it to nobody: that waits for no gate and no window.
    """
    primary = seen.primary
    broken = primary is not None and not primary.ready and primary.source_revision != status.last_promoted_spec
    if status.desired_weight > 0 and (broken or not serves(primary)):
        return Event.RESCUE
    return Event.GATED if seen.holds or spec.analysis.hooks(HookType.CONFIRM_ROLLOUT) else event


def has_everything(status: CanaryStatus) -> bool:
    """Whether no request is meant for the primary."""
    return status.desired_weight == status.weight_total and (status.stranded or status.strategy not in _MATCHED)
