"""The kube layer against a real kube-apiserver, the one that KUBECONFIG names: what no server of our own can prove."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rollouts.api.resources import EVENTS, RULES_REVIEWS, Manifest, ObjectKey, Resource
from rollouts.errors import Conflict, Forbidden, NotFound, Rejected
from rollouts.kube.access import open_client
from rollouts.kube.clock import ServerClock
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.reflector import Pace
from rollouts.kube.requests import Request, get
from rollouts.kube.selection import select_whole
from rollouts.kube.store import Store
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, Create, PatchJson, PatchStatus
from tests.kube.waiting import CONFIG_MAPS, running, until

pytestmark = pytest.mark.kube

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
PACE = Pace(watch_s=(1, 1), first_delay_s=0.05, lasting_delay_s=0.2, cap_s=0.5)
MANY = 620


async def connect(*, user: str = "") -> Transport:
    """A transport as the account of KUBECONFIG, or as somebody that it impersonates."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    client = await open_client(kubeconfig=Path(path))
    if user:
        client.set_default_header("Impersonate-User", user)
    return Transport(client, monotonic=time.monotonic)


@pytest.fixture
async def real() -> AsyncIterator[Transport]:
    """A transport with every right."""
    transport = await connect()
    yield transport
    await transport.close()


@pytest.fixture
async def real_clock(real: Transport) -> ServerClock:
    """A clock set by the server."""
    return await read_clock(real, time.monotonic)


@pytest.fixture
async def space(real: Transport) -> AsyncIterator[str]:
    """A namespace of this test's own, deleted afterwards."""
    request = Create(NAMESPACES, {"metadata": {"generateName": "kube-test-"}})
    stores = stores_for([], on_change=lambda _resource, _key: None)
    clock = await read_clock(real, time.monotonic)
    made = await KubeCluster(real, stores, clock=clock, random=Random(1)).write(request)
    name: str = made["metadata"]["name"]
    yield name
    await real.send(Request("DELETE", NAMESPACES.path(name=name), (), (), None, "delete", "namespaces"))


@pytest.fixture
def cluster(real: Transport, real_clock: ServerClock) -> KubeCluster:
    """A cluster that watches ConfigMaps, with watches of one second."""
    return cluster_of(real, real_clock, CONFIG_MAPS)


def cluster_of(transport: Transport, clock: ServerClock, *resources: Resource) -> KubeCluster:
    """A cluster over stores that keep whole objects and tell nobody."""
    stores = {resource: Store(resource) for resource in resources}
    return KubeCluster(transport, stores, clock=clock, random=Random(1), pace=PACE)


def config_map(space: str, name: str, **data: str) -> Manifest:
    """A ConfigMap to apply."""
    return {"metadata": {"namespace": space, "name": name}, "data": data}


async def delete(transport: Transport, resource: Resource, key: ObjectKey) -> None:
    """What only others do: the controller's own port deletes nothing yet."""
    path = resource.path(namespace=key.namespace, name=key.name)
    await transport.send(Request("DELETE", path, (), (), None, "delete", str(resource)))


async def test_apply_creates_and_applies_again(cluster: KubeCluster, space: str) -> None:
    """The first apply creates, the same again changes nothing, a smaller one takes the field away that was ours."""
    first = await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1", y="ü")))
    again = await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1", y="ü")))
    less = await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1")))
    assert first["data"] == {"x": "1", "y": "ü"}
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert less["data"] == {"x": "1"}
    assert cluster.read(CONFIG_MAPS, ObjectKey(space, "a")) == select_whole(less)


