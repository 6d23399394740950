"""A release that nobody calls for an hour, through the shipped decisions, under each policy. Row 10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.evidence.verdict import Finding, finding_of
from rollouts.core.measurement import Evidenced
from rollouts.core.observed import Observed
from rollouts.core.weighing import limits_of, settings_of
from tests.bench.analysis.rows import Row
from tests.core.given import spec_of
from tests.core.world import World

ENDS = {"hold": Phase.PROGRESSING, "advance": Phase.SUCCEEDED, "fail": Phase.FAILED}
"""The phase after the hour that each `onNoData` means."""
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Silence:
    """An hour without a request."""

    policy: str
    phase: Phase | None
    findings: frozenset[Finding]
    """All that the judge ever found."""
    weight: int
    """The most that the canary ever had."""

    @property
    def obeyed(self) -> bool:
        """Whether the policy was, and nothing was found but that there are no data."""
        most = 50 if self.policy == "advance" else 10
        return (self.phase, self.weight) == (ENDS[self.policy], most) and self.findings == {Finding.NO_DATA}


def silence(policy: str, rps: float = 0.0) -> Silence:
    """An hour under one policy, from the release on. With `rps` somebody calls after all."""
    metric = {"name": "request-success-rate", "objective": 99, "compare": "primary", "onNoData": policy}
    steps: dict[str, Any] = {
        "stepWeights": [10, 20, 30, 40, 50],
        "stepDuration": "1m",
        "maxHold": "5m",
        "interval": "15s",
    }
    spec = spec_of(evaluation="sequential", metrics=[metric], threshold=5, **steps)
    limits, settings = limits_of(spec.analysis.sequential[0]), settings_of(spec.analysis)
    world = World(spec, target=None)
    world.apply("a")
    world.now = -60.0
    world.run(0.0)
    world.signals.stable_rps = world.signals.canary_rps = rps
    findings, weights = set[Finding](), [0]

    def watch(_before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        told = [one.outcome for one in seen.samples if isinstance(one.outcome, Evidenced)]
        findings.update(finding_of(one.state, limits, settings) for one in told)
        weights.append(decision.desired.share.weight)

    world.watchers.append(watch)
    world.run(_HOUR_S, [(1.0, lambda world: world.apply("b"))])
    return Silence(policy, world.status.phase, frozenset(findings), max(weights))


def row() -> Row:
    """The requirement, and what became of the three."""
    found = [silence(policy) for policy in ENDS]
    told = ", ".join(f"{one.policy}: {one.phase}" for one in found)
    findings = sorted({str(finding) for one in found for finding in one.findings})
    return Row(
        "10",
        "no request for an hour: no failure, NoData, each policy obeyed",
        f"judged {', '.join(findings)}; {told}",
        all(one.obeyed for one in found),
    )
