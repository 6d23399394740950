"""Canaries that are deleted: whenever, however, and whatever is gone by then."""

from __future__ import annotations

from random import Random

import pytest

from rollouts.api.ownership import CANARY_LABEL, RESTORE_FINALIZER, UID_LABEL
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.api.status import Phase
from rollouts.core.leaving import GIVE_UP_AFTER
from rollouts.core.measurement import NoData, Unreachable, Value
from rollouts.errors import Forbidden
from rollouts.ports import Apply, Create, Delete, PatchJson, Propagation, Write
from rollouts.testing.garbage import GarbageCollector
from tests.engine.leaving import APEX, ROUTE, delete, is_gone, led_to, run_until_gone, watch_clients
from tests.engine.world import (
    CANARY_KEY,
    KEY,
    NAMESPACE,
    PRIMARY_KEY,
    STABLE_REQUESTS,
    SUCCESS_RATE,
    World,
    canary_manifest,
    deployment_manifest,
    made_keys,
)

REMOVED = [place for place in made_keys() if place not in {(SERVICES, KEY), (VIRTUAL_SERVICES, KEY)}]


async def released(world: World, phase: Phase) -> None:
    """Bring a fresh Canary to that phase."""
    if phase in {Phase.INITIALIZED, Phase.INITIALIZING}:
        await world.run_until(lambda: world.status.phase is phase)
        return
    await world.initialize()
    earlier = world.cluster.before

    def hold_promotion(write: Write) -> None:
        earlier(write)
        world.pods_follow = world.status.phase is not Phase.PROMOTING

    world.cluster.before = hold_promotion if phase is Phase.PROMOTING else earlier
    world.release()
    await world.run_until(lambda: world.status.phase is phase and (phase is not Phase.PROGRESSING or world.weight))
    world.cluster.before = earlier


def assert_given_back(world: World) -> None:
    """Clients are led to the target alone, which has its pods, and nothing is left that was made for the Canary."""
    assert is_gone(world)
    assert [place for place in REMOVED if world.cluster.stored(*place) is not None] == []
    assert led_to(world) == {APEX: {"app"}, ROUTE: {"app"}}
    assert world.replicas() == 3
    for kind in (SERVICES, VIRTUAL_SERVICES, DEPLOYMENTS):
        assert UID_LABEL not in world.get(kind)["metadata"].get("labels", {})
        assert world.get(kind)["metadata"].get("annotations", {}) == {}


@pytest.mark.parametrize(
    "phase",
    [Phase.INITIALIZED, Phase.PROGRESSING, Phase.PROMOTING, Phase.FINALISING, Phase.SUCCEEDED],
    ids=str,
)
@pytest.mark.parametrize("how", Propagation, ids=str)
async def test_the_target_serves_alone_afterwards(phase: Phase, how: Propagation) -> None:
    """In each phase, in each way of deleting: clients always find somebody who serves."""
    world = World()
    garbage = GarbageCollector(world.cluster.server, Random(1))
    await released(world, phase)
    watch_clients(world)

    delete(world, how)
    await run_until_gone(world, garbage.collect)

    assert_given_back(world)
    assert world.image(KEY) == ("app:1" if phase is Phase.INITIALIZED else "app:2")
    assert world.events()[-1][0] == "Released"


async def test_a_failed_release_is_given_back_too() -> None:
    """Its target is scaled down by then: it gets its pods, and serves what its user applied."""
    world = World()
    await world.initialize()
    world.metrics.set(SUCCESS_RATE, Value(10.0))
    world.release()
    await world.run_until_quiet()
    assert (world.status.phase, world.replicas()) == (Phase.FAILED, 0)
    watch_clients(world)

    delete(world)
    await run_until_gone(world)

    assert_given_back(world)
    (told,) = (text for reason, text in world.events() if reason == "HandedBack")
    assert told.endswith("which was not promoted")


async def test_the_finalizer_comes_before_everything_else() -> None:
    """Nothing of ours exists without it, and others' finalizers stay."""
    world = World()
    world.cluster.edit(CANARIES, KEY, {"metadata": {"finalizers": ["tests.rollouts.dev/theirs"]}})

    def held(write: Write) -> None:
        if isinstance(write, Apply):
            assert RESTORE_FINALIZER in world.get(CANARIES)["metadata"]["finalizers"]

    world.cluster.before = held
    await world.initialize()
    assert world.get(CANARIES)["metadata"]["finalizers"] == ["tests.rollouts.dev/theirs", RESTORE_FINALIZER]

    delete(world)
    await world.run_until_quiet()
    assert world.get(CANARIES)["metadata"]["finalizers"] == ["tests.rollouts.dev/theirs"]
    assert world.reconciler._memories == {}


async def test_without_rights_or_metrics_nothing_holds_the_canary() -> None:
    """As long as nothing is made, deleting it is over at once."""
    world = World()
    world.metrics.answers["vector(1)"] = Unreachable("no answer within 5 s")
    await world.settle()
    assert "finalizers" not in world.get(CANARIES)["metadata"]
    delete(world)
    assert is_gone(world)


