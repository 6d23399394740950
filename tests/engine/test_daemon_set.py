"""A DaemonSet as the target, through the Reconciler: judged by the state of the world, and by who serves meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from rollouts.api.resources import DAEMON_SETS, Manifest
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from rollouts.ports import Propagation
from rollouts.testing.garbage import GarbageCollector
from rollouts.workloads.daemon_set import NOWHERE
from tests.engine.leaving import APEX, ROUTE, delete, is_gone, led_to, run_until_gone, watch_clients
from tests.engine.world import (
    KEY,
    NODES,
    PRIMARY_KEY,
    SUCCESS_RATE,
    World,
    daemon_set_canary,
    daemon_set_manifest,
)


def world_of(**spec: Any) -> World:
    """A DaemonSet and its Canary."""
    return World(canary=daemon_set_canary(), deployment=daemon_set_manifest(**spec))


def pod_of(world: World, primary: bool = False) -> Manifest:  # noqa: FBT001, FBT002
    """The spec of its pods."""
    pod: Manifest = world.get(DAEMON_SETS, PRIMARY_KEY if primary else KEY)["spec"]["template"]["spec"]
    return pod


async def test_between_releases_the_copy_is_on_the_nodes_and_the_target_on_none() -> None:
    """Off is a node that no cluster has, in the target alone; whatever else says where its pods run stays."""
    world = world_of()
    await world.initialize()
    assert (world.replicas(), world.replicas(PRIMARY_KEY)) == (0, NODES)
    assert pod_of(world) == {**daemon_set_manifest()["spec"]["template"]["spec"], "nodeName": NOWHERE}
    assert pod_of(world, primary=True) == daemon_set_manifest()["spec"]["template"]["spec"]
    assert world.get(DAEMON_SETS, PRIMARY_KEY)["spec"]["updateStrategy"]["rollingUpdate"] == {
        "maxSurge": 1, "maxUnavailable": 0,
    }  # fmt: skip


async def test_a_good_release_succeeds_and_a_bad_one_is_rolled_back() -> None:
    """With pods on all nodes while it lasts and on none afterwards; clients are led to nobody else than who serves."""
    world = world_of()
    await world.initialize()
    watch_clients(world)
    world.release("app:2")
    await world.run_until(lambda: world.weight == 20)
    assert (world.replicas(), "nodeName" in pod_of(world)) == (NODES, False)
    await world.run_until_quiet()
    assert (world.status.phase, world.image(PRIMARY_KEY), world.replicas()) == (Phase.SUCCEEDED, "app:2", 0)

    world.release("app:3")
    await world.run_until(lambda: world.weight == 20)
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    await world.run_until_quiet()
    assert (world.status.phase, world.image(PRIMARY_KEY), world.replicas()) == (Phase.FAILED, "app:2", 0)
    assert pod_of(world)["nodeSelector"] == {"disk": "ssd"}


async def test_the_switch_is_no_version() -> None:
    """Going off and on again releases nothing: the revision that was promoted is the user's template."""
    world = world_of()
    await world.initialize()
    promoted = world.status.last_promoted_spec
    world.release("app:2")
    await world.run_until(lambda: world.weight == 20)
    world.release("app:1")
    await world.run_until_quiet()
    assert (world.status.phase, world.status.last_promoted_spec) == (Phase.SUCCEEDED, promoted)
    assert (world.replicas(), world.image(PRIMARY_KEY)) == (0, "app:1")


async def test_a_replaced_object_is_scaled_to_zero_again() -> None:
    """Somebody replaces the whole object by that of the file: its pods come, and go again, and nothing is released."""
    world = world_of()
    await world.initialize()
    events = len(world.events())
    world.cluster.put(DAEMON_SETS, daemon_set_manifest())
    assert world.replicas() == NODES
    await world.run_until_quiet()
    assert (world.replicas(), len(world.events())) == (0, events)
    assert world.status.phase is Phase.INITIALIZED


async def test_pods_that_are_still_going_are_not_taken_for_new_ones() -> None:
    """Deleted just after the target was scaled to zero: it gets its nodes, and the traffic, when the last has gone."""
    world = world_of()
    await world.initialize()
    world.pods_follow = False
    generation = world.get(DAEMON_SETS)["metadata"]["generation"]
    world.cluster.set_status(DAEMON_SETS, KEY, {"observedGeneration": generation, "numberMisscheduled": NODES})
    delete(world)
    await world.settle()
    assert (world.replicas(), led_to(world)) == (0, {APEX: {"app-primary"}, ROUTE: {"app-primary"}})
    world.pods_follow = True
    world.grow_pods()
    watch_clients(world)
    await run_until_gone(world)
    assert (world.replicas(), led_to(world)) == (NODES, {APEX: {"app"}, ROUTE: {"app"}})


