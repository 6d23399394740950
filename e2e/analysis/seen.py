"""What was seen of a Canary's status, and what the controller's log says it counted, as values. Pure.

Times are seconds since the epoch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from e2e.play.seen import TARGET

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricSeen:
    """The last verdict of one metric."""

    name: str
    verdict: str
    message: str


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """A status, as the Canary's watch showed it."""

    at_s: float
    generation: int
    """Of the spec that it speaks of."""
    phase: str
    weight: int
    dwell_began_s: float | None
    promoted: str
    """What condition Promoted says."""
    ready: str
    """Reason and message of condition Ready."""
    metrics: tuple[MetricSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the controller had counted of one metric up to one evaluation, since the run began."""

    at_s: float
    metric: str
    requests: float
    bad: float
    primary_requests: float
    primary_bad: float
    read_at_s: float
    """When the answer was there, by this machine's clock: the instant itself is by the controller's, which goes by the
    API server's Date and so may be half a second off."""

    @property
    def counts(self) -> tuple[float, float, float, float]:
        """Of both sides."""
        return self.requests, self.bad, self.primary_requests, self.primary_bad


class Journal:
    """The states of the Canary so far; keeps changes, not repetitions."""

    def __init__(self) -> None:
        self.statuses: list[StatusSeen] = []
        self.generation = 0
        """Of the newest spec."""

    def canary_seen(self, canary: Json) -> None:
        """A state of a Canary, from its watch."""
        if canary["metadata"]["name"] != TARGET:
            return
        self.generation = canary["metadata"].get("generation", 0)
        seen = read_status(canary.get("status") or {}, time.time())
        if not self.statuses or replace(self.statuses[-1], at_s=seen.at_s) != seen:
            self.statuses.append(seen)

    @property
    def last(self) -> StatusSeen | None:
        """The newest; None before the first."""
        return self.statuses[-1] if self.statuses else None

    def since(self, at_s: float) -> tuple[StatusSeen, ...]:
        """What was seen from that time on."""
        return tuple(seen for seen in self.statuses if seen.at_s >= at_s)


def read_status(status: Json, at_s: float) -> StatusSeen:
    """What counts of a status."""
    told = {condition["type"]: condition for condition in status.get("conditions") or ()}
    ready, began = told.get("Ready", {}), status.get("dwellStartedAt")
    return StatusSeen(
        at_s=at_s,
        generation=status.get("observedGeneration", 0),
        phase=status.get("phase") or "",
        weight=status.get("desiredWeight", 0),
        dwell_began_s=None if began is None else seconds(began),
        promoted=told.get("Promoted", {}).get("message", ""),
        ready=f"{ready.get('reason', '')}: {ready.get('message', '')}",
        metrics=tuple(
            MetricSeen(one["name"], one["verdict"], one.get("message", "")) for one in status.get("metrics") or ()
        ),
    )


def read_evaluations(lines: Iterable[str], since_s: float) -> list[Evaluation]:
    """The evaluations of the Canary from that time on, from the controller's log at debug."""
    return [
        Evaluation(
            seconds(entry["at"]), entry["metric"], entry["requests"], entry["bad"],
            entry["primary_requests"], entry["primary_bad"], seconds(entry["timestamp"]),
        )
        for entry in _entries(lines)
        if entry.get("event") == "counted" and entry["canary"].endswith(TARGET) and seconds(entry["at"]) >= since_s
    ]  # fmt: skip


def seconds(timestamp: str) -> float:
    """An instant as Kubernetes writes it."""
    return datetime.fromisoformat(timestamp).timestamp()


def _entries(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Each whole line of JSON; others (a traceback, say) are none of ours."""
    for line in lines:
        if line.startswith("{") and line.endswith("}\n"):
            yield json.loads(line)
