"""What the Reconciler does when the API server will not have a write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Resource
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from rollouts.errors import Conflict, Forbidden, NotFound, Unavailable
from rollouts.ports import Apply, Create, PatchJson, PatchStatus, Write
from tests.engine.leaving import take_away
from tests.engine.world import CANARY_KEY, KEY, SUCCESS_RATE, World


def refuse(world: World, *resources: Resource) -> Callable[[], None]:
    """From now on we may not write these kinds; call the result to grant it again."""

    def before(write: Write) -> None:
        if write.resource in resources and not isinstance(write, PatchStatus):
            text = f"patch {write.resource}: not allowed"
            raise Forbidden(text, verb="patch", resource=str(write.resource), status=403)

    def nothing(_write: Write) -> None:
        """Everything is allowed."""

    def allow() -> None:
        world.cluster.before = nothing

    world.cluster.before = before
    return allow


async def at_first_weight() -> World:
    """A world in which a release has 20 % of the traffic and waits."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    return world


async def test_a_stale_status_write_stops_everything() -> None:
    """Somebody changed the Canary since it was read: nothing else is written, and the next try goes by the new one."""
    world = World()
    await world.initialize()
    world.cluster.lagging = True
    world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"stepWeights": [30]}}})
    world.cluster.lagging = False
    world.release()

    with world.recorded() as writes, pytest.raises(Conflict):
        await world.reconciler.reconcile(KEY)
    assert [type(write) for write in writes] == [PatchStatus]
    assert world.replicas() == 0

    world.cluster.catch_up()
    await world.run_until_phase(Phase.SUCCEEDED)
    assert [weight for _, weight in world.weights] == [30, 0]


async def test_a_refusal_is_told_once_and_tried_again() -> None:
    """Condition and Event name verb and kind; every 30 s another try, without a word; once it is allowed it clears."""
    world = World()
    await world.initialize()
    allow = refuse(world, VIRTUAL_SERVICES)
    world.release()
    await world.run_until(lambda: world.condition(ConditionType.READY).status == "False")
    ready = world.condition(ConditionType.READY)
    assert (ready.reason, ready.message) == ("Forbidden", f"patch {VIRTUAL_SERVICES}: not allowed")
    assert world.events()[-1] == ("Forbidden", ready.message)

    wake_at = await world.settle()
    version = world.get(CANARIES)["metadata"]["resourceVersion"]
    for _ in range(4):
        assert wake_at is not None
        assert (wake_at - world.clock.now()).total_seconds() == 30.0
        world.clock.advance(30.0)
        with world.recorded() as writes:
            wake_at = await world.settle()
        assert [type(write) for write in writes] == [PatchJson]
    assert world.get(CANARIES)["metadata"]["resourceVersion"] == version

    allow()
    await world.settle()
    assert world.condition(ConditionType.READY).status == "True"
    assert world.weight == 20
    await world.run_until_phase(Phase.SUCCEEDED)
    assert [weight for _, weight in world.weights] == [20, 50, 0]
    assert [reason for reason, _ in world.events()].count("Forbidden") == 1


async def test_wake_ups_between_two_tries_say_nothing_new() -> None:
    """Pods come and go while a write is refused: conditions and Events stay as they are."""
    world = World()
    await world.initialize()
    refuse(world, VIRTUAL_SERVICES)
    world.release()
    await world.run_until(lambda: world.condition(ConditionType.READY).status == "False")
    await world.settle()
    before = world.status
    with world.recorded() as writes:
        for _ in range(20):
            world.clock.advance(1.0)
            await world.settle()
    assert [write for write in writes if isinstance(write, (PatchStatus, Create))] == []
    assert world.status == before


async def test_a_process_that_starts_while_a_write_is_refused_says_nothing_new() -> None:
    """The refusal is in the conditions already: neither they nor the Events change with the process."""
    world = World()
    await world.initialize()
    refuse(world, VIRTUAL_SERVICES)
    world.release()
    await world.run_until(lambda: world.condition(ConditionType.READY).status == "False")
    await world.settle()
    told = len(world.events())
    world.restart()
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "Forbidden"
    assert len(world.events()) == told


async def test_a_rollback_takes_the_traffic_away_before_anything_else() -> None:
    """A Service that must be made again and may not: the weight goes to 0 all the same, and first."""
    world = await at_first_weight()
    refuse(world, SERVICES)
    world.cluster.delete(SERVICES, CANARY_KEY)
    world.metrics.set(SUCCESS_RATE, Value(1.0))
    world.clock.advance(10.0)
    with world.recorded() as writes:
        await world.run_until_phase(Phase.FAILED)
    assert world.weight == 0
    to_world = [write for write in writes if isinstance(write, (Apply, PatchJson))]
    failed_at = next(place for place, write in enumerate(writes) if is_failure(write))
    assert isinstance(writes[failed_at + 1], PatchJson)
    assert SERVICES in {write.resource for write in to_world}


