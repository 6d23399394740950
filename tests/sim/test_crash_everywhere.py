"""One fault at every await of a whole release in turn, enumerated: each write, measurement and call of a clean run.

Of the releases with hooks `make test` takes every third await for deaths alone; SIM_EVERY=1 takes all of them.
"""

from __future__ import annotations

import os

import pytest

from rollouts.core.resting import PREFLIGHT_RETRY
from tests.sim.cases import SCHEDULES, one_release, with_hooks
from tests.sim.faults import TIMEOUT_S, Fate, Fault
from tests.sim.plan import BAD, GOOD, Plan
from tests.sim.process import RESTART_MAX_S
from tests.sim.world import Outcomes, run

pytestmark = [pytest.mark.sim, pytest.mark.timeout(300)]

EVERY = int(os.environ.get("SIM_EVERY", "3"))
DELAY_S = RESTART_MAX_S + TIMEOUT_S
"""How much longer one fault may make a release: a restart or a time-out; less than a dwell, which is never repeated."""
CRASHES = (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
WAITS = {Fate.REJECTED: 30.0, Fate.FORBIDDEN: 30.0, Fate.THROTTLED: 12.0}
"""What the answer itself asks to wait for, in seconds."""
QUESTIONS_UNTIL = 3
"""The first awaits are the status and the preflight's questions, which are asked again later."""
HOOKS_WAIT_S = 12.0
"""A call that is lost is made again up to an interval later."""


@pytest.mark.parametrize("kind", [GOOD, BAD])
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate is not Fate.DONE])
def test_a_fault_at_every_await(kind: str, fate: Fate) -> None:
    """Whichever it is and wherever it strikes, the release comes to its proper end, and hardly later."""
    clean = _clean(one_release(kind))
    assert clean.awaits > 35
    for place in range(1, clean.awaits + 1):
        _strike(one_release(kind), clean, Fault(place, fate), DELAY_S)


@pytest.mark.parametrize("kind", [GOOD, BAD])
@pytest.mark.parametrize("strategy", SCHEDULES)
@pytest.mark.parametrize("fate", [*CRASHES, *((Fate.ANSWER_LOST, Fate.LATE) if EVERY == 1 else ())])
def test_a_death_anywhere_in_each_strategy(strategy: str, kind: str, fate: Fate) -> None:
    """The same with hooks of every type: nothing is forgotten, skipped, or told under another id."""
    clean = _clean(with_hooks(strategy, kind))
    assert clean.awaits > 50
    for place in range(1 + [*SCHEDULES].index(strategy) % EVERY, clean.awaits + 1, EVERY):
        _strike(with_hooks(strategy, kind), clean, Fault(place, fate), DELAY_S + HOOKS_WAIT_S)


def _clean(plan: Plan) -> Outcomes:
    clean = run(plan)
    assert not clean.flaws
    return clean


def _strike(plan: Plan, clean: Outcomes, fault: Fault, delay_s: float) -> None:
    outcomes, fate, place = run(plan, fault), fault.fate, fault.place
    where = f"{fate} at await {place} of {clean.awaits}, {clean.awaited[place - 1]}"
    assert not outcomes.flaws, f"{where}: {outcomes.flaws[0]}\n" + "\n".join(outcomes.trace)
    assert outcomes.crashes == (fate in CRASHES), where
    late_s = PREFLIGHT_RETRY.total_seconds() if place <= QUESTIONS_UNTIL and fate not in CRASHES else 0.0
    limit_s = clean.virtual_s + delay_s + WAITS.get(fate, 0.0) + late_s
    assert outcomes.virtual_s <= limit_s, f"{where}: {outcomes.virtual_s:.1f} s, limit {limit_s:.1f} s"
