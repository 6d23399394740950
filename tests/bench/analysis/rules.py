"""The rivals: fixed thresholds on a ratio, as Flagger and Argo Rollouts have them, and better ones by hand.

All rollouts of all rules go forward together, a tick at a time, in arrays. Every rule is granted exact counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, RUNNING, Outcomes
from tests.bench.analysis.worlds import HORIZON, TICK_S, TICKS_A_MINUTE, Floats, Rates, Size, World, drawn

STEPS = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
_LIMIT = 0.01


class Kind(IntEnum):
    """Whose rule it is."""

    FLAGGER = 0
    """A check each interval; one that passes leads on; rolled back an interval after the last failure."""
    ARGO = 1
    """Checks beside steps of two minutes, which they don't hold; rolled back at the last failure."""
    COUNTING = 2
    """As Flagger, but judged only when enough requests have come together, and rolled back at once."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One setting."""

    name: str
    kind: Kind
    failures: int
    interval: int = TICKS_A_MINUTE
    """In ticks."""
    requests: int = 1
    relative: bool = False
    """Held against 1.5 times the primary's share and 0.2 points; else against 1 %."""


F1, F5, F10 = (Rule(f"F{n}", Kind.FLAGGER, n) for n in (1, 5, 10))
A0, A3 = (Rule(f"A{n}", Kind.ARGO, n + 1) for n in (0, 3))
NAMED = (F5, F10, F1, A0, A3)
GRID = (
    *(
        Rule(f"Flagger, threshold {n}, {15 * ticks} s", Kind.FLAGGER, n, ticks)
        for n in (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40)
        for ticks in (1, 2, 4)
    ),
    *(
        Rule(f"{word}, n >= {least}, {n} strikes, {15 * ticks} s", Kind.COUNTING, n, ticks, least, word == "relative")
        for word in ("absolute", "relative")
        for least in (20, 50, 200)
        for n in (1, 2, 3, 5, 10)
        for ticks in (1, 4)
    ),
)


@dataclass(slots=True)
class _Fleet:
    """Rollouts under way, one entry each."""

    rule: npt.NDArray[np.int64]
    run: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]
    strikes: npt.NDArray[np.int64]
    counts: Floats
    """Requests and bad ones of the canary and of the primary since the last judgement."""

    def only(self, chosen: npt.NDArray[np.bool_]) -> _Fleet:
        return _Fleet(
            self.rule[chosen], self.run[chosen], self.step[chosen], self.age[chosen],
            self.strikes[chosen], self.counts[:, chosen],
        )  # fmt: skip


def rollouts(
    world: World, rules: tuple[Rule, ...], rng: np.random.Generator, runs: int
) -> dict[str, Outcomes]:  # fmt: skip
    """So many rollouts of a world under each rule."""
    rates = world.shape(world, rng, Size(runs))
    size = len(rules) * runs
    zeros = np.zeros(size, dtype=np.int64)
    fleet = _Fleet(
        np.repeat(np.arange(len(rules)), runs), np.tile(np.arange(runs), len(rules)),
        zeros, zeros, zeros, np.zeros((4, size)),
    )  # fmt: skip
    ends, minutes, excess = np.full(size, RUNNING), np.full(size, HORIZON / TICKS_A_MINUTE), np.zeros(size)
    rest = _after(world, rates)
    for now in range(HORIZON):
        if not fleet.run.size:
            break
        place = fleet.rule * runs + fleet.run
        _count(world, rates, fleet, now, rng)
        bad, requests = fleet.counts[4:, :]
        excess[place] += bad - rates.primary[fleet.run, now] * requests
        fleet.counts = fleet.counts[:4]
        back = _judged(fleet, rules, now + 1)
        promoted = ~back & (fleet.step >= STEPS.size)
        ends[place[back]], ends[place[promoted]] = ROLLED_BACK, PROMOTED
        done = back | promoted
        minutes[place[done]] = (now + 1) / TICKS_A_MINUTE
        excess[place[promoted]] += rest[fleet.run[promoted], now + 1]
        fleet = fleet.only(~done)
    return {rule.name: _part(ends, minutes, excess, slice(at * runs, (at + 1) * runs)) for at, rule in enumerate(rules)}


def _part(ends: npt.NDArray[np.int64], minutes: Floats, excess: Floats, of: slice) -> Outcomes:
    return Outcomes(ends[of], minutes[of], excess[of], np.zeros(ends[of].size, dtype=bool))


def _after(world: World, rates: Rates) -> Floats:
    """What a promotion at each tick costs in the rest of the hour."""
    each = (rates.canary - rates.primary) * rates.load * world.rps * TICK_S
    sums = np.cumsum(each[:, ::-1], axis=1)[:, ::-1]
    return np.concatenate([sums, np.zeros((len(sums), 1))], axis=1)


def _count(world: World, rates: Rates, fleet: _Fleet, now: int, rng: np.random.Generator) -> None:
    weight = STEPS[fleet.step]
    usual = rates.load[fleet.run, now] * world.rps * TICK_S
    theirs = rates.primary[fleet.run, now]
    own_rate = np.where(weight >= world.from_weight, rates.canary[fleet.run, now], theirs)
    requests, bad = drawn(rng, usual * weight, own_rate, world.clump)
    their_requests, their_bad = drawn(rng, usual * (1.0 - weight), theirs, world.clump)
    fleet.counts = np.concatenate([
        fleet.counts + np.array([requests, bad, their_requests, their_bad]), np.array([bad, requests], dtype=np.float64)
    ])  # fmt: skip
    fleet.age = fleet.age + 1


def _judged(fleet: _Fleet, rules: tuple[Rule, ...], now: int) -> npt.NDArray[np.bool_]:
    """Which are rolled back; the others' steps and strikes go on."""
    kind = np.array([rule.kind for rule in rules])[fleet.rule]
    most = np.array([rule.failures for rule in rules])[fleet.rule]
    interval = np.array([rule.interval for rule in rules])[fleet.rule]
    least = np.array([rule.requests for rule in rules])[fleet.rule]
    relative = np.array([rule.relative for rule in rules])[fleet.rule]
    requests, bad, their_requests, their_bad = fleet.counts
    due = now % interval == 0
    back = due & (kind == Kind.FLAGGER) & (fleet.strikes >= most)
    looked = due & ~back & ((kind != Kind.COUNTING) | (requests >= least))
    limit = np.where(relative, 1.5 * their_bad / np.maximum(their_requests, 1.0) + 0.002, _LIMIT)
    failed = looked & ((requests == 0) | (bad > limit * requests))
    fleet.strikes = fleet.strikes + failed
    back |= failed & (kind != Kind.FLAGGER) & (fleet.strikes >= most)
    stay = np.where(kind == Kind.ARGO, 2 * TICKS_A_MINUTE, np.where(kind == Kind.FLAGGER, 0, TICKS_A_MINUTE))
    onward = (fleet.age >= stay) & np.where(kind == Kind.ARGO, True, looked & ~failed)  # noqa: FBT003 - numpy's own
    fleet.step, fleet.age = fleet.step + onward, np.where(onward, 0, fleet.age)
    fleet.counts = np.where(looked, 0.0, fleet.counts)
    return np.asarray(back, dtype=np.bool_)