async def test_a_broken_webhook_does_not_keep_a_bad_release_alive() -> None:
    """Writes of Services fail again and again for the server's sake: the release is judged and rolled back."""
    world = await at_first_weight()
    world.cluster.delete(SERVICES, CANARY_KEY)
    world.metrics.set(SUCCESS_RATE, Value(1.0))

    def fail(write: Write) -> None:
        if write.resource == SERVICES:
            raise Unavailable("failed calling webhook")

    world.cluster.before = fail
    world.clock.advance(10.0)
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.settle()
    assert (world.status.phase, world.weight) == (Phase.FAILED, 0)
    assert world.events()[-1][0] == "Rollback"


async def test_no_weight_is_added_while_a_repair_is_refused() -> None:
    """The release holds where it is, its checks go on, and it goes on itself when the repair is done."""
    world = await at_first_weight()
    allow = refuse(world, SERVICES)
    world.cluster.delete(SERVICES, CANARY_KEY)
    await world.run_until(lambda: world.clock.elapsed_s > 60.0)
    assert (world.weight, world.status.phase) == (20, Phase.PROGRESSING)
    assert [reason for reason, _ in world.events()].count("Forbidden") == 1
    assert world.condition(ConditionType.READY).reason == "Forbidden"
    allow()
    await world.run_until_phase(Phase.SUCCEEDED)
    world.get(SERVICES, CANARY_KEY)
    assert world.condition(ConditionType.READY).status == "True"


def is_failure(write: Write) -> bool:
    """Whether this writes the phase Failed."""
    return isinstance(write, PatchStatus) and write.status["phase"] == Phase.FAILED


async def test_a_refused_service_does_not_hold_the_scale_down_of_a_failed_canary() -> None:
    """After a rollback the failed canary drains and goes, once what was refused is allowed again."""
    world = await at_first_weight()
    allow = refuse(world, DEPLOYMENTS)
    world.metrics.set(SUCCESS_RATE, Value(1.0))
    await world.run_until_phase(Phase.FAILED)
    await world.run_until(lambda: world.condition(ConditionType.READY).reason == "Forbidden")
    assert (world.weight, world.replicas()) == (0, 3)
    allow()
    await world.run_until_quiet()
    assert (world.weight, world.replicas()) == (0, 0)
    assert world.condition(ConditionType.READY).status == "True"


@pytest.mark.parametrize(
    "error", [Conflict("somebody wrote"), NotFound("it went"), Unavailable("no answer")], ids=["409", "404", "503"]
)
async def test_what_passes_by_itself_is_left_to_the_queue(error: Exception) -> None:
    """A conflict, an object that went or a server that is away: raised, with no word in the conditions."""
    world = await at_first_weight()
    before = world.status
    world.clock.advance(10.0)

    def fail(write: Write) -> None:
        if isinstance(write, PatchJson):
            raise error

    world.cluster.before = fail
    with pytest.raises(type(error)):
        await world.settle()
    assert world.condition(ConditionType.READY) == next(c for c in before.conditions if c.type == ConditionType.READY)
    assert (world.status.desired_weight, world.weight) == (50, 20)


async def test_an_event_that_is_refused_stops_nothing() -> None:
    """Who may not write Events loses Events, and no release."""
    world = World()
    await world.initialize()

    def fail(write: Write) -> None:
        if isinstance(write, Create):
            raise Forbidden("create events: not allowed", verb="create", resource="events", status=403)

    world.cluster.before = fail
    world.release()
    await world.run_until_phase(Phase.SUCCEEDED)
    assert [weight for _, weight in world.weights] == [20, 50, 0]


async def test_a_concurrent_edit_of_the_rules_is_not_overwritten() -> None:
    """Another field of our VirtualService is put back at the version that was read: a newer one is a conflict."""
    world = await at_first_weight()
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"gateways": ["theirs"]}})
    world.cluster.lagging = True
    theirs = [{"name": "theirs", "route": [{"destination": {"host": "x"}}]}]
    rules = [*theirs, *world.get(VIRTUAL_SERVICES)["spec"]["http"]]
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": rules}})

    with pytest.raises(Conflict):
        await world.reconciler.reconcile(KEY)
    world.cluster.catch_up()
    await world.settle()
    spec = world.get(VIRTUAL_SERVICES)["spec"]
    assert (spec["gateways"], spec["http"]) == (["mesh"], rules)


async def test_memory_of_a_refusal_goes_with_the_canary() -> None:
    """A Canary deleted while a write is refused is forgotten; its successor of the same name starts anew."""
    world = await at_first_weight()
    refuse(world, VIRTUAL_SERVICES)
    world.clock.advance(10.0)
    await world.settle()
    assert world.reconciler._memories[KEY].refused
    take_away(world)
    assert await world.reconciler.reconcile(KEY) is None
    assert world.reconciler._memories == {}
