"""A Canary that is applied to routes which clients use already, as one that was deleted leaves them."""

from __future__ import annotations

from rollouts.api.resources import DEPLOYMENTS, DESTINATION_RULES, SERVICES, VIRTUAL_SERVICES
from rollouts.api.status import Phase
from tests.engine.world import CANARY_KEY, KEY, PRIMARY_KEY, World


async def test_what_routes_will_name_is_there_before_the_pods_of_the_primary() -> None:
    """Services that were made with the route were unknown to proxies when its requests came: 503, seen in the lab."""
    world = World()
    names = {(SERVICES, PRIMARY_KEY), (SERVICES, CANARY_KEY)}
    names |= {(DESTINATION_RULES, PRIMARY_KEY), (DESTINATION_RULES, CANARY_KEY)}
    world.pods_follow = False
    await world.settle()

    places = set(world.cluster.server.places())
    assert {(DEPLOYMENTS, PRIMARY_KEY), *names} <= places
    assert (VIRTUAL_SERVICES, KEY) not in places

    world.pods_follow = True
    await world.run_until_phase(Phase.INITIALIZED)
    assert (VIRTUAL_SERVICES, KEY) in world.cluster.server.places()
