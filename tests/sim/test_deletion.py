"""A Canary deleted between releases and in mid-run, with one fault at every await in turn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.sim.cases import one_release
from tests.sim.deletion import watching_clients
from tests.sim.faults import TIMEOUT_S, Fate, Fault
from tests.sim.plan import GOOD, Happening, Plan
from tests.sim.process import RESTART_MAX_S
from tests.sim.world import Outcomes, World

pytestmark = [pytest.mark.sim, pytest.mark.timeout(300)]

DELAY_S = RESTART_MAX_S + TIMEOUT_S
WAITS = {Fate.REJECTED: 30.0, Fate.FORBIDDEN: 30.0, Fate.THROTTLED: 12.0}
"""What the answer itself asks to wait for, in seconds."""
CRASHES = (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
IDLE_S, FIRST_WEIGHT_S, ROLLING_S = 20.0, 30.0, 46.5


def plan_of(deleted_at_s: float) -> Plan:
    """A version is applied at second 21, the Canary deleted before, at its first weight, or while it is promoted."""
    plan = one_release(GOOD)
    release = [Happening(21.0, "release", 0, GOOD)] if deleted_at_s > IDLE_S else []
    happenings = (*release, Happening(deleted_at_s, "delete canary", 0))
    return replace(plan, happenings=happenings, calm_at_s=deleted_at_s)


def told(plan: Plan, fault: Fault | None = None) -> tuple[Outcomes, int]:
    """One whole run; and how many awaits there had been when the Canary was deleted."""
    world, before = World(plan, fault), [0]
    (canary,) = plan.canaries

    def deleted(happening: Happening) -> None:
        if happening.what == "delete canary":
            before.append(len(world.fates.awaited))
            watch = watching_clients(world.server, world.pods, canary.name, world.safety.flaws.append)
            world.server.watchers.append(watch)

    world.people.listeners.append(deleted)
    return world.run(), before[-1]


@pytest.mark.parametrize("deleted_at_s", [IDLE_S, FIRST_WEIGHT_S, ROLLING_S], ids=["idle", "mid-run", "promoting"])
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate is not Fate.DONE])
def test_a_fault_at_every_await_of_a_deletion(fate: Fate, deleted_at_s: float) -> None:
    """Whichever it is and wherever it strikes, clients are served and everything is given back, hardly later."""
    plan = plan_of(deleted_at_s)
    clean, before = told(plan)
    assert not clean.flaws, f"{clean.flaws[0]}\n" + "\n".join(clean.trace)
    assert clean.awaits - before > 15
    limit_s = clean.virtual_s + DELAY_S + WAITS.get(fate, 0.0)
    for place in range(before + 1, clean.awaits + 1):
        outcomes, _ = told(plan, Fault(place, fate))
        where = f"{fate} at await {place}, {place - before} after the deletion"
        assert not outcomes.flaws, f"{where}: {outcomes.flaws[0]}\n" + "\n".join(outcomes.trace)
        # What people edit at the same moment makes the first write a conflict, after which nothing took effect.
        assert outcomes.crashes == (fate in CRASHES) or place == before + 1, where
        assert outcomes.virtual_s <= limit_s, f"{where}: {outcomes.virtual_s:.1f} s"
