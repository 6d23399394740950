"""What is planned for a run by some strategy, and what was recorded of it. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.lab.load import Record
from e2e.play.seen import ApiRequest, Shares, SharesSeen, StatusSeen

MATCHING = "clients with the header"
OTHERS = "clients without it"
CLIENTS: Mapping[str, Mapping[str, str]] = {MATCHING: {"x-canary": "yes"}, OTHERS: {}}
"""Both kinds of clients, and the headers that they send."""
GOOD_PHASES = ("Progressing", "Promoting", "Finalising", "Succeeded")
BAD_PHASES = ("Progressing", "Failed")
AT_REST = Shares(0, 0)


@dataclass(frozen=True, slots=True)
class Held:
    """Shares that the routes are to give, and for how long at least."""

    shares: Shares
    at_least_s: float = 0.0

    def percent_for(self, clients: str) -> int:
        """The canary's share of the requests of that kind of clients."""
        return self.shares.matched_percent if clients == MATCHING else self.shares.others_percent


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run is to be."""

    story: str
    version: str
    before: str
    """The version that serves before it."""
    env: Mapping[str, str]
    """Set on the container; the application's behaviour."""
    held: tuple[Held, ...]
    """What the routes do one after the other; then they are at rest again."""
    phases: tuple[str, ...] = GOOD_PHASES
    checks: int = 1
    """How many judgements the first step takes."""
    dark_s: float = 0.0
    """For how long at least the first step gives nobody the canary, without a trace of that in the routes."""
    kind: str = "Deployment"
    """Of the target."""

    @property
    def promotes(self) -> bool:
        """Whether it is to end in promotion."""
        return self.phases[-1] == "Succeeded"

    @property
    def errs(self) -> bool:
        """Whether the new version answers with errors."""
        return float(self.env.get("ERROR_RATE", "0")) > 0

    @property
    def states(self) -> tuple[Held, ...]:
        """What the routes do, rest included."""
        return (*self.held, Held(AT_REST))


@dataclass(frozen=True, slots=True)
class ServedSeen:
    """How many requests, copies included, the pods of each workload had answered at that instant."""

    at_s: float
    requests: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All that was recorded from some seconds before a run's `apply` to after its scale-down."""

    plan: RunPlan
    applied_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    shares: tuple[SharesSeen, ...]
    """Changes of the shares in Envoy's own configuration."""
    records: Mapping[str, tuple[Record, ...]]
    """By kind of clients."""
    served: tuple[ServedSeen, ...]
    requests: tuple[ApiRequest, ...] = ()
    tests: tuple[Record, ...] = ()
    """Requests of testers, who reach the canary by a way of their own."""
    primary_version: str = ""
    canary_replicas: int | None = None
    overdue: str = ""
    """What did not come in time; empty if the run came to its end."""

    def reached(self, phase: str) -> float | None:
        """When a phase was first seen; None if it never was."""
        return next((seen.at_s for seen in self.statuses if seen.phase == phase), None)