@pytest.mark.parametrize("phase", [Phase.INITIALIZED, Phase.PROGRESSING, Phase.SUCCEEDED], ids=str)
@pytest.mark.parametrize("how", Propagation, ids=str)
async def test_a_deleted_canary_gives_the_nodes_back_before_the_traffic(phase: Phase, how: Propagation) -> None:
    """The target is as its user wrote it, and serves alone; at each moment clients find somebody who does."""
    world = world_of()
    garbage = GarbageCollector(world.cluster.server, Random(1))
    await world.initialize()
    if phase is not Phase.INITIALIZED:
        world.release("app:2")
        await world.run_until(lambda: world.status.phase is phase and (phase is Phase.SUCCEEDED or world.weight))
    watch_clients(world)
    delete(world, how)
    await run_until_gone(world, garbage.collect)
    assert is_gone(world)
    assert led_to(world) == {APEX: {"app"}, ROUTE: {"app"}}
    assert world.cluster.stored(DAEMON_SETS, PRIMARY_KEY) is None
    image = "app:1" if phase is Phase.INITIALIZED else "app:2"
    assert pod_of(world) == daemon_set_manifest(image)["spec"]["template"]["spec"]


def _pod(**fields: Any) -> Callable[[Manifest], None]:
    return lambda manifest: manifest["spec"]["template"]["spec"].update(fields)


def _port(**fields: Any) -> Callable[[Manifest], None]:
    return lambda manifest: manifest["spec"]["template"]["spec"]["containers"][0].update(ports=[fields])


def _on_delete(manifest: Manifest) -> None:
    manifest["spec"]["updateStrategy"] = {"type": "OnDelete"}


@pytest.mark.parametrize(
    ("change", "reason", "found", "way_out"),
    [
        pytest.param(_on_delete, "StrategyUnsupported", "updateStrategy OnDelete", "change it to RollingUpdate",
                     id="never rolled"),
        pytest.param(_pod(nodeName="node-7"), "NodeNameTaken", "spec.template.spec.nodeName of",
                     "kubernetes.io/hostname", id="a node by its name"),
        pytest.param(_pod(hostNetwork=True), "HostPortUnsupported", "the network (hostNetwork) of their node",
                     "by the Service", id="the node's network"),
        pytest.param(_port(containerPort=80, hostPort=8080), "HostPortUnsupported", "port 8080 (hostPort)",
                     "by the Service", id="a port of the node"),
        pytest.param(
            _pod(initContainers=[{"name": "s", "restartPolicy": "Always", "ports": [{"hostPort": 81}]}]),
            "HostPortUnsupported", "port 81 (hostPort)", "by the Service", id="a sidecar's port of the node",
        ),
    ],
)  # fmt: skip
async def test_what_could_not_be_released_without_an_outage_is_refused(
    change: Callable[[Manifest], None], reason: str, found: str, way_out: str
) -> None:
    """The DaemonSet is named, and the way out; nothing is touched."""
    manifest = copy.deepcopy(daemon_set_manifest())
    change(manifest)
    world = World(canary=daemon_set_canary(), deployment=manifest)
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", reason)
    assert "DaemonSet shop/app" in ready.message
    assert found in ready.message
    assert way_out in ready.message
    assert world.get(DAEMON_SETS)["spec"] == manifest["spec"]
    assert world.cluster.stored(DAEMON_SETS, PRIMARY_KEY) is None


async def test_an_absent_target_is_named_by_its_kind() -> None:
    """A Deployment of that name is none."""
    world = World(canary=daemon_set_canary())
    await world.settle()
    assert world.condition(ConditionType.READY).message.startswith("DaemonSet shop/app does not exist: create it")


def _fits_no_node(world: World, key: Any) -> None:
    manifest = world.get(DAEMON_SETS, key)
    world.cluster.set_status(DAEMON_SETS, key, {"observedGeneration": manifest["metadata"]["generation"]})


async def test_a_version_that_fits_no_node_is_told_and_rolled_back() -> None:
    """While it waits the condition says what to do about it; then the deadline ends it, and the switch is off."""
    world = world_of()
    await world.initialize()
    world.release("app:2")
    world.pods_follow = False
    _fits_no_node(world, KEY)
    await world.settle()
    assert "nodeName" not in pod_of(world)
    _fits_no_node(world, KEY)
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "NoNodeFits")
    assert "no node fits DaemonSet shop/app, so it has no pod: correct nodeSelector" in ready.message
    await world.run_until_phase(Phase.FAILED)
    world.pods_follow = True
    await world.run_until_quiet()
    assert (world.replicas(), world.image(PRIMARY_KEY)) == (0, "app:1")
    assert world.condition(ConditionType.READY).status == "True"


async def test_a_target_that_fits_no_node_is_not_taken_over() -> None:
    """It would be copied to nowhere."""
    world = world_of()
    world.pods_follow = False
    _fits_no_node(world, KEY)
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "NoNodeFits"
    assert world.cluster.stored(DAEMON_SETS, PRIMARY_KEY) is None
