"""A service under release, in simulation: how many requests come, and which share of them is bad, tick by tick.

A tick is a scrape of 15 s and a run an hour. A shape gives rates for many runs at once, (runs, ticks) arrays: of the
canary, and of each half of the primary's pods, so that bursts may be common to both or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
TICK_S = 15.0
TICKS_A_MINUTE = 4
HORIZON = 60 * TICKS_A_MINUTE


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of bad requests, and what the usual number of requests is multiplied by."""

    canary: Floats
    one: Floats
    """Of the first half of the primary's pods."""
    other: Floats
    load: Floats

    @property
    def primary(self) -> Floats:
        """Of all the primary's pods."""
        return (self.one + self.other) / 2.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many runs, and of which hour: that of the run, or the one before."""

    runs: int
    past: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Of the arrays."""
        return self.runs, HORIZON


Shape = Callable[["World", np.random.Generator, Size], Rates]


def steady(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """The same all the time."""
    theirs = np.full(size.shape, world.primary)
    own = np.full(size.shape, world.primary if size.past else world.bad)
    return Rates(own, theirs, theirs, np.ones(size.shape))


@dataclass(frozen=True, slots=True)
class World:
    """One service and one release of it."""

    name: str
    rps: float
    primary: float = 0.001
    canary: float | None = None
    """None: as the primary, a healthy release."""
    shape: Shape = steady
    from_weight: float = 0.0
    """The canary is as the primary below this weight."""
    clump: int = 1
    """So many bad requests for each first one: a client's retries."""
    late: bool = False
    """The primary's counts come a tick late."""
    gaps: float = 0.0
    """The share of scrapes that fail, of each version by itself; the next one brings what they missed."""

    @property
    def bad(self) -> float:
        """The canary's share of bad requests."""
        return self.primary if self.canary is None else self.canary

    @property
    def healthy(self) -> bool:
        """Whether to roll back is wrong."""
        return self.canary is None


def drawn(
    rng: np.random.Generator, expected: Floats, rate: Floats, clump: int = 1
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Requests and bad ones of each tick."""
    requests = rng.poisson(expected)
    if clump == 1:
        return requests, rng.binomial(requests, rate)
    first = rng.binomial(requests, rate / clump)
    return requests + (clump - 1) * first, clump * first
