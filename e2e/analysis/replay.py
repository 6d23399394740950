"""What the shipped statistics make of the true counts: at which evaluation the canary was proven bad, or good. Pure.

Nothing of the controller's own counting plays a part: only its judge, rollouts/core/evidence, with the limits that
the Canary's spec comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from e2e.analysis.counts import Answered, Counted, Instant
from rollouts.api.canary import CanarySpec
from rollouts.core.evidence.assess import Evidence, assess
from rollouts.core.evidence.counts import Arm, Tick
from rollouts.core.evidence.state import State, absorb, at_new_step
from rollouts.core.evidence.verdict import Finding, together
from rollouts.core.weighing import limits_of, settings_of


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict at one evaluation."""

    at_s: float
    finding: Finding
    enough: bool
    """Whether a step that ends well had its requests."""
    words: str


def replay(spec: CanarySpec, instants: Sequence[Instant], found: Sequence[Counted]) -> list[Judged]:
    """The verdict at each evaluation, by the one metric that the spec has."""
    [metric] = spec.analysis.sequential
    limits, settings = limits_of(metric), settings_of(spec.analysis)
    state, weight_from_s, judged = State(), None, list[Judged]()
    for instant, counted in zip(instants, found, strict=True):
        if instant.weight_from_s != weight_from_s:
            state, weight_from_s = at_new_step(state), instant.weight_from_s
        primary = _arm(counted.primary) if limits.compare else None
        state = absorb(state, Tick(_arm(counted.canary), primary), limits, settings)
        evidence: Evidence = assess(state, limits, settings)
        judged.append(Judged(instant.at_s, together([evidence], settings), evidence.enough, evidence.message))
    return judged


def first(judged: Sequence[Judged], finding: Finding) -> Judged | None:
    """The first evaluation of which that holds; for a pass also that there were requests enough."""
    return next((one for one in judged if one.finding is finding and (finding is not Finding.PASS or one.enough)), None)


def _arm(answered: Answered) -> Arm:
    return Arm(float(answered.requests), float(answered.bad))
