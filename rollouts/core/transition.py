"""What a transition writes into the status: one function for each matter, each a plain set of fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.actions import Action
from rollouts.api.canary import CanarySpec
from rollouts.api.status import ActionTaken, CanaryStatus, Phase
from rollouts.core.finding import Finding
from rollouts.core.observed import Observed
from rollouts.core.phases import Event, Row, Share
from rollouts.core.plan import next_weight, step_index, step_weights

_STARTS = frozenset({Event.NEW_REVISION, Event.SUPERSEDED, Event.RESCUE})


def after_transition(
    spec: CanarySpec, status: CanaryStatus, seen: Observed, *, finding: Finding, row: Row
) -> dict[str, Any]:
    """Everything that a transition writes, as fields of the status."""
    update: dict[str, Any] = {"phase": row.to}
    update["failed_checks"] = status.failed_checks + int(finding.failed)
    if finding.action is not None:
        update |= {"actions": _taken(status, seen, finding, finding.action)}
    if finding.results:
        update |= _judged(finding, status.no_data_since)
    if row.to is not status.phase:
        update |= _moved(seen, row)
    if row.to is Phase.PROGRESSING and finding.event in _STARTS:
        update |= _run_started(seen)
    update |= _by_event(status, seen, finding.event) | _weighed(spec, status, row)
    if row.to is Phase.PROGRESSING:
        weight = update.get("desired_weight", status.desired_weight)
        steps = step_weights(spec.analysis)
        update |= {"step_index": step_index(spec.analysis, weight), "step_count": len(steps)}
    return update


def _moved(seen: Observed, row: Row) -> dict[str, Any]:
    """What another phase means, whichever event led to it."""
    waits = seen.now if row.to is Phase.PROMOTING else None
    update: dict[str, Any] = {"last_transition_time": seen.now, "not_ready_since": waits, "paused": False}
    if row.to not in {Phase.PROGRESSING, Phase.PROMOTING}:
        update |= {"drained": False, "drain_started_at": None}
    return update


def _by_event(status: CanaryStatus, seen: Observed, event: Event) -> dict[str, Any]:
    """What one event means, in whichever phase."""
    match event:
        case Event.PREPARED if seen.primary is not None:
            promoted = seen.primary.source_revision
            size = max(1, seen.primary.replicas)
            return {"last_applied_spec": promoted, "last_promoted_spec": promoted, "canary_replicas": size}
        case Event.PRIMARY_READY:
            return {"last_promoted_spec": status.last_applied_spec}
        case Event.REVERTED:
            return {"last_applied_spec": status.last_promoted_spec}
        case Event.DRAINED:
            return {"drained": True, "drain_started_at": None}
        case Event.PAUSED | Event.RESUMED:
            return {"paused": event is Event.PAUSED}
        case _:
            return {}


def _weighed(spec: CanarySpec, status: CanaryStatus, row: Row) -> dict[str, Any]:
    """The desired weight; a new one has its whole dwell before it."""
    if row.share is Share.KEEP:
        return {}
    weights = {
        Share.NONE: 0,
        Share.ALL: 100,
        Share.NEXT: next_weight(spec.analysis, status.desired_weight) or status.desired_weight,
    }
    return {"desired_weight": weights[row.share], "dwell_started_at": None, "last_check_at": None}


def _run_started(seen: Observed) -> dict[str, Any]:
    target = seen.target
    wanted = target.replicas if target is not None else 0
    fallback = seen.primary.replicas if seen.primary is not None else 1
    return {
        "last_applied_spec": target.revision if target is not None else "",
        "canary_replicas": wanted or max(1, fallback),
        "failed_checks": 0, "metrics": (), "started_at": seen.now, "not_ready_since": seen.now,
        "no_data_since": None, "dwell_started_at": None, "last_check_at": None, "drained": False,
        "drain_started_at": None, "paused": False,
    }  # fmt: skip


def _taken(status: CanaryStatus, seen: Observed, finding: Finding, action: Action) -> tuple[ActionTaken, ...]:
    taken = ActionTaken(
        verb=action.verb, id=action.id, user=action.user, message=finding.message[:256], taken_at=seen.now,
        outcome="Refused" if finding.event is Event.REFUSED else "Done",
    )  # fmt: skip
    return (*(before for before in status.actions if before.verb != action.verb), taken)


def _judged(finding: Finding, no_data_since: datetime | None) -> dict[str, Any]:
    at = finding.results[0].measured_at
    return {
        "metrics": finding.results,
        "last_check_at": at,
        "no_data_since": (no_data_since or at) if finding.starved else None,
    }
