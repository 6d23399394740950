"""Several replicas: no two work on one Canary, and soon another one does when one is gone, cut off or frozen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from rollouts.core.shares import Rule
from tests.sim.faults import Fate, Fault
from tests.sim.lease_mutants import LEASE_MUTANTS
from tests.sim.mutants import Mutant
from tests.sim.plan import BAD, GOOD, Plan
from tests.sim.replicas import (
    AFFLICTIONS,
    RELEASED_AT_S,
    draw_replicas,
    hand_overs,
    joins,
    one_hand_over,
    stands_by_blindly,
)
from tests.sim.world import World, run

pytestmark = [pytest.mark.sim, pytest.mark.timeout(300)]

SEEDS = int(os.environ.get("SIM_SEEDS", "200")) // 4
EVERY = int(os.environ.get("SIM_EVERY", "3"))
MUTANT_SEEDS = 120


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_seed_with_replicas(seed: int) -> None:
    """Nothing unsafe happens in it, somebody works on each Canary in time, and each comes to its proper end."""
    outcomes = run(draw_replicas(seed))
    assert not outcomes.flaws, f"{outcomes.flaws[0]}\nrepeat it: {outcomes.command()}"


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("kind", [GOOD, BAD])
@pytest.mark.parametrize("what", AFFLICTIONS[:-1])
def test_a_hand_over_in_the_midst_of_a_release(what: str, kind: str, rule: Rule) -> None:
    """Within 3 s where the replica is asked to end, within 20 s where it is killed, cut off or frozen."""
    for second in range(2 * EVERY):
        plan = one_hand_over(what, kind, 20.0 + second * 30.0 / EVERY, rule)
        world = World(plan)
        outcomes = world.run()
        assert not outcomes.flaws, f"{plan.name}: {outcomes.flaws[0]}\n" + "\n".join(outcomes.trace)
        sharing = world.safety.sharing
        assert sharing is not None
        assert sharing.hand_overs or rule is Rule.SHARDS, plan.name


def test_who_stands_by_and_hears_nothing_takes_nothing_over() -> None:
    """The other one's Lease seems to have run out, and its version says that it has not."""
    outcomes = run(stands_by_blindly())
    assert not outcomes.flaws, outcomes.flaws[0]


@pytest.mark.parametrize("step", range(24))
def test_a_canary_that_changes_hands_is_first_let_go(step: int) -> None:
    """Another replica gets it by its hash, while requests about it are under way."""
    outcomes = run(joins(RELEASED_AT_S + step / 4))
    assert not outcomes.flaws, outcomes.flaws[0]


@pytest.mark.parametrize("fate", [Fate.CRASH_BEFORE, Fate.CRASH_AFTER, Fate.ANSWER_LOST, Fate.LATE])
def test_a_fault_anywhere_among_two_replicas(fate: Fate) -> None:
    """Also in what they write about their Leases."""
    plan = one_hand_over("stop", GOOD, 35.0)
    clean = run(plan)
    assert not clean.flaws
    assert sum("leases" in what for what in clean.awaited) > 20
    for place in range(1, clean.awaits + 1, EVERY):
        outcomes = run(_patient(plan), Fault(place, fate))
        where = f"{fate} at await {place}, {clean.awaited[place - 1]}"
        assert not outcomes.flaws, f"{where}: {outcomes.flaws[0]}\n" + "\n".join(outcomes.trace)


@pytest.mark.parametrize("mutant", LEASE_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_of_leases_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a few of the worlds that the right rule holds in."""
    mutant.install(monkeypatch)
    found = next(filter(None, map(_flaw, _worlds())), "")
    assert found, f"survived {MUTANT_SEEDS} seeds"
    print(f"caught by {found}")


def _worlds() -> Iterator[Plan]:
    yield from hand_overs(20.0)
    yield stands_by_blindly()
    yield from (joins(RELEASED_AT_S + step / 4) for step in range(24))
    yield from map(draw_replicas, range(MUTANT_SEEDS))


def _flaw(plan: Plan) -> str:
    outcomes = run(plan)
    return f"{plan.name or f'seed {plan.seed}'}: {outcomes.flaws[0]}" if outcomes.flaws else ""


def _patient(plan: Plan) -> Plan:
    """One fault more may cost as much time as a Lease lasts."""
    return replace(plan, handover_max_s=25.0)
