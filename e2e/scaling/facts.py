"""What was recorded of a run beside an autoscaler. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.play.seen import SharesSeen, StatusSeen

RATE_PER_S = 500.0
NEEDED = 4
"""Pods that this rate needs, at 7.2 ms of CPU a request and a core a pod."""
OWN_LEAST = 2
"""What examples/scaling/canary.yaml says of the primary's autoscaler."""
THEIR_LEAST = 1
"""What examples/scaling/autoscaler.yaml says of the target's."""
CLIENTS: Mapping[str, Mapping[str, str]] = {"half of the clients": {}, "the other half": {}}


@dataclass(frozen=True, slots=True)
class SizeSeen:
    """A Deployment's size as its watch showed it."""

    at_s: float
    name: str
    replicas: int
    ready: int


@dataclass(frozen=True, slots=True)
class ScalerSeen:
    """An autoscaler as its watch showed it."""

    at_s: float
    name: str
    least: int
    most: int
    desired: int
    limited: str
    """Why it does not do what the load alone would want; empty if it does."""
    active: str
    """The reason of its condition ScalingActive."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All that was recorded from a run's `apply` to after its scale-down."""

    story: str
    version: str
    promotes: bool
    applied_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    shares: tuple[SharesSeen, ...]
    sizes: tuple[SizeSeen, ...]
    """Each Deployment's last size before the run is the first of it here."""
    scalers: tuple[ScalerSeen, ...]
    records: tuple[Record, ...]
    aborted_at_s: float | None = None
    primary_version: str = ""
    overdue: str = ""

    def reached(self, *phases: str) -> float | None:
        """When one of the phases was first seen; None if none was."""
        return next((seen.at_s for seen in self.statuses if seen.phase in phases), None)

    def in_force(self, percent: int) -> float | None:
        """When Envoy first showed that share of the canary, after any other; None if it never did."""
        return next((seen.at_s for seen in self.shares if seen.shares.others_percent == percent), None)

    def sizes_of(self, name: str) -> list[SizeSeen]:
        """The sizes of one Deployment, in order."""
        return [seen for seen in self.sizes if seen.name == name]

    def scalers_of(self, name: str) -> list[ScalerSeen]:
        """The states of one autoscaler, in order."""
        return [seen for seen in self.scalers if seen.name == name]
