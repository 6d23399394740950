"""Pods that do not become ready: what keeps them is found out, and said in the status and in the rollback's message."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import DEPLOYMENTS, PODS, VIRTUAL_SERVICES, Manifest
from rollouts.api.status import ConditionType, Phase
from tests.engine.swap_world import V2, Swap
from tests.engine.world import KEY, NAMESPACE, PRIMARY_KEY, World, canary_manifest

NO_ROOM = "0/1 nodes are available: 1 Insufficient cpu"
UNPLACED = f"pod app-1 can't be scheduled: {NO_ROOM}: give the cluster room, or let the pod demand less"
QUOTA = 'pods "app-1" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=3, limited: pods=3'
FORBIDS = (
    "ResourceQuota compute in namespace shop forbids more pods of app "
    "(requested: pods=1, used: pods=3, limited: pods=3)"
)


def unplaced(name: str = "app-1", app: str = "app") -> Manifest:
    """A pod for which no node has room."""
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_ROOM}
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {"app": app, "pod-template-hash": "5f"}}
    status = {"phase": "Pending", "conditions": [scheduled]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": status}


def world_of(deadline_s: int = 120) -> World:
    """A Canary whose pods have that long."""
    canary = canary_manifest()
    canary["spec"]["progressDeadlineSeconds"] = deadline_s
    return World(canary=canary)


async def released(world: World, pod: Manifest | None = None) -> None:
    """A release whose pods do not come up."""
    await world.initialize()
    world.pods_follow = False
    if pod is not None:
        world.cluster.put(PODS, pod)
    world.release()


async def test_pods_without_a_node_are_told_while_they_are_waited_for_and_at_the_end() -> None:
    """In the condition that tells of the release, and in the Event of the rollback."""
    world = world_of()
    await released(world, unplaced())
    await world.run_until(lambda: UNPLACED in world.condition(ConditionType.PROMOTED).message)
    assert world.condition(ConditionType.PROMOTED).message == f"waiting for the canary's pods: {UNPLACED}"
    assert world.status.phase is Phase.PROGRESSING

    await world.run_until_phase(Phase.FAILED)
    reason, message = next(event for event in world.events() if event[0] == "Rollback")
    assert f"the canary's pods were not ready within 120 s: {UNPLACED}" in message, reason
    assert UNPLACED in world.condition(ConditionType.PROMOTED).message


async def test_few_requests_are_spent_on_it() -> None:
    """One list after 15 s and one every 30 s, and none in a release whose pods are quick."""
    world = world_of()
    await released(world, unplaced())
    began_s = world.clock.elapsed_s
    await world.run_until_phase(Phase.FAILED)
    assert world.clock.elapsed_s - began_s == pytest.approx(120.0)
    assert world.pods.asked == 4

    quick = World()
    await quick.initialize()
    quick.release()
    await quick.run_until_phase(Phase.SUCCEEDED)
    assert quick.pods.asked == 0


async def test_whoever_may_not_list_pods_is_told_less() -> None:
    """The plain words, and the rollback at its time."""
    world = world_of()
    world.pods.forbidden = True
    await released(world, unplaced())
    await world.run_until_phase(Phase.FAILED)
    message = next(message for reason, message in world.events() if reason == "Rollback")
    assert "the canary's pods were not ready within 120 s; all traffic is on the primary" in message
    assert world.pods.asked > 0


async def test_pods_of_others_explain_nothing() -> None:
    """Only those that the Deployment itself selects are looked at."""
    world = world_of()
    await released(world, unplaced("db-1", "db"))
    world.cluster.put(PODS, unplaced("app-primary-1", "app-primary"))
    await world.run_until_phase(Phase.FAILED)
    assert not any("can't be scheduled" in message for _, message in world.events())


async def test_a_quota_is_told_at_once() -> None:
    """Kubernetes says it on the Deployment: no pod is there to be listed, and none is asked for."""
    world = world_of()
    await released(world)
    await world.settle()
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}
    status = world.get(DEPLOYMENTS)["status"] | {"conditions": [failure]}
    world.cluster.set_status(DEPLOYMENTS, KEY, status)
    await world.settle()
    assert world.condition(ConditionType.PROMOTED).message == (
        f"waiting for the canary's pods: {FORBIDS}: raise it, or let them ask for less"
    )
    await world.run_until_phase(Phase.FAILED)
    assert FORBIDS in next(message for reason, message in world.events() if reason == "Rollback")
    assert world.pods.asked == 0


async def test_a_first_primary_that_gets_no_node_is_told() -> None:
    """Before anything is led to it: the status says what it waits for, for as long as it takes."""
    world = World()
    world.pods_follow = False
    world.cluster.put(PODS, unplaced("app-primary-1", "app-primary"))
    status: dict[str, Any] = {"observedGeneration": 1}
    world.cluster.set_status(DEPLOYMENTS, KEY, status)
    told = UNPLACED.replace("app-1", "app-primary-1")
    await world.run_until(lambda: any(told in one.message for one in world.status.conditions))
    assert world.condition(ConditionType.PROMOTED).message == f"waiting for the primary to be ready: {told}"
    assert world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["name"] == "app-primary"
    assert (VIRTUAL_SERVICES, KEY) not in world.cluster.server.places()
    world.pods_follow = True
    world.grow_pods()
    await world.run_until_phase(Phase.INITIALIZED)
    assert told not in world.condition(ConditionType.PROMOTED).message


async def test_a_crash_forgets_the_answer_and_asks_again() -> None:
    """The next process finds the reason out by itself; until then the status still says it."""
    world = world_of()
    await released(world, unplaced())
    await world.run_until(lambda: UNPLACED in world.condition(ConditionType.PROMOTED).message)
    world.restart()
    world.clock.advance(5.0)
    await world.settle()
    assert UNPLACED in world.condition(ConditionType.PROMOTED).message
    assert world.pods.asked == 2


async def test_of_two_workloads_of_the_user_the_right_one_is_asked() -> None:
    """By the selector of the Deployment that is released."""
    swap = await Swap.initialized()
    swap.world.pods_follow = False
    for name, version in (("app-v2-1", "v2"), ("app-v1-1", "v1")):
        pod = unplaced(name)
        pod["metadata"]["labels"] = {"app": "app", "version": version}
        swap.world.cluster.put(PODS, pod)
    swap.release(V2, "app:2")
    told = UNPLACED.replace("app-1", "app-v2-1")
    await swap.world.run_until(lambda: told in swap.world.condition(ConditionType.PROMOTED).message)
