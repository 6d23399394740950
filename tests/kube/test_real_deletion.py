"""A Canary is deleted on a real API server, with its collector and its namespace controller: each way, each end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from rollouts.api.ownership import ON_TARGET_GONE_ANNOTATION, RESTORE_FINALIZER
from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import Phase
from rollouts.ports import Delete, PatchJson, Propagation
from tests.engine.swap_world import V1 as STABLE
from tests.engine.swap_world import V2, others, routes, service, swap_canary, version
from tests.engine.world import canary_manifest, deployment_manifest
from tests.kube.release_world import RealWorld, real_world
from tests.kube.waiting import until

pytestmark = [pytest.mark.kube, pytest.mark.timeout(180)]

WITHIN_S = 60.0
EACH_WAY = pytest.mark.parametrize("how", Propagation, ids=str)


@pytest.fixture
async def world() -> AsyncIterator[RealWorld]:
    """A namespace of its own, with a controller."""
    async with real_world() as made:
        made.start()
        yield made


async def at_rest(world: RealWorld, canary: Manifest | None = None) -> dict[str, str]:
    """A user's Deployment and Service with a Canary; what the user's two were before."""
    await world.create((DEPLOYMENTS, deployment_manifest()), (SERVICES, service()))
    before = {kind.kind: canonical(world.cluster.read(kind, world.key())) for kind in (DEPLOYMENTS, SERVICES)}
    await world.create((CANARIES, canary or canary_manifest(interval="2s")))
    await until(lambda: world.status.phase is Phase.INITIALIZED and world.status.drained, within_s=WITHIN_S)
    return before


async def at_first_weight(world: RealWorld, key: ObjectKey) -> None:
    """Release a version, and let it get its first weight, and requests."""
    world.metrics.requests_per_s = 5.0
    image = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "app:2"}
    await world.cluster.write(PatchJson(DEPLOYMENTS, world.key(key.name), [image]))
    await until(lambda: world.status.observed_weight == 20, within_s=WITHIN_S)


async def delete(world: RealWorld, how: Propagation = Propagation.BACKGROUND) -> None:
    """By its user; nobody asks the primary any more then."""
    world.metrics.requests_per_s = 0.0
    await world.cluster.write(Delete(CANARIES, world.key(), propagation=how))


async def gone(world: RealWorld) -> None:
    """Wait for the Canary's end."""
    await until(lambda: world.cluster.read(CANARIES, world.key()) is None, within_s=WITHIN_S)


def canonical(manifest: Manifest | None) -> str:
    """What a user would compare, in a form of its own: images differ by what was released."""
    assert manifest is not None
    kept = {key: value for key, value in manifest.items() if key != "status"}
    metadata = {k: v for k, v in manifest["metadata"].items() if k not in {"resourceVersion", "generation"}}
    return json.dumps(kept | {"metadata": metadata}, sort_keys=True).replace("app:2", "app:1")


@pytest.mark.parametrize("released", [False, True], ids=["at rest", "at 20 %"])
@EACH_WAY
async def test_the_users_objects_are_left_alone(world: RealWorld, how: Propagation, *, released: bool) -> None:
    """Whatever the collector does meanwhile: only what clients use is left, and the user's is as it was."""
    before = await at_rest(world)
    if released:
        await at_first_weight(world, world.key())
    await delete(world, how)
    await gone(world)

    assert world.left() == {"Deployment app", "Service app", "VirtualService app"}
    after = {kind.kind: canonical(world.cluster.read(kind, world.key())) for kind in (DEPLOYMENTS, SERVICES)}
    assert after == before
    route = world.cluster.read(VIRTUAL_SERVICES, world.key())
    assert route is not None
    assert {item["destination"]["host"] for rule in route["spec"]["http"] for item in rule["route"]} == {"app"}
    assert "Released" in await world.reasons()


@EACH_WAY
async def test_routes_of_the_user_lose_our_marks(world: RealWorld, how: Propagation) -> None:
    """Two workloads of the user, in mid-run: all to the side that serves, and nothing of ours is left."""
    around = [(DEPLOYMENTS, version(STABLE, "app:1")), *others(routes(v1=90, v2=10))]
    await world.create(*around)
    before = world.left()
    analysis = canary_manifest(stepWeights=[20, 100], interval="2s")["spec"]["analysis"]
    await world.create((CANARIES, swap_canary(analysis=analysis)))
    await until(lambda: world.status.phase is Phase.INITIALIZED and world.status.drained, within_s=WITHIN_S)
    await at_first_weight(world, V2)
    await delete(world, how)
    await gone(world)

    assert world.left() == before
    route = world.cluster.read(VIRTUAL_SERVICES, world.key())
    assert route is not None
    assert route["metadata"]["annotations"] == {"team": "shop"}
    assert [item.get("weight", 0) for item in route["spec"]["http"][1]["route"]] == [100, 0]


@pytest.mark.parametrize("dead", [False, True], ids=["live controller", "one that comes back"])
@pytest.mark.parametrize("released", [False, True], ids=["at rest", "at 20 %"])
async def test_a_namespace_ends(world: RealWorld, *, released: bool, dead: bool) -> None:
    """Nothing can be made in it any more, and its content goes in any order: it does not hang on us."""
    await at_rest(world)
    if released:
        await at_first_weight(world, world.key())
    world.metrics.requests_per_s = 0.0
    if dead:
        await world.stop()
    await world.delete_namespace()
    if dead:
        await until(lambda: world.left() == {"Canary app"}, within_s=WITHIN_S)
        held = world.cluster.read(CANARIES, world.key())
        assert held is not None
        assert held["metadata"]["finalizers"] == [RESTORE_FINALIZER]
        world.start()
    await gone(world)
    await ended(world)


async def ended(world: RealWorld) -> None:
    """Wait for the namespace's end."""
    for _ in range(600):
        if not await world.is_there():
            return
        await asyncio.sleep(0.1)  # a namespace is not watched here
    raise AssertionError(f"the namespace hangs, with {world.left()}")


@pytest.mark.parametrize("how", [Propagation.BACKGROUND, Propagation.FOREGROUND], ids=str)
async def test_a_target_that_is_deleted_first_leaves_the_primary(world: RealWorld, how: Propagation) -> None:
    """The Canary goes at once, what serves serves, and an Event says it."""
    await at_rest(world)
    await world.cluster.write(Delete(DEPLOYMENTS, world.key(), propagation=how))
    await delete(world, how)
    await gone(world)

    assert {"Deployment app-primary", "Service app", "Service app-primary", "VirtualService app"} <= world.left()
    assert "GivenUp" in await world.reasons()


async def test_where_the_user_says_so_nothing_outlives_the_target(world: RealWorld) -> None:
    """As a chart is uninstalled: Deployment, Service, Canary. Only the VirtualService is left, for others' sake."""
    canary = canary_manifest()
    canary["metadata"]["annotations"] = {ON_TARGET_GONE_ANNOTATION: "remove"}
    await at_rest(world, canary)
    await world.cluster.write(Delete(DEPLOYMENTS, world.key()))
    await world.cluster.write(Delete(SERVICES, world.key()))
    await delete(world)
    await gone(world)

    assert world.left() == {"VirtualService app"}
    assert "Released" in await world.reasons()
