"""How a decision is written in a story: as a row with all its words, or as one short line; and how a story ends.

    18 CheckFailed -> Progressing 10 %, 1 failed

A line says the second, the event, where it led, and whatever else is not as usual: copies of requests, checks that
failed in this run, checks that this step has passed (A/B and blue-green), a pause, the gate that it waits at, what
holds it or that this is overridden, and which session cookie clients of the canary get, counted from 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollouts.api.analysis import Strategy
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision
from tests.core.given import EPOCH
from tests.core.world import World

_COUNTING = frozenset({Strategy.AB, Strategy.BLUE_GREEN})


@dataclass(slots=True)
class Sessions:
    """Session cookies have random values: a story counts them."""

    known: list[str] = field(default_factory=list)

    def number(self, session: str) -> int:
        """Which one it is, from 1."""
        if session not in self.known:
            self.known.append(session)
        return self.known.index(session) + 1


def row(second: float, decision: Decision) -> dict[str, Any]:
    """A decision with its step and its words."""
    status, news = decision.status, decision.announcement
    told: dict[str, Any] = {
        "at": second, "event": str(decision.event), "phase": str(status.phase),
        "step": status.step_index, "weight": status.desired_weight, "failed": status.failed_checks,
    }  # fmt: skip
    if news is not None:
        told["says"] = f"{'Warning' if news.warning else 'Normal'} {news.reason}: {news.message}"
    return told


def line(second: float, decision: Decision, sessions: Sessions) -> str:
    """A decision in short."""
    status = decision.status
    told = [f"{second:g} {decision.event} -> {status.phase} {status.desired_weight} %", *_besides(status)]
    return ", ".join([*told, f"session {sessions.number(status.session)}"] if status.session else told)


def _besides(status: CanaryStatus) -> list[str]:
    gate = status.gate
    return [
        *(["mirrored"] if status.mirrored else []),
        *([f"{status.failed_checks} failed"] if status.failed_checks else []),
        *([f"{status.iterations} passed"] if status.strategy in _COUNTING and status.iterations else []),
        *(["paused"] if status.paused_at is not None else []),
        *([f"gate {gate.type}{' approved' if gate.approved else ''}"] if gate is not None else []),
        *([f"held by {status.hold.reason}"] if status.hold is not None else []),
        *(["overridden"] if status.overridden_at is not None else []),
    ]


def ending(world: World) -> dict[str, Any]:
    """How a world stands; times in seconds of the story."""
    status = world.status
    return {
        "phase": str(status.phase),
        "route": world.route.weight if world.route is not None else None,
        "canaryPods": world.target.replicas if world.target is not None else None,
        "primaryPods": world.primary.replicas if world.primary is not None else None,
        "primaryRuns": (world.primary.source_revision or world.primary.revision) if world.primary is not None else None,
        "canaryRuns": world.target.revision if world.target is not None else None,
        "canaryHas": world.target.started_with if world.target is not None else None,
        "stable": status.stable_subset,
        "promoted": status.last_promoted_spec,
        "conditions": {c.type: f"{c.status}, {c.reason}" for c in status.conditions},
        "startedAt": _second(status.started_at),
        "pausedAt": _second(status.paused_at),
        "finishedAt": _second(status.finished_at),
        "holdSince": _second(status.hold.since if status.hold is not None else None),
        "gateSince": _second(status.gate.since if status.gate is not None else None),
    }


def _second(instant: datetime | None) -> float | None:
    return None if instant is None else (instant - EPOCH).total_seconds()
