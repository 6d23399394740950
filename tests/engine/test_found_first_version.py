"""A first version that never becomes ready, and a user who corrects it."""

from __future__ import annotations

from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES
from rollouts.api.status import ConditionType, Phase
from tests.engine.leaving import take_away
from tests.engine.world import KEY, PRIMARY_KEY, World, canary_manifest


async def test_a_corrected_first_version_is_copied() -> None:
    """The copy of the broken one would else never be ready, and the Canary wait for it for ever."""
    world = World()
    world.pods_follow = False
    await world.settle()
    assert world.image(PRIMARY_KEY) == "app:1"
    assert world.condition(ConditionType.RECONCILING).message == "waiting for the primary to be ready"
    world.release("app:2")
    await world.settle()
    assert world.image(PRIMARY_KEY) == "app:2"
    world.pods_follow = True
    await world.run_until_quiet()
    assert (world.status.phase, world.replicas(PRIMARY_KEY)) == (Phase.INITIALIZED, 3)


async def test_a_primary_that_serves_is_never_made_again_from_a_version_nobody_judged() -> None:
    """A Canary that is applied again finds its primary without a pod for a moment, and the target changed."""
    world = World()
    await world.initialize()
    assert world.cluster.stored(VIRTUAL_SERVICES, KEY) is not None
    take_away(world)
    world.pods_follow = False
    zero = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 0)
    generation = world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["generation"]
    world.cluster.set_status(DEPLOYMENTS, PRIMARY_KEY, {"observedGeneration": generation, **zero})
    world.release("app:2")
    world.cluster.put(CANARIES, canary_manifest())
    await world.settle()
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.INITIALIZING, "app:1")
