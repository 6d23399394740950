"""Row 1: a canary exactly at its limit, looked at for two hours. How often is it ever failed, how often ever passed?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.state import State, absorb, log_for
from tests.bench.analysis.worlds import TICK_S, drawn

LOOKS = 480


@dataclass(frozen=True, slots=True)
class Edge:
    """One setting: the primary's share, the canary's weight, requests a second, and whether they vary."""

    primary: float
    weight: float
    rps: float
    compare: bool = True
    varied: bool = False
    """The primary's share goes up and down in turns of ten minutes, the canary's limit with it."""

    @property
    def name(self) -> str:
        """Of the setting."""
        against = "relative" if self.compare else "objective"
        share = f"{100 * self.primary:g} %{' and 3 times that' * self.varied}"
        return f"{against}, primary {share}, weight {self.weight:g}, {self.rps:g} rps"


EDGES = (
    Edge(0.0, 0.1, 100.0), Edge(0.001, 0.1, 10.0), Edge(0.001, 0.5, 100.0), Edge(0.001, 0.1, 1000.0),
    Edge(0.01, 0.3, 10.0), Edge(0.01, 0.1, 100.0, varied=True), Edge(0.05, 0.5, 1.0), Edge(0.2, 0.1, 10.0),
    Edge(0.001, 0.1, 10.0, compare=False),
)  # fmt: skip


def ever(edge: Edge, rng: np.random.Generator, runs: int) -> tuple[int, int]:
    """How many runs ever failed, and how many ever passed."""
    limits, settings = Limits(0.01, compare=edge.compare), Settings()
    turns = np.where((np.arange(LOOKS) // 40) % 2 == 1, 3.0, 1.0) if edge.varied else np.ones(LOOKS)
    theirs = edge.primary * turns
    own = limits.ratio * theirs + limits.delta if edge.compare else np.full(LOOKS, limits.slo)
    usual = np.full(LOOKS, edge.rps * TICK_S)
    enough, failed, passed = -log(settings.beta), 0, 0
    for _ in range(runs):
        canary, primary = drawn(rng, usual * edge.weight, own), drawn(rng, usual * (1.0 - edge.weight), theirs)
        state, good = State(), False
        for n, bad, their_n, their_bad in zip(*(of.tolist() for of in (*canary, *primary)), strict=True):
            state = absorb(state, Tick(Arm(n, bad), Arm(their_n, their_bad)), limits, settings)
            good = good or log_for(state, limits) >= enough
        failed += state.failed
        passed += good
    return failed, passed
