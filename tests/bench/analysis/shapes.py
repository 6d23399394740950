"""How rates change over a run: bursts, cold starts, a day, storms, leaks, bad pods, an outage of what all depend on."""

from __future__ import annotations

import numpy as np

from tests.bench.analysis.worlds import HORIZON, TICKS_A_MINUTE, Floats, Rates, Size, World, steady

_K = 0.05
"""Shape of the gamma law of a burst: most of all failures fall into a few minutes of an hour."""


def own_bursts(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """Bursts of a minute, of the canary and of each half of the primary by itself."""
    one, other = _bursts(world.primary, rng, size), _bursts(world.primary, rng, size)
    return Rates(_bursts(world.bad, rng, size), one, other, np.ones(size.shape))


def arm_bursts(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """Bursts of a minute of the whole primary, and of the canary by itself: halves of the primary can't tell them."""
    theirs = _bursts(world.primary, rng, size)
    return Rates(_bursts(world.bad, rng, size), theirs, theirs, np.ones(size.shape))


def shared_bursts(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """Bursts of a minute that all pods have together."""
    theirs = _bursts(world.primary, rng, size)
    return Rates(theirs, theirs, theirs, np.ones(size.shape))


def short_bursts(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """Bursts of a tick, of the canary and of each half of the primary by itself."""

    def tick_bursts(mean: float) -> Floats:
        return np.minimum(1.0, mean * rng.gamma(_K, 1.0 / _K, size.shape))

    return Rates(
        tick_bursts(world.bad), tick_bursts(world.primary), tick_bursts(world.primary), np.ones(size.shape)
    )  # fmt: skip


def now_and_then(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """The canary fails in one tick of ten, ten times as much as on the average, and else never."""
    calm = steady(world, rng, size)
    return Rates(np.where(rng.random(size.shape) < 0.1, 10.0 * world.bad, 0.0), calm.one, calm.other, calm.load)


def cold_start(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """10 % of the canary's requests fail in its first 45 s."""
    calm = steady(world, rng, size)
    if not size.past:
        calm.canary[:, :3] = 0.10
    return calm


def late_onset(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """The canary is as the primary for 40 minutes."""
    calm = steady(world, rng, size)
    calm.canary[:, : 40 * TICKS_A_MINUTE] = world.primary
    return calm


def day(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """Ten times the requests at noon as at night, and six times the failures; the run begins at any hour."""
    hours = rng.uniform(0.0, 24.0, (size.runs, 1)) + np.arange(HORIZON) / (60.0 * TICKS_A_MINUTE)
    busy = (0.5 - 0.5 * np.cos(2.0 * np.pi * hours / 24.0)) ** 2
    theirs = world.primary * (1.0 + 5.0 * busy)
    own = theirs if world.healthy else np.maximum(theirs, world.bad)
    return Rates(own, theirs, theirs, 0.1 + 0.9 * busy)


def leak(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """The canary's failures grow evenly, from the primary's share to `canary` at the end of the hour."""
    calm = steady(world, rng, size)
    if size.past:
        return calm
    own = np.broadcast_to(np.linspace(world.primary, world.bad, HORIZON), size.shape)
    return Rates(own, calm.one, calm.other, calm.load)


def bad_pod_of_primary(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """One of the primary's ten pods fails a fifth of its requests, before the run and in it."""
    calm = np.full(size.shape, world.primary)
    return Rates(calm, calm + 0.2 / 5.0, calm, np.ones(size.shape))


def dependency(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """30 % fail in both versions from the 2nd to the 10th minute of the run."""
    calm = steady(world, rng, size)
    if size.past:
        return calm
    out = np.zeros(size.shape)
    out[:, 2 * TICKS_A_MINUTE : 10 * TICKS_A_MINUTE] = 0.3
    return Rates(np.maximum(calm.canary, out), np.maximum(calm.one, out), np.maximum(calm.other, out), calm.load)


def storm(world: World, rng: np.random.Generator, size: Size) -> Rates:
    """For two minutes of the run half of all requests fail in both versions, and retries treble the requests."""
    calm = steady(world, rng, size)
    begin = rng.integers(0, HORIZON // 6, (size.runs, 1))
    ticks = np.arange(HORIZON)
    out = np.zeros(size.shape, dtype=bool) if size.past else (ticks >= begin) & (ticks < begin + 2 * TICKS_A_MINUTE)
    theirs = np.where(out, 0.5, calm.one)
    return Rates(np.where(out, 0.5, calm.canary), theirs, theirs, np.where(out, 3.0, 1.0))


def _bursts(mean: float, rng: np.random.Generator, size: Size) -> Floats:
    minutes = rng.gamma(_K, 1.0 / _K, (size.runs, HORIZON // TICKS_A_MINUTE))
    return np.minimum(1.0, mean * np.repeat(minutes, TICKS_A_MINUTE, axis=1))
