"""The exact two-sided binomial band: between which counts a share must lie if it is what it is said to be.

Of n requests each goes to the canary with probability p, whatever the others do. The chance of exactly k is

    C(n, k) p^k (1-p)^(n-k) = exp(lgamma(n+1) - lgamma(k+1) - lgamma(n-k+1) + k ln p + (n-k) ln(1-p))

and a tail is the sum of these from its end. The band leaves out at most half of `outside` at either end, so a count
lies in it with probability of at least 1 - outside. Pure; no normal approximation, since n may be small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

OUTSIDE = 1e-6


@dataclass(frozen=True, slots=True)
class Band:
    """The least and the greatest count that belong to it."""

    low: int
    high: int

    def holds(self, count: int) -> bool:
        """Whether a count lies in it."""
        return self.low <= count <= self.high


def chance(count: int, trials: int, p: float) -> float:
    """The probability of exactly `count` out of `trials`."""
    if not 0 <= count <= trials:
        return 0.0
    if p in {0.0, 1.0}:
        return 1.0 if count == round(trials * p) else 0.0
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return math.exp(ways + count * math.log(p) + (trials - count) * math.log1p(-p))


def below(count: int, trials: int, p: float) -> float:
    """The probability of fewer than `count`."""
    return math.fsum(chance(k, trials, p) for k in range(min(count, trials + 1)))


def band(trials: int, p: float, outside: float = OUTSIDE) -> Band:
    """The smallest band with at most outside/2 of probability beyond each of its ends.

    Raises ValueError for p outside 0..1 or a negative number of trials.
    """
    if not 0.0 <= p <= 1.0 or trials < 0:
        raise ValueError(f"no binomial distribution: {trials} trials with probability {p}")
    low = _trimmed(trials, p, outside / 2)
    # Seen from the other end, the upper tail of p is the lower tail of 1 - p.
    return Band(low, trials - _trimmed(trials, 1.0 - p, outside / 2))


def _trimmed(trials: int, p: float, tail: float) -> int:
    """The greatest count below which lies at most `tail`."""
    summed = 0.0
    for count in range(trials + 1):
        summed += chance(count, trials, p)
        if summed > tail:
            return count
    return trials
