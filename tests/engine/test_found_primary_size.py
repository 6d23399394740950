"""A primary that somebody deletes between releases comes back as large as it was, not with one pod."""

from __future__ import annotations

import pytest

from rollouts.api.resources import DEPLOYMENTS
from rollouts.api.status import Phase
from tests.engine.world import PRIMARY_KEY, World


@pytest.mark.parametrize("released", [False, True], ids=["never released", "after a release"])
async def test_a_lost_primary_is_made_again_in_its_size(*, released: bool) -> None:
    """The target itself is at zero then, and says nothing of how many pods the traffic needs."""
    world = World()
    await world.initialize()
    if released:
        world.release()
        await world.run_until_quiet()
        assert world.status.phase is Phase.SUCCEEDED
    assert (world.replicas(), world.replicas(PRIMARY_KEY)) == (0, 3)
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.run_until_quiet()
    assert world.replicas(PRIMARY_KEY) == 3
