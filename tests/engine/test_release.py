"""A whole release through the Reconciler, judged by the state of the world after it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from rollouts.api.resources import SERVICES, VIRTUAL_SERVICES
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import NoData, Value
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from tests.engine.world import CANARY_KEY, KEY, PRIMARY_KEY, SUCCESS_RATE, World, canary_manifest, made_keys


async def test_a_fresh_canary_comes_to_rest() -> None:
    """Everything that routing needs is made, all traffic goes to the primary, and the target has no pods any more."""
    world = World()
    await world.initialize()
    for resource, key in made_keys():
        world.get(resource, key)
    assert (world.weight, world.replicas(), world.replicas(PRIMARY_KEY)) == (0, 0, 3)
    assert world.get(SERVICES)["spec"]["selector"] == {"app": "app-primary"}
    assert world.get(SERVICES, CANARY_KEY)["spec"]["selector"] == {"app": "app"}
    assert world.condition(ConditionType.READY).status == "True"


async def test_a_good_release_succeeds() -> None:
    """Each weight once and for its whole dwell, then the primary gets the new version, then the traffic, then quiet."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until_quiet()

    assert world.status.phase is Phase.SUCCEEDED
    assert [weight for _, weight in world.weights] == [20, 50, 0]
    times = [at for at, _ in world.weights]
    assert [later - earlier for earlier, later in pairwise(times)] == [10.0, 10.0]
    assert (world.image(PRIMARY_KEY), world.replicas(), world.replicas(PRIMARY_KEY)) == ("app:2", 0, 3)
    assert world.condition(ConditionType.PROMOTED).status == "True"
    reasons = [reason for reason, _ in world.events()]
    assert reasons == ["Initialized", "NewRevision", "Advance", "Advance", "Promoting", "Succeeded"]


async def test_a_bad_release_is_rolled_back() -> None:
    """The judgement that fails takes all traffic away at once; the primary was never touched."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    await world.run_until_phase(Phase.FAILED)

    assert [weight for _, weight in world.weights] == [20, 0]
    assert world.weights[1][0] - world.weights[0][0] == 10.0
    await world.run_until(lambda: world.replicas() == 0)
    assert world.image(PRIMARY_KEY) == "app:1"
    assert world.condition(ConditionType.PROMOTED).status == "False"
    assert "request-success-rate 50.00 % (limit at least 99 %)" in world.condition(ConditionType.PROMOTED).message
    assert world.events()[-1][0] == "Rollback"


async def test_the_status_is_always_written_before_the_world() -> None:
    """Whatever is written to the world, the stored status already asks for it."""
    world = World()
    seen: list[int] = []

    def weight_is_recorded(write: Write) -> None:
        if isinstance(write, PatchJson) and write.resource == VIRTUAL_SERVICES:
            weights = [item["value"] for item in write.operations if item["path"].endswith("/weight")]
            seen.append(world.status.desired_weight)
            assert weights == [100 - seen[-1], seen[-1]]
        elif isinstance(write, Apply) and write.manifest["metadata"]["name"] == "app-primary" and world.weights:
            promoting = write.resource.kind != "Deployment" or world.status.phase is Phase.PROMOTING
            assert promoting

    world.cluster.before = weight_is_recorded
    await world.initialize()
    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    assert seen == [20, 50, 0]


async def test_a_release_costs_few_writes() -> None:
    """Five steps: nine writes of objects, eight Events and sixteen statuses at most."""
    world = World(canary=canary_manifest(stepWeights=[10, 20, 30, 40, 50]))
    await world.initialize()
    with world.recorded() as writes:
        world.release()
        await world.run_until_quiet()
    kinds = Counter(type(write) for write in writes)
    assert (kinds[Apply], kinds[PatchJson], kinds[Create]) == (3, 6, 8)
    assert kinds[PatchStatus] <= 16


async def test_an_idle_canary_writes_nothing() -> None:
    """Ten minutes of wake-ups for nothing: no write, no query, and no wake-up of its own."""
    world = World()
    await world.initialize()
    world.metrics.asked.clear()
    with world.recorded() as writes:
        for _ in range(600):
            world.clock.advance(1.0)
            assert await world.reconciler.reconcile(KEY) is None
    assert (writes, world.metrics.asked) == ([], [])


async def test_a_restarted_process_finds_nothing_to_do() -> None:
    """What is at rest stays at rest for a process that knows nothing but the status."""
    world = World()
    await world.initialize()
    world.restart()
    with world.recorded() as writes:
        assert await world.settle() is None
    assert writes == []


async def test_silence_is_no_pass() -> None:
    """Without a request of the canary nothing advances, and in the end it is rolled back."""
    world = World()
    await world.initialize()
    world.release()
    world.metrics.set(SUCCESS_RATE, NoData())
    await world.run_until_phase(Phase.FAILED)
    assert [weight for _, weight in world.weights] == [20, 0]
    assert world.get(VIRTUAL_SERVICES)["spec"]["http"][0]["route"][1]["weight"] == 0
