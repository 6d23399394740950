"""The clusters that have to keep the contract: the one in memory that the engine's tests run against, and a real one.

Both are given the same kinds, a namespace to work in, and somebody else who changes things there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Protocol

import pytest

from rollouts.api.resources import (
    AUTOSCALERS,
    CANARIES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SCALED_OBJECTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.embedded import serving, write_kubeconfig
from rollouts.errors import Conflict, NotFound
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.reflector import Pace
from rollouts.kube.requests import JSON, MERGE_PATCH, Request, get
from rollouts.kube.transport import Transport
from rollouts.ports import Apply, Cluster, Create
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.memory_server import MemoryServer
from tests.adapters.virtual_services import SCHEMA as VIRTUAL_SERVICE_SPEC
from tests.kube.waiting import running, until

ROUTES = Resource("contract.rollouts.test", "v1", "routes", "Route")
"""A custom kind with lists, as Istio's are, for a server on which Istio is not installed."""
KINDS = (
    CANARIES, DEPLOYMENTS, SERVICES, CONFIG_MAPS, ROUTES, AUTOSCALERS, SCALED_OBJECTS, VIRTUAL_SERVICES,
    DESTINATION_RULES,
)  # fmt: skip
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")

_ANYTHING: Manifest = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_TRIGGER = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "name": {"type": "string"}, "metadata": _TEXTS},
}
_REFERENCE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
_SCALED: Manifest = {
    "scaleTargetRef": _REFERENCE,
    **{name: {"type": "integer"} for name in ("minReplicaCount", "maxReplicaCount", "pollingInterval")},
    "triggers": {"type": "array", "items": _TRIGGER},
}
_SCALED_OBJECT: Manifest = {"type": "object", "properties": {"spec": {"type": "object", "properties": _SCALED}}}
"""The part of KEDA's own schema that matters here: its lists are one value, its metadata is text."""
_VIRTUAL_SERVICE: Manifest = {"type": "object", "properties": {"spec": VIRTUAL_SERVICE_SPEC}}
"""Istio's own schema."""

Changes = list[tuple[Resource, ObjectKey]]


