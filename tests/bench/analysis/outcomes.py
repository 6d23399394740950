"""How many rollouts of one kind ended, when, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log, log1p, nan

import numpy as np
import numpy.typing as npt

PROMOTED, ROLLED_BACK, RUNNING = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry a rollout."""

    ends: npt.NDArray[np.int64]
    minutes: npt.NDArray[np.float64]
    """From the first traffic to the end."""
    excess: npt.NDArray[np.float64]
    """Bad requests of the hour beyond what the primary's share would have given, after a promotion too."""
    held: npt.NDArray[np.bool_]
    """Whether a shared breach held it at some time."""

    @property
    def rolled_back(self) -> float:
        """The share of rollouts."""
        return float(np.mean(self.ends == ROLLED_BACK))

    @property
    def bad_requests(self) -> float:
        """The mean excess."""
        return float(np.mean(self.excess))

    def minutes_to(self, end: int, percentile: float = 50.0) -> float:
        """How long those took that ended so; nan if none did."""
        of = self.minutes[self.ends == end]
        return float(np.percentile(of, percentile)) if of.size else nan


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """All in one."""
    return Outcomes(
        np.concatenate([part.ends for part in parts]),
        np.concatenate([part.minutes for part in parts]),
        np.concatenate([part.excess for part in parts]),
        np.concatenate([part.held for part in parts]),
    )


def refuted(hits: int, runs: int, level: float, significance: float = 0.01) -> bool:
    """Whether so many hits refute that each run hits with a chance of `level` at most: a one-sided binomial test."""
    logs = [
        lgamma(runs + 1) - lgamma(k + 1) - lgamma(runs - k + 1) + k * log(level) + (runs - k) * log1p(-level)
        for k in range(hits, runs + 1)
    ]
    return float(np.exp(logs).sum()) < significance
