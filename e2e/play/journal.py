"""What the witnesses of the release in namespace `default` have seen so far, in the order they saw it.

Written by the observers, read by stories and by the live table. It keeps changes, not repetitions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import astuple, replace
from typing import Any, TypeVar

from e2e.play.seen import PRIMARY, TARGET, Shares, SharesSeen, StatusSeen, WeightSeen

Json = Mapping[str, Any]
Dated = TypeVar("Dated", StatusSeen, WeightSeen, SharesSeen)


class Journal:
    """Lists that only grow."""

    def __init__(self) -> None:
        self.statuses: list[StatusSeen] = []
        self.routes: list[WeightSeen] = []
        self.envoy: list[WeightSeen] = []
        """The share of the requests that no rule of ours singles out."""
        self.shares: list[SharesSeen] = []
        self._asked_at_s = 0.0

    def canary_seen(self, canary: Json) -> None:
        """A state of a Canary, from its watch."""
        if canary["metadata"]["name"] == TARGET:
            seen = read_status(canary.get("status") or {}, time.time())
            if not self.statuses or _without_time(self.statuses[-1]) != _without_time(seen):
                self.statuses.append(seen)

    def route_seen(self, virtual_service: Json) -> None:
        """A state of a VirtualService, from its watch."""
        if virtual_service["metadata"]["name"] == TARGET:
            _keep(self.routes, read_weight(virtual_service), time.time())

    def envoy_seen(self, shares: Shares | None, asked_at_s: float) -> None:
        """What Envoy's configuration has just shown to a look that began then."""
        if shares is None:
            return
        at_s = time.time()
        _keep(self.envoy, shares.others_percent, at_s)
        if not self.shares or self.shares[-1].shares != shares:
            self.shares.append(SharesSeen(at_s, self._asked_at_s, shares))
        self._asked_at_s = asked_at_s

    @property
    def phase(self) -> str:
        """The Canary's phase as last seen."""
        return self.statuses[-1].phase if self.statuses else ""


def since(seen: list[Dated], at_s: float) -> tuple[Dated, ...]:
    """What was seen from that time on."""
    return tuple(item for item in seen if item.at_s >= at_s)


def read_status(status: Json, at_s: float) -> StatusSeen:
    """What counts of a Canary's status."""
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    metrics = status.get("metrics") or ()
    return StatusSeen(
        at_s=at_s,
        phase=status.get("phase") or "",
        step_index=status.get("stepIndex", 0),
        desired_weight=status.get("desiredWeight", 0),
        failed_metrics=tuple(metric["name"] for metric in metrics if metric["verdict"] == "Fail"),
        message=conditions.get("Promoted", {}).get("message", ""),
        iterations=status.get("iterations", 0),
        mirrored=status.get("mirrored", False),
        gate=(status.get("gate") or {}).get("type", ""),
    )


def read_weight(virtual_service: Json) -> int | None:
    """The canary's share in the VirtualService; None where the two copies have no weight."""
    shares = {
        route["destination"]["host"].split(".")[0]: route.get("weight", 0)
        for rule in virtual_service["spec"].get("http", ())
        for route in rule.get("route", ())
    }
    canary, primary = shares.get(f"{TARGET}-canary", 0), shares.get(PRIMARY, 0)
    return round(100 * canary / (canary + primary)) if canary + primary else None


def _keep(seen: list[WeightSeen], weight_percent: int | None, at_s: float) -> None:
    if weight_percent is not None and (not seen or seen[-1].weight_percent != weight_percent):
        seen.append(WeightSeen(at_s, weight_percent))


def _without_time(seen: StatusSeen) -> tuple[object, ...]:
    return astuple(replace(seen, at_s=0.0))
