"""Seeds in which something was wrong once, in the world as it was then. One line for each bug."""

from __future__ import annotations

import pytest

from tests.sim.plan import draw
from tests.sim.world import run

pytestmark = pytest.mark.sim

PAST = (
    pytest.param(94, id="two processes: scaled down by one what the other had begun to release"),
    pytest.param(1094, id="two processes: routes put back to a weight that was meant before"),
    pytest.param(1124, id="two processes: a failed version given weight by the one with the older status"),
    pytest.param(1148, id="a scale-down that timed out and landed in the next release"),
    pytest.param(1195, id="a scale of a deleted target made a Deployment without template"),
    pytest.param(1022, id="a first version that never starts kept the Canary initializing for ever"),
)


@pytest.mark.parametrize("seed", PAST)
def test_a_past_bug_stays_away(seed: int) -> None:
    """Nothing unsafe, and the proper end."""
    outcomes = run(draw(seed))
    assert not outcomes.flaws, f"{outcomes.flaws[0]}\nrepeat it: {outcomes.command()}"