async def test_a_stale_status_write_is_a_conflict(real: Transport, cluster: KubeCluster, space: str) -> None:
    """The status subresource takes a merge patch at the version that was read, and refuses it at an older one."""
    key = ObjectKey("", space)
    version = (await real.send(get(NAMESPACES, key))).manifest()["metadata"]["resourceVersion"]
    condition = {"type": "Tested", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    done = await cluster.write(PatchStatus(NAMESPACES, key, version, {"conditions": [condition]}))
    assert done["status"]["conditions"][0]["type"] == "Tested"
    with pytest.raises(Conflict) as caught:
        await cluster.write(PatchStatus(NAMESPACES, key, version, {"conditions": []}))
    assert (caught.value.verb, caught.value.resource) == ("patch", "namespaces/status")


async def test_a_json_patch_changes_what_it_tested(cluster: KubeCluster, space: str) -> None:
    """Test and version hold: the value is replaced."""
    made = await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1")))
    operations = [
        {"op": "test", "path": "/data/x", "value": "1"},
        {"op": "replace", "path": "/data/x", "value": "2"},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]},
    ]
    assert (await cluster.write(PatchJson(CONFIG_MAPS, ObjectKey(space, "a"), operations)))["data"] == {"x": "2"}
    with pytest.raises(Conflict):
        await cluster.write(PatchJson(CONFIG_MAPS, ObjectKey(space, "a"), operations))


