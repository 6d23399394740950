"""Found in the lab: a deleted Canary whose target's autoscaler takes pods away sooner than they become ready.

Nobody asks the target before it is whole, so its autoscaler sees no load. The two of them don't agree: clients must not
suffer from it, and it must have an end.
"""

from __future__ import annotations

from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS
from tests.engine.leaving import delete, led_to, run_until_gone
from tests.engine.scaled_world import HPA, autoscaler, scale, scaled_world
from tests.engine.world import KEY, World


def take_pods_away(world: World) -> None:
    """Its autoscaler looks, and leaves the target its least: that pod is ready by then, and no other was."""
    scale(world, 1, KEY)
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 1)
    generation = world.get(DEPLOYMENTS)["metadata"]["generation"]
    world.cluster.set_status(DEPLOYMENTS, KEY, {"observedGeneration": generation, **counts})


async def test_found_clients_stay_with_the_primary_while_an_autoscaler_takes_the_targets_pods_away() -> None:
    """The deletion ends all the same, and says what is left."""
    world = scaled_world(autoscaler(minReplicas=1))
    await world.initialize()
    before = world.get(AUTOSCALERS, HPA)
    world.pods_follow = False
    led: list[set[str]] = []

    def meanwhile() -> None:
        led.extend(led_to(world).values())
        take_pods_away(world)

    delete(world)
    await run_until_gone(world, meanwhile)

    assert [whom for whom in led if whom != {"app-primary"}] == []
    assert any("GivenUp" in event[0] for event in world.events())
    assert world.get(AUTOSCALERS, HPA) == before
    assert all(whom == {"app-primary"} for whom in led_to(world).values())
