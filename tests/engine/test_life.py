"""Canaries that are invalid, deleted, or made again."""

from __future__ import annotations

import pytest

from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES
from rollouts.api.status import ConditionType, Phase
from rollouts.ports import Create, PatchStatus
from tests.engine.leaving import take_away
from tests.engine.world import KEY, World, canary_manifest

BAD_SPEC = {"spec": {"analysis": {"stepWeights": [50, 20]}}}


async def test_an_invalid_spec_is_told_and_nothing_is_touched() -> None:
    """Stored past the API server's checks: a condition and one Event say what is wrong, nothing else is written."""
    world = World(canary=canary_manifest(stepWeights=[50, 20]))
    assert await world.settle() is None
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "SpecInvalid")
    assert "spec.analysis: Value error, stepWeights must ascend" in ready.message
    for _ in range(5):
        world.clock.advance(60.0)
        await world.settle()
    assert [type(write) for write in world.cluster.writes] == [PatchStatus, Create]
    assert world.events() == [("SpecInvalid", ready.message)]


@pytest.mark.parametrize(
    "spec", ["text", {}, {"targetRef": "app"}, {"targetRef": {"name": "a" * 60}, "service": {"port": 80}}]
)
async def test_a_spec_of_any_shape_is_told(spec: object) -> None:
    """Whatever stands there is no defect of ours."""
    world = World(canary=canary_manifest() | {"spec": spec})
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "SpecInvalid"


async def test_a_spec_that_becomes_invalid_in_mid_run_leaves_the_traffic() -> None:
    """Nothing moves until it is valid again; then the release goes on."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    world.cluster.edit(CANARIES, KEY, BAD_SPEC)
    with world.recorded() as writes:
        assert await world.settle() is None
        world.clock.advance(300.0)
        await world.settle()
    assert [type(write) for write in writes] == [PatchStatus, Create]
    assert world.status.desired_weight == 20
    world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"stepWeights": [20, 50]}}})
    await world.run_until_phase(Phase.SUCCEEDED)
    assert [weight for _, weight in world.weights] == [20, 50, 0]
    assert world.condition(ConditionType.READY).status == "True"


@pytest.mark.parametrize("how", ["gone", "going"])
async def test_a_canary_without_the_finalizer_is_let_go(how: str) -> None:
    """Nothing more is written, not even by a wake-up that was still due, and nothing of it is remembered."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    if how == "gone":
        take_away(world)
    else:
        world.cluster.edit(CANARIES, KEY, {"metadata": {"finalizers": ["tests.rollouts.dev/hold"]}})
        world.cluster.delete(CANARIES, KEY)
    with world.recorded() as writes:
        world.clock.advance(10.0)
        assert await world.reconciler.reconcile(KEY) is None
    assert (writes, world.reconciler._memories) == ([], {})
    assert world.get(VIRTUAL_SERVICES)["spec"]["http"][0]["route"][1]["weight"] == 20


async def test_a_canary_made_again_takes_up_its_objects() -> None:
    """Taken away in mid-run and applied again: traffic to the primary, then a release of its own."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    take_away(world)
    await world.reconciler.reconcile(KEY)
    world.weights.clear()
    world.cluster.put(CANARIES, canary_manifest())
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    assert [weight for _, weight in world.weights] == [0, 20, 50, 0]


async def test_a_canary_deleted_between_read_and_write_is_no_defect() -> None:
    """The status write finds nobody: that is said to the queue, which asks again and finds nothing to do."""
    world = World()
    await world.initialize()
    world.cluster.lagging = True
    take_away(world)
    world.cluster.lagging = False
    world.release()
    with pytest.raises(Exception, match="does not exist"):
        await world.reconciler.reconcile(KEY)
    world.cluster.catch_up()
    assert await world.reconciler.reconcile(KEY) is None