@pytest.mark.parametrize(
    ("operations", "kind"),
    [
        ([{"op": "test", "path": "/data/x", "value": "other"}], Conflict),
        ([{"op": "replace", "path": "/data/absent/x", "value": "1"}], Conflict),
        ([{"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}], Conflict),
        ([{"op": "add", "path": "/metadata/labels", "value": {"a b": "c"}}], Rejected),
        ([{"op": "replace", "path": "/data/x", "value": {"no": "string"}}], Rejected),
    ],
    ids=["test-fails", "path-absent", "stale-version", "invalid-result", "wrong-type"],
)
async def test_a_json_patch_that_fails_says_whose_fault_it_is(
    cluster: KubeCluster, space: str, operations: list[Manifest], kind: type[Exception]
) -> None:
    """A world that moved on is a conflict; a patch that can never pass is rejected. Nothing changes either way."""
    made = await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1")))
    with pytest.raises(kind):
        await cluster.write(PatchJson(CONFIG_MAPS, ObjectKey(space, "a"), operations))
    assert cluster.read(CONFIG_MAPS, ObjectKey(space, "a")) == select_whole(made)


async def test_an_absent_object_is_not_found(real: Transport, space: str) -> None:
    """404 of an object."""
    with pytest.raises(NotFound, match="get configmaps: "):
        await real.send(get(CONFIG_MAPS, ObjectKey(space, "nobody")))


async def test_an_event_of_fixed_name_is_written_once(cluster: KubeCluster, space: str) -> None:
    """The second time it exists, and that is success."""
    about = {"kind": "Namespace", "name": space, "namespace": space}
    manifest = {"metadata": {"namespace": space, "name": "rollouts.1"}, "involvedObject": about, "reason": "Tested"}
    first = await cluster.write(Create(EVENTS, manifest))
    assert first["metadata"]["uid"]
    assert await cluster.write(Create(EVENTS, manifest)) == manifest


async def test_a_review_is_answered(cluster: KubeCluster) -> None:
    """A kind that is never stored, and whose objects have no name."""
    answer = await cluster.write(Create(RULES_REVIEWS, {"spec": {"namespace": "default"}}))
    assert answer["status"]["resourceRules"]


async def test_a_list_of_many_pages_is_whole(real: Transport, cluster: KubeCluster, space: str) -> None:
    """More than 500 objects come in two pages, and the store has them all."""
    counted: list[str] = []
    real._on_answer = lambda request, _status, _seconds: counted.append(request.verb)
    gate = asyncio.Semaphore(20)

    async def create(number: int) -> None:
        async with gate:
            await cluster.write(Create(CONFIG_MAPS, config_map(space, f"n{number:04}", x=str(number))))

    async with asyncio.TaskGroup() as tasks:
        for number in range(MANY):
            tasks.create_task(create(number))
    counted.clear()
    fresh = cluster_of(real, await read_clock(real, time.monotonic), CONFIG_MAPS)
    async with running(fresh.run()):
        await fresh.wait_synced()
        assert {found["data"]["x"] for found in fresh.list_all(CONFIG_MAPS, space)} == {str(n) for n in range(MANY)}
    assert counted.count("list") >= 2


async def test_a_watch_sees_what_others_do(real: Transport, cluster: KubeCluster, space: str) -> None:
    """Added, modified, deleted by another client, over several watches of one second each, and never listed again.

    How many pages the first list takes is up to what the server still deletes of other tests' namespaces.
    """
    counted: list[str] = []
    real._on_answer = lambda request, _status, _seconds: counted.append(request.verb)
    key = ObjectKey(space, "a")
    other = cluster_of(real, await read_clock(real, time.monotonic))

    def value() -> Any:
        found = cluster.read(CONFIG_MAPS, key)
        return found["data"]["x"] if found else None

    async with running(cluster.run()):
        await cluster.wait_synced()
        first_list = counted.count("list")
        await other.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1")))
        await until(lambda: value() == "1")
        await until(lambda: counted.count("watch") >= 3)
        await other.write(Apply(CONFIG_MAPS, config_map(space, "a", x="2")))
        await until(lambda: value() == "2")
        await delete(real, CONFIG_MAPS, key)
        await until(lambda: value() is None)
        assert cluster.trouble(CONFIG_MAPS) == ""
    assert counted.count("list") == first_list


async def test_a_missing_right_is_named(space: str, real_clock: ServerClock) -> None:
    """A user without rights: the write's error and the kind's trouble both name verb and resource."""
    rightless = await connect(user="rightless")
    cluster = cluster_of(rightless, real_clock, CONFIG_MAPS)
    with pytest.raises(Forbidden) as caught:
        await cluster.write(Apply(CONFIG_MAPS, config_map(space, "a", x="1")))
    assert (caught.value.verb, caught.value.resource) == ("patch", "configmaps")
    with pytest.raises(Forbidden) as caught:
        await cluster.write(PatchStatus(NAMESPACES, ObjectKey("", space), "1", {}))
    assert (caught.value.verb, caught.value.resource) == ("patch", "namespaces/status")
    async with running(cluster.run()):
        await cluster.wait_synced()
    assert cluster.trouble(CONFIG_MAPS).startswith("the controller's account lacks the right to list configmaps: ")
    await rightless.close()


async def test_a_kind_that_comes_later_is_found(real: Transport, real_clock: ServerClock, space: str) -> None:
    """Absent: the trouble says so. Once its CRD is applied the trouble clears and objects are seen, by itself."""
    group = f"{space}.rollouts.test"
    things = Resource(group, "v1", "things", "Thing")
    cluster = cluster_of(real, real_clock, things)
    async with running(cluster.run()):
        await cluster.wait_synced()
        assert (
            cluster.trouble(things) == f"things.{group} is not served by this cluster: install what defines this kind"
        )
        await cluster.write(Apply(DEFINITIONS, _definition(things)))
        await until(lambda: cluster.trouble(things) == "", within_s=15)
        made = await cluster.write(Apply(things, {"metadata": {"namespace": space, "name": "a"}, "spec": {"x": 1}}))
        assert cluster.read(things, ObjectKey(space, "a")) == select_whole(made)
        await delete(real, DEFINITIONS, ObjectKey("", str(things)))
        await until(lambda: cluster.trouble(things), within_s=15)


async def test_the_clock_is_the_servers(real_clock: ServerClock) -> None:
    """Here server and test share a node, so that the clock must agree with it."""
    assert abs((real_clock.now() - datetime.now(UTC)).total_seconds()) < 1.5


def _definition(resource: Resource) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": resource.plural, "kind": resource.kind}
    spec = {"group": resource.group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": str(resource)}, "spec": spec}