async def test_the_users_service_and_what_others_put_into_the_routes_come_back_as_they_were() -> None:
    """The Service's selector is the user's again; rules of others stay; requests for ours go to the target."""
    world = World()
    mine: Manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "app", "namespace": NAMESPACE, "labels": {"team": "shop"}},
        "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    before = world.cluster.put(SERVICES, mine)
    await released(world, Phase.PROGRESSING)
    rules = world.get(VIRTUAL_SERVICES)["spec"]["http"]
    other = {"match": [{"uri": {"prefix": "/old"}}], "route": [{"destination": {"host": "old"}}]}
    rules = [other, *({**rule, "timeout": "2s"} for rule in rules)]
    world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": rules}})

    delete(world)
    await run_until_gone(world)

    found = world.get(SERVICES)
    volatile = {"resourceVersion": "", "uid": ""}
    assert found | {"metadata": found["metadata"] | volatile} == before | {"metadata": before["metadata"] | volatile}
    first, ours = world.get(VIRTUAL_SERVICES)["spec"]["http"]
    destination = {"host": "app", "port": {"number": 80}}
    assert (first, ours["timeout"], ours["route"]) == (other, "2s", [{"destination": destination}])


@pytest.mark.parametrize("kept", ['{"track":"old"}', "{", '["app"]', "{}"])
async def test_a_selector_that_would_find_no_pod_of_the_target_does_not_come_back(kept: str) -> None:
    """Clients come before the letter: the Service selects the target."""
    world = World()
    await world.initialize()
    world.cluster.edit(SERVICES, KEY, {"metadata": {"annotations": {"rollouts.dev/original-selector": kept}}})

    delete(world)
    await run_until_gone(world)

    assert_given_back(world)


async def test_a_canary_of_the_same_name_takes_the_route_up_again() -> None:
    """Deleted, applied again, and deleted again: each time as the first."""
    world = World()
    await world.initialize()
    delete(world)
    await run_until_gone(world)
    assert world.get(VIRTUAL_SERVICES)["metadata"]["labels"][CANARY_LABEL] == "app"
    watch_clients(world)

    world.cluster.put(CANARIES, canary_manifest())
    await world.initialize()
    assert (world.weight, world.replicas(), led_to(world)[APEX]) == (0, 0, {"app-primary"})
    delete(world)
    await run_until_gone(world)

    assert_given_back(world)


async def test_pods_that_do_not_start_leave_everything_as_it_is() -> None:
    """The primary serves on with everything that leads to it, and an Event says so."""
    world = World()
    await world.initialize()
    world.pods_follow = False

    delete(world)
    await run_until_gone(world)

    assert world.clock.elapsed_s == pytest.approx(GIVE_UP_AFTER.total_seconds(), abs=60.0)
    assert led_to(world) == {APEX: {"app-primary"}, ROUTE: {"app-primary"}}
    assert world.replicas(PRIMARY_KEY) == 3
    reason, message = world.events()[-1]
    assert reason == "GivenUp"
    assert "traffic is left to Deployment app-primary" in message


async def test_a_target_that_is_gone_leaves_the_primary() -> None:
    """Nothing can be handed back: the split ends, the primary serves, and the Canary is let go at once."""
    world = World()
    await released(world, Phase.PROGRESSING)
    world.pods_follow = False
    delete(world)
    world.cluster.delete(DEPLOYMENTS, KEY)
    await run_until_gone(world)

    assert led_to(world) == {APEX: {"app-primary"}, ROUTE: {"app-primary"}}
    assert world.events()[-1][0] == "GivenUp"


async def test_a_namespace_that_goes_takes_everything_along() -> None:
    """Everything vanishes in any order, nothing can be created: the Canary is let go, and nothing is made again."""
    for first in range(len(made_keys())):
        world = World()
        await released(world, Phase.PROGRESSING)

        def refuse(write: Write, world: World = world) -> None:
            made_anew = isinstance(write, Apply) and world.cluster.stored(write.resource, _key(write)) is None
            if isinstance(write, Create) or made_anew:
                raise Forbidden("the namespace is being terminated", status=403)

        delete(world)
        places = [*made_keys(), (DEPLOYMENTS, KEY)]
        for place in places[first:]:
            world.cluster.delete(*place)
        with world.recorded() as writes:
            world.cluster.before = refuse
            await world.settle()
            for place in places[:first]:
                if world.cluster.stored(*place) is not None:
                    world.cluster.delete(*place)
            await run_until_gone(world)
        assert not [write for write in writes if isinstance(write, Apply)]


async def test_a_right_that_is_missing_is_told_and_does_not_hold_it_for_ever() -> None:
    """What can't be deleted stays; clients are led to the target by then."""
    world = World()
    await world.initialize()

    def refuse(write: Write) -> None:
        if isinstance(write, Delete):
            raise Forbidden("delete services: not allowed", status=403)

    world.cluster.before = refuse
    delete(world)
    await world.run_until(lambda: "not allowed" in str(world.status.conditions))
    await run_until_gone(world)

    assert led_to(world) == {APEX: {"app"}, ROUTE: {"app"}}
    assert world.replicas(PRIMARY_KEY) == 3
    assert world.events()[-1][0] == "GivenUp"