class Other(Protocol):
    """Somebody else, who writes past our stores. After each call the stores have heard of it."""

    async def edit(self, resource: Resource, key: ObjectKey, patch: Manifest) -> None:
        """A merge patch."""
        ...

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        """The object is gone."""
        ...

    async def fetch(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """The whole object as the server has it."""
        ...


@dataclass(frozen=True, slots=True)
class Arranged:
    """A cluster to be tested. `changes` grows with each change that it tells."""

    cluster: Cluster
    namespace: str
    other: Other
    changes: Changes


Factory = Callable[[], AbstractAsyncContextManager[Arranged]]


@dataclass(frozen=True, slots=True)
class _MemoryOther:
    cluster: MemoryCluster

    async def edit(self, resource: Resource, key: ObjectKey, patch: Manifest) -> None:
        self.cluster.edit(resource, key, patch)

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        self.cluster.delete(resource, key)

    async def fetch(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        return self.cluster.stored(resource, key)


@asynccontextmanager
async def memory() -> AsyncIterator[Arranged]:
    """The double."""
    cluster, changes = MemoryCluster(lambda: datetime.now(UTC)), Changes()
    cluster.on_change = lambda resource, key: changes.append((resource, key))
    garbage = GarbageCollector(cluster.server, Random(1))
    garbage.latency_max_s = 0.01
    garbage.start()
    yield Arranged(cluster, "contract", _MemoryOther(cluster), changes)
    garbage.stop()


@dataclass(frozen=True, slots=True)
class _KubeOther:
    transport: Transport
    cluster: KubeCluster

    async def edit(self, resource: Resource, key: ObjectKey, patch: Manifest) -> None:
        path = resource.path(namespace=key.namespace, name=key.name)
        headers = (("Accept", JSON), ("Content-Type", MERGE_PATCH))
        request = Request("PATCH", path, (("fieldManager", "user"),), headers, patch, "patch", str(resource))
        version = (await self.transport.send(request)).manifest()["metadata"]["resourceVersion"]
        await until(lambda: self._version(resource, key) == version)

    async def delete(self, resource: Resource, key: ObjectKey) -> None:
        path = resource.path(namespace=key.namespace, name=key.name)
        await self.transport.send(Request("DELETE", path, (), (), None, "delete", str(resource)))
        await until(lambda: self.cluster.read(resource, key) is None)

    async def fetch(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        try:
            return (await self.transport.send(get(resource, key))).manifest()
        except NotFound:
            return None

    def _version(self, resource: Resource, key: ObjectKey) -> str:
        known = self.cluster.read(resource, key)
        return "" if known is None else str(known["metadata"]["resourceVersion"])


@asynccontextmanager
async def embedded() -> AsyncIterator[Arranged]:
    """The double behind HTTP, through the real stores and the real transport."""
    server = MemoryServer(lambda: datetime.now(UTC))
    garbage = GarbageCollector(server, Random(1))
    garbage.latency_max_s = 0.01
    garbage.start()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        async with serving(server) as url:
            write_kubeconfig(path, url)
            async with _at(path) as arranged:
                yield arranged
    garbage.stop()


@asynccontextmanager
async def kube() -> AsyncIterator[Arranged]:
    """The real thing, on the API server that KUBECONFIG names."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    async with _at(Path(path)) as arranged:
        yield arranged


@asynccontextmanager
async def _at(path: Path) -> AsyncIterator[Arranged]:
    async with AsyncExitStack() as stack:
        transport, changes = Transport(await open_client(kubeconfig=path), monotonic=time.monotonic), Changes()
        stack.push_async_callback(transport.close)
        clock = await read_clock(transport, time.monotonic)

        def told(resource: Resource, key: ObjectKey) -> None:
            if key.namespace == namespace:  # what a test before left behind goes away at its own time
                changes.append((resource, key))

        stores = stores_for(KINDS, on_change=told)
        pace = Pace(first_delay_s=0.05, lasting_delay_s=0.2, cap_s=0.5)
        cluster = KubeCluster(transport, stores, clock=clock, random=Random(1), pace=pace)
        await _define(cluster)
        made = await cluster.write(Create(NAMESPACES, {"metadata": {"generateName": "contract-"}}))
        namespace: str = made["metadata"]["name"]
        stack.push_async_callback(_drop, transport, namespace)
        async with running(cluster.run()):
            await cluster.wait_synced()
            await until(lambda: not any(cluster.trouble(kind) for kind in KINDS), within_s=15)
            yield Arranged(cluster, namespace, _KubeOther(transport, cluster), changes)


async def _define(cluster: Cluster) -> None:
    await cluster.write(Apply(DEFINITIONS, _definition(ROUTES, _ANYTHING)))
    await cluster.write(Apply(DEFINITIONS, _definition(SCALED_OBJECTS, _SCALED_OBJECT)))
    for resource, schema in ((VIRTUAL_SERVICES, _VIRTUAL_SERVICE), (DESTINATION_RULES, _ANYTHING)):
        with suppress(Conflict):  # Istio is there with its own
            await cluster.write(Create(DEFINITIONS, _definition(resource, schema)))


async def _drop(transport: Transport, namespace: str) -> None:
    await transport.send(Request("DELETE", NAMESPACES.path(name=namespace), (), (), None, "delete", "namespaces"))


FACTORIES = [
    pytest.param(memory, id="memory"),
    pytest.param(embedded, id="embedded"),
    pytest.param(kube, id="kube", marks=pytest.mark.kube),
]


def _definition(resource: Resource, schema: Manifest) -> Manifest:
    version = {"name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": resource.plural, "kind": resource.kind}
    spec = {"group": resource.group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {"metadata": {"name": str(resource)}, "spec": spec}
