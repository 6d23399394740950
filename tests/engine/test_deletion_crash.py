"""The process dies at each write of a deletion in turn; the next one goes on from what it finds."""

from __future__ import annotations

from itertools import count

import pytest

from rollouts.ports import Write
from tests.engine.leaving import APEX, ROUTE, delete, is_gone, led_to, run_until_gone, watch_clients
from tests.engine.test_crash import Executioner
from tests.engine.world import PRIMARY_KEY, Crash, World, made_keys, only_claims


async def _at_the_first_weight(*, released: bool) -> World:
    world = World()
    await world.initialize()
    if released:
        world.release()
        await world.run_until(lambda: world.weight == 20)
    return world


def _assert_given_back(world: World) -> None:
    assert is_gone(world)
    assert led_to(world) == {APEX: {"app"}, ROUTE: {"app"}}
    left = {key.name for place in made_keys() if world.cluster.stored(*place) is not None for key in place[1:]}
    assert (left, world.replicas()) == ({"app"}, 3)
    assert PRIMARY_KEY.name not in left


@pytest.mark.parametrize("released", [False, True], ids=["between releases", "in mid-run"])
@pytest.mark.parametrize("effect", [False, True], ids=["before the write", "before the answer"])
async def test_a_crash_at_any_write_of_a_deletion(
    effect: bool,  # noqa: FBT001 - a parameter of pytest
    released: bool,  # noqa: FBT001
) -> None:
    """Wherever the process dies, clients always find somebody who serves, and everything is given back."""
    for place in count():
        world = await _at_the_first_weight(released=released)
        watch_clients(world)
        executioner = Executioner(world, place, effect=effect)
        delete(world)
        await run_until_gone(world)
        _assert_given_back(world)
        if executioner.left >= 0:  # there are no more writes to die at
            assert place > 15
            break
        assert world.crashes == 1


async def test_a_crash_at_every_write_of_a_deletion() -> None:
    """A process that dies after each single write still comes to the end."""
    world = await _at_the_first_weight(released=True)
    watch_clients(world)

    def die(write: Write) -> None:
        if not only_claims(write):
            raise Crash

    world.cluster.after = die
    delete(world)
    await run_until_gone(world)

    assert world.crashes > 10
    _assert_given_back(world)
