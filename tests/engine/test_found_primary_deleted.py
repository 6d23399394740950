"""Somebody deletes the primary while a release has part of the traffic, or between releases."""

from __future__ import annotations

from rollouts.api.resources import DEPLOYMENTS
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from tests.engine.world import PRIMARY_KEY, SUCCESS_RATE, World


async def test_the_canary_gets_all_traffic_at_once() -> None:
    """Most requests would else be answered by nobody for as long as pods may take to become ready."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    began_s = world.clock.elapsed_s
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.settle()
    assert (world.weight, world.status.phase, world.clock.elapsed_s) == (100, Phase.FAILED, began_s)
    assert world.events()[-1][1].endswith("the primary is gone; all traffic is on the canary")


async def test_the_next_version_makes_a_primary_again() -> None:
    """And takes the traffic back to it."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.settle()
    world.release("app:3")
    await world.run_until_quiet()
    assert (world.status.phase, world.weight, world.image(PRIMARY_KEY)) == (Phase.SUCCEEDED, 0, "app:3")


async def test_people_are_told_when_it_is_made_again() -> None:
    """Once, and the condition is gone when the primary is back."""
    world = World()
    await world.initialize()
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.run_until_quiet()
    assert [reason for reason, _ in world.events()].count("PrimaryGone") == 1
    assert world.condition(ConditionType.READY).status == "True"


async def test_people_are_told_when_it_can_not_be_made_again() -> None:
    """After a failed release the target has another version: only a person knows the proven one; then it goes on."""
    world = World()
    await world.initialize()
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    world.release()
    await world.run_until_quiet()
    assert world.status.phase is Phase.FAILED
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.run_until_quiet()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "PrimaryGone")
    assert world.status.last_promoted_spec in ready.message
    world.release("app:1")
    await world.run_until_quiet()
    assert (world.condition(ConditionType.READY).status, world.image(PRIMARY_KEY)) == ("True", "app:1")
