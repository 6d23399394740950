"""Kayenta's judge, near enough: Mann-Whitney on the failure ratio of each minute, canary against a fresh baseline.

Both have 10 % of the requests for an hour; outliers beyond three interquartile ranges are left out; worse if the 98 %
confidence interval of the shift lies above a quarter of its Hodges-Lehmann estimate. Normal approximation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, Outcomes
from tests.bench.analysis.worlds import TICK_S, TICKS_A_MINUTE, Floats, Size, World, drawn

_Z, _EFFECT, _WEIGHT, _LEAST = 2.326, 0.25, 0.1, 10


def rollouts(world: World, rng: np.random.Generator, runs: int) -> Outcomes:
    """So many hours, each judged once at its end."""
    rates = world.shape(world, rng, Size(runs))
    usual = rates.load * world.rps * TICK_S * _WEIGHT
    own_rate = rates.canary if world.from_weight <= _WEIGHT else rates.primary
    own = drawn(rng, usual, own_rate, world.clump)
    theirs = drawn(rng, usual, rates.primary, world.clump)
    excess = (own[1] - rates.primary * own[0]).sum(axis=1)
    worse = np.array([
        _worse(one, other) for one, other in zip(_ratios(*own), _ratios(*theirs), strict=True)
    ])  # fmt: skip
    return Outcomes(
        np.where(worse, ROLLED_BACK, PROMOTED), np.full(runs, 60.0), excess, np.zeros(runs, dtype=bool)
    )  # fmt: skip


def _ratios(requests: npt.NDArray[np.int64], bad: npt.NDArray[np.int64]) -> Floats:
    minutes, bad_minutes = (
        of.reshape(len(of), -1, TICKS_A_MINUTE).sum(axis=2).astype(np.float64) for of in (requests, bad)
    )
    return np.where(minutes > 0, bad_minutes / np.maximum(minutes, 1.0), np.nan)


def _worse(own: Floats, theirs: Floats) -> bool:
    own, theirs = _kept(own), _kept(theirs)
    if min(own.size, theirs.size) < _LEAST:
        return False
    shifts = np.sort((own[:, None] - theirs[None, :]).ravel())
    pairs = own.size * theirs.size
    cut = pairs / 2.0 - _Z * np.sqrt(pairs * (own.size + theirs.size + 1) / 12.0)
    low = shifts[max(0, int(cut))]
    return bool(low > max(0.0, _EFFECT * float(np.median(shifts))))


def _kept(of: Floats) -> Floats:
    of = of[~np.isnan(of)]
    if not of.size:
        return of
    low, high = np.percentile(of, [25, 75])
    reach = 3.0 * (high - low)
    return of[(of >= low - reach) & (of <= high + reach)] if reach else of