async def test_silence_is_measured_before_the_primary_goes() -> None:
    """As long as it has requests it stays, half a minute at most."""
    world = World()
    await world.initialize()
    world.metrics.set(STABLE_REQUESTS, Value(5.0))
    delete(world)
    await world.run_until(lambda: led_to(world)[ROUTE] == {"app"})
    began_s = world.clock.elapsed_s
    await world.run_until(lambda: world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None)
    busy_s = world.clock.elapsed_s - began_s
    assert busy_s == pytest.approx(30.0)


async def test_requests_that_nobody_counts_cost_half_a_minute() -> None:
    """No data is no silence."""
    world = World()
    await world.initialize()
    world.metrics.set(STABLE_REQUESTS, NoData())
    delete(world)
    began_s = world.clock.elapsed_s
    await run_until_gone(world)
    assert world.clock.elapsed_s - began_s == pytest.approx(30.0)


async def test_a_spec_that_nobody_can_read_holds_the_canary_for_five_minutes() -> None:
    """What was made can't be known; a spec that is mended in time is."""
    bad, good = {"analysis": {"stepWeights": [50, 20]}}, {"analysis": {"stepWeights": [20, 50]}}
    mended, never = World(), World()
    for world in (mended, never):
        await released(world, Phase.PROGRESSING)
        world.cluster.edit(CANARIES, KEY, {"spec": bad})
        delete(world)
        await world.settle()
        assert not is_gone(world)
    mended.cluster.edit(CANARIES, KEY, {"spec": good})
    await run_until_gone(mended)
    assert_given_back(mended)
    began_s = never.clock.elapsed_s
    await run_until_gone(never)
    assert never.clock.elapsed_s - began_s == pytest.approx(GIVE_UP_AFTER.total_seconds(), abs=1.0)
    assert never.events()[-1][0] == "GivenUp"


async def test_another_canarys_objects_are_not_touched() -> None:
    """The younger of two on one target is deleted while it holds nothing of its own."""
    world = World()
    world.clock.advance(5.0)
    await world.initialize()
    younger = ObjectKey(NAMESPACE, "younger")
    manifest = canary_manifest("younger")
    manifest["metadata"]["finalizers"] = [RESTORE_FINALIZER]
    world.clock.advance(5.0)
    world.cluster.put(CANARIES, manifest)
    world.cluster.delete(CANARIES, younger)
    with world.recorded() as writes:
        await world.reconciler.reconcile(younger)
    assert world.cluster.stored(CANARIES, younger) is None
    assert {write.resource for write in writes if isinstance(write, PatchJson | Delete | Apply)} == {CANARIES}
    assert led_to(world) == {APEX: {"app-primary"}, ROUTE: {"app-primary"}}


async def test_what_was_deleted_by_hand_is_skipped() -> None:
    """Whichever of ours is gone already, the rest is given back."""
    for place in REMOVED:
        world = World()
        await world.initialize()
        delete(world)
        world.cluster.delete(*place)
        await run_until_gone(world)
        assert_given_back(world)


async def test_an_object_of_the_same_name_that_is_not_ours_stays() -> None:
    """Deletions name the uid that was looked at."""
    world = World()
    await world.initialize()
    with world.recorded() as writes:
        delete(world)
        await run_until_gone(world)
    deleted = [write for write in writes if isinstance(write, Delete)]
    assert [(write.resource, write.key) for write in deleted] == [
        (DESTINATION_RULES, PRIMARY_KEY), (DESTINATION_RULES, CANARY_KEY), (SERVICES, PRIMARY_KEY),
        (SERVICES, CANARY_KEY), (DEPLOYMENTS, PRIMARY_KEY),
    ]  # fmt: skip
    assert all(write.uid for write in deleted)


async def test_a_primary_that_lost_its_pods_waits_for_nothing() -> None:
    """The target is the one side that serves: it has everything in the first step."""
    world = World()
    await released(world, Phase.PROGRESSING)
    world.pods_follow = False
    zero = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 0)
    generation = world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["generation"]
    world.cluster.set_status(DEPLOYMENTS, PRIMARY_KEY, {"observedGeneration": generation, **zero})
    delete(world)
    await world.settle()
    assert led_to(world) == {APEX: {"app"}, ROUTE: {"app"}}


async def test_a_target_that_is_bigger_by_now_is_left_so() -> None:
    """Somebody, or an autoscaler, has made the primary bigger: the target gets as many."""
    world = World(deployment=deployment_manifest(replicas=2))
    await world.initialize()
    world.cluster.edit(DEPLOYMENTS, PRIMARY_KEY, {"spec": {"replicas": 5}})
    delete(world)
    await run_until_gone(world)
    assert world.replicas() == 5


def _key(write: Apply) -> ObjectKey:
    return ObjectKey.of(write.manifest)
