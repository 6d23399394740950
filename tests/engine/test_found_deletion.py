"""What the matrix of tests/deletion, and looking for what it leaves out, found: each a deletion that went wrong."""

from __future__ import annotations

import pytest

from rollouts.api.ownership import ON_TARGET_GONE_ANNOTATION
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES
from rollouts.api.status import Phase
from rollouts.core.leaving import GIVE_UP_AFTER
from rollouts.core.measurement import Value
from rollouts.ports import PatchStatus, Propagation, Write
from tests.engine.leaving import APEX, ROUTE, delete, is_gone, led_to, run_until_gone
from tests.engine.swap_world import V1, V2, Swap, service
from tests.engine.test_deletion import REMOVED, assert_given_back, released
from tests.engine.world import KEY, PRIMARY_KEY, STABLE_REQUESTS, Crash, World, canary_manifest

AWAY_S = GIVE_UP_AFTER.total_seconds() + 30.0


def dies_once_it_is_decided(world: World, away_s: float) -> None:
    """The process dies when the deletion is in the status and nothing else is done; the next one comes late."""

    def die(write: Write) -> None:
        if isinstance(write, PatchStatus) and write.status.get("phase") == Phase.TERMINATING and not world.crashes:
            world.clock.advance(away_s)
            raise Crash

    world.cluster.after = die


async def test_a_controller_that_was_away_for_long_still_gives_everything_back() -> None:
    """It gave up at once, with the split of the run in force, and said that the primary had all traffic."""
    world = World()
    await released(world, Phase.PROGRESSING)
    dies_once_it_is_decided(world, AWAY_S)
    delete(world)
    await run_until_gone(world)

    assert world.crashes == 1
    assert_given_back(world)


async def test_a_target_that_goes_in_the_foreground_is_not_led_to() -> None:
    """Its object stays until its pods are gone: it looked whole, and clients were led to pods that were ending."""
    world = World()
    await released(world, Phase.PROGRESSING)
    world.cluster.edit(DEPLOYMENTS, KEY, {"metadata": {"finalizers": ["tests.rollouts.dev/pods"]}})
    world.cluster.server.delete(DEPLOYMENTS, KEY, Propagation.FOREGROUND)
    delete(world)
    await run_until_gone(world)

    assert led_to(world) == {APEX: {"app-primary"}, ROUTE: {"app-primary"}}
    assert world.replicas(PRIMARY_KEY) == 3
    assert world.events()[-1][0] == "GivenUp"


async def test_without_the_clients_service_routes_stay_with_who_serves() -> None:
    """Deleted while no controller was there, as an uninstall does: the routes were led to a host that was none."""
    world = World()
    await world.initialize()
    world.cluster.delete(SERVICES, KEY)
    delete(world)
    await run_until_gone(world)

    assert led_to(world)[ROUTE] == {"app-primary"}
    reason, message = world.events()[-1]
    assert reason == "GivenUp"
    assert "or the Service that would lead to it, is gone" in message


async def test_routes_are_not_led_to_a_service_that_went_after_the_decision() -> None:
    """The hand-over was in the status, and then there was nothing to lead to."""
    world = World()
    await world.initialize()

    def lose(write: Write) -> None:
        given = isinstance(write, PatchStatus) and write.status.get("desiredWeight") == 100
        if given and world.cluster.stored(SERVICES, KEY) is not None:
            world.cluster.delete(SERVICES, KEY)

    world.cluster.after = lose
    delete(world)
    await run_until_gone(world)

    assert led_to(world)[ROUTE] == {"app-primary"}
    reason, message = world.events()[-1]
    assert (reason, "traffic is left to Deployment app-primary" in message) == ("GivenUp", True)


async def test_a_primary_that_the_service_selects_is_not_deleted() -> None:
    """The target went between the decision and the writes: nobody was looked for who still leads to the primary."""
    world = World()
    await world.initialize()
    world.metrics.set(STABLE_REQUESTS, Value(0.0))  # its clients are not in the mesh

    def lose(write: Write) -> None:
        given = isinstance(write, PatchStatus) and write.status.get("desiredWeight") == 100
        if given and world.cluster.stored(DEPLOYMENTS, KEY) is not None:
            world.cluster.delete(DEPLOYMENTS, KEY)

    world.cluster.after = lose
    delete(world)
    await run_until_gone(world)

    assert led_to(world)[APEX] == {"app-primary"}
    assert world.replicas(PRIMARY_KEY) == 3
    assert world.events()[-1][0] == "GivenUp"


async def test_subsets_follow_the_side_that_serves_while_no_controller_is_there() -> None:
    """The stable side was lost in between: the routes were given back to it."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)
    dies_once_it_is_decided(swap.world, 1.0)
    died = swap.world.cluster.after

    def lose(write: Write) -> None:
        try:
            died(write)
        except Crash:
            swap.world.cluster.delete(DEPLOYMENTS, V1)
            raise

    swap.world.cluster.after = lose
    delete(swap.world)
    await run_until_gone(swap.world)

    assert swap.weights == {"v1": 0, "v2": 100}


@pytest.mark.parametrize("first", ["target", "everything of the user"])
async def test_on_target_gone_remove_leaves_nothing_that_runs(first: str) -> None:
    """As a chart is uninstalled, Deployment before Canary: by the annotation what was made goes along."""
    canary = canary_manifest()
    canary["metadata"]["annotations"] = {ON_TARGET_GONE_ANNOTATION: "remove"}
    world = World(canary=canary)
    await world.initialize()
    world.cluster.delete(DEPLOYMENTS, KEY)
    if first != "target":
        world.cluster.delete(SERVICES, KEY)
    delete(world)
    await run_until_gone(world)

    assert is_gone(world)
    assert [place for place in REMOVED if world.cluster.stored(*place) is not None] == []
    assert world.cluster.stored(SERVICES, KEY) is None
    assert world.get(VIRTUAL_SERVICES)["metadata"].get("annotations", {}) == {}
    assert world.events()[-1][0] == "Released"


async def test_on_target_gone_changes_nothing_while_the_target_is_there() -> None:
    """Nor is a Service of the user's ever deleted."""
    canary = canary_manifest()
    canary["metadata"]["annotations"] = {ON_TARGET_GONE_ANNOTATION: "remove"}
    world = World(canary=canary, others=[(SERVICES, service())])
    await world.initialize()
    delete(world)
    await run_until_gone(world)
    assert_given_back(world)

    world.cluster.put(CANARIES, canary)
    await world.initialize()
    world.cluster.delete(DEPLOYMENTS, KEY)
    delete(world)
    await run_until_gone(world)
    assert world.cluster.stored(SERVICES, KEY) is not None
