"""Who gives the canary weight as fast as we take it is no defect of ours, and no reason to stay away long."""

from __future__ import annotations

import copy

import pytest

from rollouts.api.resources import VIRTUAL_SERVICES
from rollouts.errors import Unsettled
from rollouts.ports import PatchJson, Write
from tests.engine.world import KEY, World


async def test_a_fight_over_weights_is_left_for_a_second_and_taken_up_again() -> None:
    """The reconcile gives way after some rounds and asks to be called soon; then the weight is put back."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    theirs = copy.deepcopy(world.get(VIRTUAL_SERVICES)["spec"]["http"])
    theirs[0]["route"][0]["weight"], theirs[0]["route"][1]["weight"] = 60, 40

    def undo(write: Write) -> None:
        if isinstance(write, PatchJson):
            world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": theirs}})

    world.cluster.after = undo
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": theirs}})
    with pytest.raises(Unsettled, match="somebody else writes the same objects") as given_up:
        await world.reconciler.reconcile(KEY)
    assert given_up.value.retry_after_s == 1.0

    world.cluster.after = lambda _write: None
    await world.settle()
    assert world.weight == 20
