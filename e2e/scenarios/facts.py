"""What a run is to do, and what was seen of it, as values. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from e2e.lab.load import Record
from e2e.play.users_part import Kept
from e2e.scenarios.journal import ObjectsSeen, SharesSeen, StatusSeen
from e2e.scenarios.stage import Stage
from e2e.strategies.facts import ServedSeen

RATE_PER_S = 500.0
"""The kinds of clients; only those whom the weights share out are counted for them."""
GUARD_S = 0.15
"""Envoy's workers take up a configuration a moment after its dump shows it, and requests have a way to go."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One in a rule of the user's VirtualService."""

    rule: str
    says: Mapping[str, Any]
    """As Istio's `fault`."""

    @property
    def status(self) -> int:
        """What clients get of it; 0 if it fails nobody."""
        return int(self.says.get("abort", {}).get("httpStatus", 0))

    @property
    def delay_s(self) -> float:
        """How long it keeps requests back; 0 if none."""
        return float(self.says.get("delay", {}).get("fixedDelay", "0s").removesuffix("s"))


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: which subset is released with which version, and how that is to end."""

    story: str
    stage: Stage
    canary: str
    """The subset that is released, or that an undo goes back to."""
    version: str
    """What it is to answer with."""
    before: str
    """What the other one answers with."""
    weights: tuple[int, ...]
    """The canary's shares that are to be seen in force, in order, from the first change to the end."""
    errs: bool = False
    """Whether the version is a bad one, which is to be rolled back."""
    fault: Fault | None = None
    """What somebody puts into the routes in the middle of it."""

    @property
    def stable(self) -> str:
        """The subset that serves when the run begins."""
        return self.stage.other(self.canary)

    @property
    def winner(self) -> str:
        """The subset that serves when it is over."""
        return self.stable if self.errs else self.canary

    @property
    def loser(self) -> str:
        """The other one."""
        return self.stage.other(self.winner)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as it was seen."""

    plan: Plan
    applied_at_s: float
    ended_at_s: float
    statuses: tuple[StatusSeen, ...]
    written: tuple[SharesSeen, ...]
    in_force: tuple[SharesSeen, ...]
    objects: tuple[ObjectsSeen, ...]
    baseline: Kept
    """The user's objects as the user left them last."""
    records: tuple[Record, ...]
    picked: tuple[Record, ...] = ()
    """What came of the requests of those whom a rule picks; `records` are everybody else's."""
    copies: tuple[SharesSeen, ...] = ()
    """What part of the requests Envoy copies to each subset."""
    served: tuple[ServedSeen, ...] = ()
    overdue: str = ""
    """What was waited for in vain."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which Envoy's configuration stood still."""

    percent: int
    """The canary's share of what both subsets have."""
    since_s: float
    until_s: float

    def of(self, records: tuple[Record, ...]) -> list[Record]:
        """The requests that surely met this share."""
        first_s, last_s = self.since_s + GUARD_S, self.until_s - GUARD_S
        return [record for record in records if first_s <= record.sent_at_s < last_s]


def read_spans(facts: RunFacts) -> list[Span]:
    """Each change of the canary's share since the run's begin, the last one included."""
    ends = [*(seen.before_s for seen in facts.in_force), facts.ended_at_s][1:]
    return [
        Span(dict(seen.shares)[facts.plan.canary], seen.at_s, end_s)
        for seen, end_s in zip(facts.in_force, ends, strict=True)
    ]


def failures_of(records: tuple[Record, ...]) -> list[Record]:
    """What a user would call an error; also a 404 of the gateway, which no pod has answered."""
    return [record for record in records if record.failed or not record.workload]


def answered_by(records: list[Record], plan: Plan) -> tuple[int, int]:
    """How many the canary's Deployment answered, and how many either did."""
    named = {plan.stage.deployments[plan.canary], plan.stage.deployments[plan.stable]}
    workloads = [record.workload for record in records if record.workload in named]
    return workloads.count(plan.stage.deployments[plan.canary]), len(workloads)
