"""What a person asks for by annotation, from the object to the traffic."""

from __future__ import annotations

from rollouts.api.actions import PREFIX
from rollouts.api.resources import CANARIES
from rollouts.api.status import Phase
from rollouts.core.measurement import Value
from tests.engine.world import KEY, PRIMARY_KEY, SUCCESS_RATE, World, canary_manifest


def _ask(world: World, verb: str, text: str) -> None:
    world.cluster.edit(CANARIES, KEY, {"metadata": {"annotations": {PREFIX + verb: text}}})


async def _at_twenty() -> World:
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    return world


async def test_an_abort_takes_the_traffic_back() -> None:
    """Weight 0 in the very next look, the canary scaled down after its drain, and who asked is kept."""
    world = await _at_twenty()

    _ask(world, "abort", '{"id": "1", "user": "ann", "reason": "wrong build"}')
    await world.settle()

    assert (world.status.phase, world.weight) == (Phase.FAILED, 0)
    await world.run_until_quiet()
    assert world.replicas() == 0
    taken = [(one.verb, one.user, one.outcome) for one in world.status.actions]
    assert taken == [("abort", "unverified: ann", "Done")]
    assert world.events()[-1][1].endswith("abort by ann (unverified): wrong build; all traffic is on the primary")


async def test_a_promotion_is_carried_out_once_across_a_restart() -> None:
    """The annotation stays where it is; neither this process nor the next one takes a second step for it."""
    world = await _at_twenty()
    began = len(world.weights)

    _ask(world, "promote", "1")
    await world.settle()
    world.restart()
    await world.settle()

    assert [weight for _, weight in world.weights[began:]] == [50]
    await world.run_until_phase(Phase.SUCCEEDED)
    assert world.image(PRIMARY_KEY) == "app:2"


async def test_a_pause_holds_the_weight_until_it_is_resumed() -> None:
    """Ten intervals at the same step; then it goes on to the end."""
    world = await _at_twenty()

    _ask(world, "pause", "1")
    for _ in range(10):
        world.clock.advance(10.0)
        await world.settle()
    held = world.weight

    _ask(world, "resume", "1")
    await world.run_until_phase(Phase.SUCCEEDED)

    assert held == 20
    assert world.image(PRIMARY_KEY) == "app:2"


async def test_a_failed_revision_is_released_again() -> None:
    """After a retry the same revision is judged anew, and promoted if it holds now."""
    world = World(canary=canary_manifest(threshold=1))
    await world.initialize()
    world.metrics.set(SUCCESS_RATE, Value(0.0))
    world.release()
    await world.run_until_phase(Phase.FAILED)
    await world.run_until_quiet()
    world.metrics.set(SUCCESS_RATE, Value(100.0))

    _ask(world, "retry", "1")
    await world.run_until_phase(Phase.SUCCEEDED)

    assert world.image(PRIMARY_KEY) == "app:2"


async def test_a_suspended_canary_is_not_written() -> None:
    """Drift is not put back and nothing is released; when it is let go, everything goes on."""
    world = await _at_twenty()
    world.cluster.edit(CANARIES, KEY, {"spec": {"suspend": True}})
    await world.settle()

    with world.recorded() as writes:
        world.metrics.set(SUCCESS_RATE, Value(0.0))
        world.release("app:3")
        for _ in range(10):
            world.clock.advance(10.0)
            await world.settle()
    assert writes == []

    world.metrics.set(SUCCESS_RATE, Value(100.0))
    world.cluster.edit(CANARIES, KEY, {"spec": {"suspend": False}})
    await world.run_until_phase(Phase.SUCCEEDED)
    assert world.image(PRIMARY_KEY) == "app:3"
