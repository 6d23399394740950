"""What a transition writes into the status: one function for each matter, each a plain set of fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
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
    if row.to is not status.phase:
        promoting = row.to is Phase.PROMOTING
        update |= {"last_transition_time": seen.now, "not_ready_since": seen.now if promoting else None}
    update["failed_checks"] = status.failed_checks + int(finding.failed)
    if finding.results:
        update |= _judged(finding, status.no_data_since)
    if row.to is Phase.PROGRESSING and finding.event in _STARTS:
        update |= _run_started(seen)
    if finding.event is Event.PREPARED and seen.primary is not None:
        promoted = seen.primary.source_revision
        size = max(1, seen.primary.replicas)
        update |= {"last_applied_spec": promoted, "last_promoted_spec": promoted, "canary_replicas": size}
    if finding.event is Event.PRIMARY_READY:
        update |= {"last_promoted_spec": status.last_applied_spec}
    if finding.event is Event.REVERTED:
        update |= {"last_applied_spec": status.last_promoted_spec}
    if finding.event is Event.DRAINED:
        update |= {"drained": True, "drain_started_at": None}
    elif row.to is not status.phase and row.to not in {Phase.PROGRESSING, Phase.PROMOTING}:
        update |= {"drained": False, "drain_started_at": None}
    update |= _weighed(spec, status, row)
    if row.to is Phase.PROGRESSING:
        weight = update.get("desired_weight", status.desired_weight)
        steps = step_weights(spec.analysis)
        update |= {"step_index": step_index(spec.analysis, weight), "step_count": len(steps)}
    return update


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
        "drain_started_at": None,
    }  # fmt: skip


def _judged(finding: Finding, no_data_since: datetime | None) -> dict[str, Any]:
    at = finding.results[0].measured_at
    return {
        "metrics": finding.results,
        "last_check_at": at,
        "no_data_since": (no_data_since or at) if finding.starved else None,
    }
