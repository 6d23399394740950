"""Rollouts that the shipped judge decides, step by step, as the controller takes them (docs/canary.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.dispersion import Dispersion, dispersion_of
from rollouts.core.evidence.state import State, absorb, at_new_step
from rollouts.core.evidence.verdict import Finding, enough_requests, finding_of
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, RUNNING, Outcomes
from tests.bench.analysis.worlds import HORIZON, TICK_S, TICKS_A_MINUTE, Floats, Rates, Size, World, drawn

DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Plan:
    """How a rollout goes on: steps, their least stay, their longest, and what is judged."""

    compare: bool = True
    steps: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    step_ticks: int = TICKS_A_MINUTE
    hold_ticks: int = 5 * TICKS_A_MINUTE
    warmup_ticks: int = 0
    settings: Settings = DEFAULTS

    @property
    def limits(self) -> Limits:
        """Of 99 % and the default tolerance."""
        return Limits(0.01, compare=self.compare)


SEQ, SEQ_SLO = Plan(), Plan(compare=False)
WARM = Plan(warmup_ticks=TICKS_A_MINUTE)
WATCH = Plan(steps=(0.1,), step_ticks=HORIZON, hold_ticks=HORIZON)
"""One step for the whole hour."""


def rollouts(world: World, plan: Plan, rng: np.random.Generator, runs: int) -> Outcomes:
    """So many rollouts of a world."""
    rates = world.shape(world, rng, Size(runs))
    before = world.shape(world, rng, Size(runs, past=True))
    told = [_rollout(world, plan, rng, _of(rates, run), _phi(world, rng, _of(before, run))) for run in range(runs)]
    ends, ticks, excess, held = zip(*told, strict=True)
    return Outcomes(np.array(ends), np.array(ticks) / TICKS_A_MINUTE, np.array(excess), np.array(held))


def _rollout(
    world: World, plan: Plan, rng: np.random.Generator, rates: Rates, phi: Dispersion
) -> tuple[int, int, float, bool]:
    state, limits, settings = State(dispersion=phi), plan.limits, plan.settings
    now, excess, held, warm = 0, 0.0, False, plan.warmup_ticks
    theirs = rates.primary
    for weight in plan.steps:
        state = at_new_step(state)
        ticks = _ticks(world, rng, rates, weight, now)
        for age in count(1):
            if now == HORIZON:
                return RUNNING, now, excess, held
            tick, bad, requests = next(ticks)
            excess += bad - theirs[now] * requests
            now += 1
            if warm:
                # Of the first traffic on: what the canary did then is not looked at.
                warm -= bool(requests) or warm < plan.warmup_ticks
            else:
                state = absorb(state, tick, limits, settings)
            finding = finding_of(state, limits, settings)
            if finding is Finding.FAIL:
                return ROLLED_BACK, now, excess, held
            held = held or finding is Finding.SHARED_BREACH
            proven = age >= plan.step_ticks and finding is Finding.PASS and enough_requests(state, limits)
            if proven or (age >= plan.hold_ticks and finding is not Finding.SHARED_BREACH):
                break
    rest = (rates.canary[now:] - theirs[now:]) * rates.load[now:] * world.rps * TICK_S
    return PROMOTED, now, excess + float(rest.sum()), held


def _ticks(
    world: World, rng: np.random.Generator, rates: Rates, weight: float, now: int
) -> Iterator[tuple[Tick, float, float]]:
    """What is scraped at this weight, with the canary's bad requests and requests as they really were."""
    if not (world.late or world.gaps):
        yield from (
            (Tick(canary, primary), canary.bad, canary.requests)
            for canary, primary in _arms(world, rng, rates, weight, now)
        )
        return
    own, other = Arm(), Arm()
    for canary, primary in _arms(world, rng, rates, weight, now):
        own, other = own.plus(canary), other.plus(primary if not world.late else Arm())
        tick = Tick(own, other)
        if world.gaps:
            seen = rng.random(2) >= world.gaps
            tick = Tick(own if seen[0] else Arm(), other if seen[1] else Arm())
            own, other = (Arm() if seen[0] else own), (Arm() if seen[1] else other)
        else:
            own, other = Arm(), (primary if world.late else Arm())
        yield tick, canary.bad, canary.requests


def _arms(
    world: World, rng: np.random.Generator, rates: Rates, weight: float, now: int
) -> Iterator[tuple[Arm, Arm]]:  # fmt: skip
    while now < HORIZON:
        span = slice(now, now + 5 * TICKS_A_MINUTE)
        usual = rates.load[span] * world.rps * TICK_S
        own_rate = rates.canary[span] if weight >= world.from_weight else rates.primary[span]
        own = drawn(rng, usual * weight, own_rate, world.clump)
        one = drawn(rng, usual * (1.0 - weight) / 2.0, rates.one[span], world.clump)
        other = drawn(rng, usual * (1.0 - weight) / 2.0, rates.other[span], world.clump)
        theirs = (one[0] + other[0]).tolist(), (one[1] + other[1]).tolist()
        for n, bad, their_n, their_bad in zip(own[0].tolist(), own[1].tolist(), *theirs, strict=True):
            yield Arm(n, bad), Arm(their_n, their_bad)
        now += 5 * TICKS_A_MINUTE


def _phi(world: World, rng: np.random.Generator, rates: Rates) -> Dispersion:
    """Learned from the hour before the run."""
    usual = _by_minute(rates.load) * world.rps * 60.0 / TICKS_A_MINUTE / 2.0
    halves = [drawn(rng, usual, _by_minute(half) / TICKS_A_MINUTE, world.clump) for half in (rates.one, rates.other)]
    (one_n, one_bad), (other_n, other_bad) = halves
    return dispersion_of([
        (Arm(n, bad), Arm(their_n, their_bad))
        for n, bad, their_n, their_bad in zip(
            one_n.tolist(), one_bad.tolist(), other_n.tolist(), other_bad.tolist(), strict=True
        )
    ])  # fmt: skip


def _by_minute(ticks: Floats) -> Floats:
    return np.asarray(ticks.reshape(-1, TICKS_A_MINUTE).sum(axis=1), dtype=np.float64)


def _of(rates: Rates, run: int) -> Rates:
    return Rates(rates.canary[run], rates.one[run], rates.other[run], rates.load[run])
