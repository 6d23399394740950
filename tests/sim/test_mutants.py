"""The simulation can fail: each rule, broken, is caught by some seed or by one fault in one release."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from tests.sim.cases import cases, one_release
from tests.sim.draw import draw
from tests.sim.faults import Fate, Fault
from tests.sim.mutants import MUTANTS, STUCK_ROWS, Mutant, install_row
from tests.sim.plan import BAD, GOOD, Plan
from tests.sim.world import run

pytestmark = [pytest.mark.sim, pytest.mark.timeout(120)]

SEEDS_FIRST, SEEDS_MAX = 20, 160


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a few of the seeds that the right rule holds in."""
    mutant.install(monkeypatch)
    print(f"caught by {_catcher()}")


@pytest.mark.parametrize("name", STUCK_ROWS)
def test_a_broken_row_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the other rules."""
    install_row(name, monkeypatch)
    print(f"caught by {_catcher()}")


def _catcher() -> str:
    """What showed it first."""
    found = next(_found(), "")
    assert found, f"survived {SEEDS_MAX} seeds and a crash at every await"
    return found


def _found() -> Iterator[str]:
    for plan in (*cases(), *(draw(seed) for seed in range(SEEDS_FIRST))):
        yield from _flaw_of(plan)
    for kind in (GOOD, BAD):
        plan = one_release(kind)
        clean = run(plan)
        for place, fate in product(range(1, clean.awaits + 1), (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)):
            outcomes = run(plan, Fault(place, fate))
            if outcomes.flaws or outcomes.virtual_s > clean.virtual_s + 8.0:
                yield f"{fate} at await {place} of a {kind} release: {(*outcomes.flaws, 'it takes too long')[0]}"
    for seed in range(SEEDS_FIRST, SEEDS_MAX):
        yield from _flaw_of(draw(seed))


def _flaw_of(plan: Plan) -> Iterator[str]:
    outcomes = run(plan)
    if outcomes.flaws:
        yield f"{plan.name or f'seed {plan.seed}'}: {outcomes.flaws[0]}"
