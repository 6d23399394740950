"""What the witnesses of a scenario have seen so far, in the order they saw it. It keeps changes, not repetitions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.play.users_part import Kept
from e2e.scenarios.stage import Stage
from e2e.scenarios.untouched import kept
from e2e.scenarios.weights import Shares, copies_in_envoy, shares_in_envoy, shares_in_rules
from e2e.strategies.facts import ServedSeen

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """A Canary's status as its watch showed it; times are seconds since the epoch."""

    at_s: float
    phase: str
    step_index: int
    weight_percent: int
    stable: str
    message: str

    @property
    def told(self) -> tuple[object, ...]:
        """All but the time."""
        return self.phase, self.step_index, self.weight_percent, self.stable, self.message


@dataclass(frozen=True, slots=True)
class SharesSeen:
    """Since when somebody showed these shares; `before_s` is the begin of the last look that showed the ones before."""

    at_s: float
    before_s: float
    shares: Shares


@dataclass(frozen=True, slots=True)
class ObjectsSeen:
    """The user's part of all objects at one time."""

    at_s: float
    kept: Kept
    replicas: tuple[tuple[str, int], ...]
    """Of the two Deployments, by name."""


class Journal:
    """Lists that only grow."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.statuses: list[StatusSeen] = []
        self.written: list[SharesSeen] = []
        """As the VirtualService says."""
        self.in_force: list[SharesSeen] = []
        """As Envoy does."""
        self.copies: list[SharesSeen] = []
        """As Envoy copies requests to each subset."""
        self.served: list[ServedSeen] = []
        self.objects: list[ObjectsSeen] = []
        self._subsets = frozenset(stage.deployments)
        self._asked_at_s = 0.0

    @property
    def phase(self) -> str:
        """The Canary's phase as last seen."""
        return self.statuses[-1].phase if self.statuses else ""

    @property
    def stable(self) -> str:
        """The subset that serves, as the status says."""
        return self.statuses[-1].stable if self.statuses else ""

    def canary_seen(self, canary: Mapping[str, Any]) -> None:
        """A state of the Canary, from its watch."""
        status = canary.get("status") or {}
        conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
        seen = StatusSeen(
            at_s=time.time(),
            phase=status.get("phase") or "",
            step_index=status.get("stepIndex", 0),
            weight_percent=status.get("desiredWeight", 0),
            stable=status.get("stableSubset", ""),
            message=conditions.get("Promoted", {}).get("message", ""),
        )
        if not self.statuses or self.statuses[-1].told != seen.told:
            self.statuses.append(seen)

    def route_seen(self, virtual_service: Mapping[str, Any]) -> None:
        """A state of a VirtualService, from its watch."""
        if virtual_service["metadata"]["name"] == self.stage.route_name:
            now_s = time.time()
            _keep(self.written, shares_in_rules(virtual_service, self._subsets, self.stage.shared), now_s, now_s)

    def envoy_seen(self, dump: Json, asked_at_s: float) -> None:
        """What Envoy's configuration has just shown to a look that began then."""
        shares = shares_in_envoy(dump, self.stage.service, self._subsets)
        now_s = time.time()
        _keep(self.in_force, shares, now_s, self._asked_at_s)
        _keep(self.copies, copies_in_envoy(dump, self.stage.service, self._subsets), now_s, self._asked_at_s)
        self._asked_at_s = asked_at_s

    def objects_seen(self, objects: list[Json]) -> ObjectsSeen:
        """All the user's objects, as they were just read."""
        own = [item for item in objects if item["metadata"]["name"] in self.stage.deployments.values()]
        replicas = {item["metadata"]["name"]: item["spec"]["replicas"] for item in own if item["kind"] == "Deployment"}
        seen = ObjectsSeen(time.time(), kept(objects, self.stage), tuple(sorted(replicas.items())))
        last = self.objects[-1] if self.objects else None
        if last is None or (last.kept, last.replicas) != (seen.kept, seen.replicas):
            self.objects.append(seen)
        return seen


def _keep(seen: list[SharesSeen], shares: Shares | None, at_s: float, before_s: float) -> None:
    if shares is not None and (not seen or seen[-1].shares != shares):
        seen.append(SharesSeen(at_s, before_s, shares))
