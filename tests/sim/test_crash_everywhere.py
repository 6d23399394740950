"""One fault at every await of a whole release in turn, enumerated: each write and each measurement of a clean run."""

from __future__ import annotations

import pytest

from rollouts.core.resting import PREFLIGHT_RETRY
from tests.sim.faults import TIMEOUT_S, Fate, Fault
from tests.sim.plan import BAD, GOOD, one_release
from tests.sim.process import RESTART_MAX_S
from tests.sim.world import run

pytestmark = pytest.mark.sim

DELAY_S = RESTART_MAX_S + TIMEOUT_S
"""How much longer one fault may make a release: a restart or a time-out; less than a dwell, which is never repeated."""
CRASHES = (Fate.CRASH_BEFORE, Fate.CRASH_AFTER)
WAITS = {Fate.REJECTED: 30.0, Fate.FORBIDDEN: 30.0, Fate.THROTTLED: 12.0}
"""What the answer itself asks to wait for, in seconds."""
QUESTIONS_UNTIL = 3
"""The first awaits are the status and the preflight's questions, which are asked again later."""


@pytest.mark.parametrize("kind", [GOOD, BAD])
@pytest.mark.parametrize("fate", [fate for fate in Fate if fate is not Fate.DONE])
def test_a_fault_at_every_await(kind: str, fate: Fate) -> None:
    """Whichever it is and wherever it strikes, the release comes to its proper end, and hardly later."""
    plan = one_release(kind)
    clean = run(plan)
    assert not clean.flaws
    assert clean.awaits > 35
    limit_s = clean.virtual_s + DELAY_S + WAITS.get(fate, 0.0)
    for place in range(1, clean.awaits + 1):
        outcomes = run(plan, Fault(place, fate))
        where = f"{fate} at await {place} of {clean.awaits}"
        assert not outcomes.flaws, f"{where}: {outcomes.flaws[0]}\n" + "\n".join(outcomes.trace)
        assert outcomes.crashes == (fate in CRASHES), where
        late_s = PREFLIGHT_RETRY.total_seconds() if place <= QUESTIONS_UNTIL and fate not in CRASHES else 0.0
        assert outcomes.virtual_s <= limit_s + late_s, f"{where}: {outcomes.virtual_s:.1f} s"
