"""A Canary in one line, from its object as it is: no model is made of it, so that a list of many is quick. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.cli.cluster.times import since

UNSEEN = "-"
_RUNNING = frozenset({"Waiting", "Progressing", "WaitingPromotion", "Promoting", "Finalising"})


@dataclass(frozen=True, slots=True)
class Summary:
    """What a line of a table says."""

    namespace: str
    name: str
    phase: str
    share: str
    percent: float
    step: str
    failed: str
    why: str
    since: str
    revision: str
    promoted: str
    target: str
    age: str
    running: bool


def summary_of(canary: Manifest, now: datetime) -> Summary:
    """The line about one Canary."""
    metadata, spec, status = canary["metadata"], canary.get("spec") or {}, canary.get("status") or {}
    percent = 100 * (status.get("desiredWeight") or 0) / (status.get("weightTotal") or 100)
    phase = str(status.get("phase") or UNSEEN)
    steps, running = status.get("stepCount") or 0, phase in _RUNNING
    failed, threshold = status.get("failedChecks") or 0, (spec.get("analysis") or {}).get("threshold", 1)
    return Summary(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata["name"]),
        phase=phase,
        share=f"{percent:g} %" + (" (copies)" if status.get("mirrored") else ""),
        percent=percent,
        step=f"{status.get('stepIndex') or 0}/{steps}" if running and steps else UNSEEN,
        failed=f"{failed}/{threshold}" if running or failed else UNSEEN,
        why=why_of(spec, status),
        since=since(status.get("lastTransitionTime"), now),
        revision=str(status.get("lastAppliedSpec") or UNSEEN),
        promoted=str(status.get("lastPromotedSpec") or UNSEEN),
        target=target_of(spec),
        age=since(metadata.get("creationTimestamp"), now),
        running=running,
    )


def why_of(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """What it waits for, or what was said last."""
    conditions = {one.get("type"): one for one in status.get("conditions") or ()}
    ready, promoted = conditions.get("Ready") or {}, conditions.get("Promoted") or {}
    gate, hold = status.get("gate"), status.get("hold")
    if spec.get("suspend"):
        return "suspended"
    if ready.get("status") == "False" and ready.get("message"):
        return f"{ready.get('reason')}: {ready['message']}"
    if status.get("pausedAt"):
        return "paused by a person"
    if hold:
        return f"{hold.get('reason')}: {hold.get('message')}"
    if gate and not gate.get("approved"):
        return f"gate {gate.get('type')}: {gate.get('message') or 'closed'}"
    if not status.get("phase"):
        return "the controller has not looked at it yet"
    return str(promoted.get("message") or "")


def target_of(spec: Mapping[str, Any]) -> str:
    """What is released: `Deployment/shop`, or the subsets by name."""
    ref = spec.get("targetRef")
    if ref:
        return f"{ref.get('kind', 'Deployment')}/{ref.get('name')}"
    return ", ".join(str(subset.get("name")) for subset in spec.get("subsets") or ()) or UNSEEN
