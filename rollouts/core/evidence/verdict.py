"""What the evidence means: the verdict of one metric, and of all together.

Metrics of the same requests depend on each other, so e-values are averaged, never multiplied: the arithmetic mean is an
e-value under any dependence, and in essence the only such merging (Vovk and Wang, "E-values: calibration, combination
and applications", Ann. Statist. 49(3), 2021, Theorem 3.2, arXiv 1912.06116; with weights: Wang, arXiv 2409.19888).
It is never weaker than Bonferroni: one E >= M/alpha alone makes the mean of M reach 1/alpha. A pass needs every metric,
each at beta: the intersection-union test (Berger, Technometrics 24(4), 1982), with no correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import inf, log
from typing import Protocol

from rollouts.core.evidence.bets import log_sum
from rollouts.core.evidence.counts import Limits, Settings
from rollouts.core.evidence.state import State, judged_alone, log_breach, log_for


class Finding(StrEnum):
    """What is proven so far."""

    PASS = "Pass"  # noqa: S105 - a verdict, no password
    """Within its limits."""
    FAIL = "Fail"
    """Beyond its limits: roll back."""
    INCONCLUSIVE = "Inconclusive"
    """Neither, yet."""
    SHARED_BREACH = "SharedBreach"
    """The objective is missed, but that the canary is worse than the primary is not proven: don't go on, blame none."""
    NO_DATA = "NoData"
    """No request of the canary so far."""


_WORST_FIRST = (Finding.FAIL, Finding.SHARED_BREACH, Finding.NO_DATA, Finding.INCONCLUSIVE, Finding.PASS)


class Weighed(Protocol):
    """One metric's evidence, as far as all of them together need it."""

    @property
    def finding(self) -> Finding:
        """What this metric says."""
        ...

    @property
    def log_against(self) -> float:
        """Log of its e-value against the canary."""
        ...


def finding_of(state: State, limits: Limits, settings: Settings) -> Finding:
    """The verdict of one metric. FAIL stays; all others follow the evidence."""
    if state.failed:
        return Finding.FAIL
    if state.canary.requests == 0.0:
        return Finding.NO_DATA
    if not judged_alone(state, limits) and log_breach(state, settings) >= -log(settings.alpha):
        return Finding.SHARED_BREACH
    if log_for(state, limits) >= -log(settings.beta):
        return Finding.PASS
    return Finding.INCONCLUSIVE


def together(evidences: Sequence[Weighed], settings: Settings) -> Finding:
    """The verdict of all: failed if the mean of the e-values says so, passed if each one did, else the worst."""
    if log_mean_against(evidences, settings) >= -log(settings.alpha):
        return Finding.FAIL
    return min((one.finding for one in evidences), key=_WORST_FIRST.index, default=Finding.NO_DATA)


def log_mean_against(evidences: Sequence[Weighed], settings: Settings) -> float:
    """Log of the mean of the e-values against the canary. A metric that is missing counts as 0."""
    if not evidences:
        return -inf
    return log_sum([one.log_against for one in evidences]) - log(max(settings.metrics, len(evidences)))


def enough_requests(state: State, limits: Limits) -> bool:
    """Whether this step had as many requests of the canary as a step that ends well needs."""
    return state.step_requests >= limits.min_requests
