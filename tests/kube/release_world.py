"""A namespace on the API server that KUBECONFIG names, and the whole controller at work in it.

Everything is real but the pods, which are a status that somebody writes, and the metrics, which are always good.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rollouts import app, outside
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import Outcome, Value
from rollouts.errors import KubeError, NotFound
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.reflector import Pace
from rollouts.kube.requests import Request
from rollouts.kube.transport import Transport
from rollouts.ports import Create, PatchStatus
from rollouts.settings import Settings
from tests.kube.waiting import until

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
EVENTS = Resource("", "v1", "events", "Event")
KINDS = (CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES)


class GoodMetrics:
    """Implements `ports.MetricSource`: no errors. Whether anybody still asks a workload is for the test to say."""

    def __init__(self) -> None:
        self.requests_per_s = 0.0

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - always the same
        """As the port says."""
        return Value(self.requests_per_s if query.startswith("sum(irate(") else 100.0)


@dataclass(slots=True)
class RealWorld:
    """What a test does and looks at there."""

    transport: Transport
    cluster: KubeCluster
    namespace: str
    metrics: GoodMetrics = field(default_factory=GoodMetrics)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _life: asyncio.Task[None] | None = None

    def key(self, name: str = "app") -> ObjectKey:
        """Of an object there."""
        return ObjectKey(self.namespace, name)

    def there(self, manifest: Manifest) -> Manifest:
        """The same, in this namespace."""
        return {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}

    async def create(self, *objects: tuple[Resource, Manifest]) -> None:
        """What a user applies."""
        for resource, manifest in objects:
            await self.cluster.write(Create(resource, self.there(manifest)))

    @property
    def status(self) -> CanaryStatus:
        """The Canary's, as it is known here."""
        return CanaryStatus.model_validate((self.cluster.read(CANARIES, self.key()) or {}).get("status") or {})

    def left(self) -> set[str]:
        """Kind and name of all that there is."""
        return {
            f"{resource.kind} {one['metadata']['name']}"
            for resource in KINDS for one in self.cluster.list_all(resource, self.namespace)
        }  # fmt: skip

    async def is_there(self) -> bool:
        """Whether the namespace has not ended."""
        with suppress(NotFound):
            await self._get(NAMESPACES.path(name=self.namespace))
            return True
        return False

    async def reasons(self) -> list[str]:
        """Of all Events of the Canary."""
        listed = await self._get(EVENTS.path(namespace=self.namespace))
        return [str(event["reason"]) for event in listed["items"]]

    async def _get(self, path: str) -> Manifest:
        return (await self.transport.send(Request("GET", path, (), (), None, "get", path))).manifest()

    async def delete_namespace(self) -> None:
        """By its user."""
        path = NAMESPACES.path(name=self.namespace)
        with suppress(NotFound):
            await self.transport.send(Request("DELETE", path, (), (), None, "delete", "namespaces"))

    def start(self, **settings: Any) -> None:
        """The controller is there, with the rights of the role that is shipped, and further settings."""
        self._stop = asyncio.Event()
        kubeconfig = Path(os.environ["KUBECONFIG_CONTROLLER"])
        told = Settings(kubeconfig=kubeconfig, listen="127.0.0.1:0", **settings)
        self._life = asyncio.create_task(app.run(told, self._stop, self._open_metrics))

    async def stop(self) -> None:
        """The controller is gone."""
        self._stop.set()
        if self._life is not None:
            await self._life
        self._life = None

    @asynccontextmanager
    async def _open_metrics(self, _settings: Settings, _reporter: object) -> AsyncIterator[outside.Metrics]:
        yield outside.Metrics(self.metrics)

    async def play_pods(self) -> None:
        """For ever: each Deployment has the pods that it wants."""
        while True:
            for one in self.cluster.list_all(DEPLOYMENTS, self.namespace):
                counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
                status = dict.fromkeys(counts, one["spec"]["replicas"])
                status |= {"observedGeneration": one["metadata"]["generation"]}
                known = one.get("status") or {}
                if any(known.get(name, 0) != value for name, value in status.items()):
                    with suppress(KubeError):  # somebody was quicker
                        version = one["metadata"]["resourceVersion"]
                        await self.cluster.write(PatchStatus(DEPLOYMENTS, ObjectKey.of(one), version, status))
            await asyncio.sleep(0.05)


@asynccontextmanager
async def real_world() -> AsyncIterator[RealWorld]:
    """A fresh namespace, with pods and without a controller; all of it ends with the block."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`, which starts an API server of its own")
    transport = Transport(await open_client(kubeconfig=Path(path)), monotonic=time.monotonic)
    stores = stores_for(KINDS, on_change=lambda _resource, _key: None)
    pace = Pace(first_delay_s=0.05, lasting_delay_s=0.2, cap_s=0.5)
    cluster = KubeCluster(
        transport, stores, clock=await read_clock(transport, time.monotonic), random=Random(1), pace=pace
    )
    for resource in (VIRTUAL_SERVICES, DESTINATION_RULES):
        await define(cluster, resource)
    made = await cluster.write(Create(NAMESPACES, {"metadata": {"generateName": "deletion-"}}))
    world = RealWorld(transport, cluster, made["metadata"]["name"])
    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(cluster.run())
            await cluster.wait_synced()
            await until(lambda: not any(cluster.trouble(kind) for kind in KINDS), within_s=30)
            pods = tasks.create_task(world.play_pods())
            try:
                yield world
            finally:
                await world.delete_namespace()
                await world.stop()
                pods.cancel()
                running.cancel()
    finally:
        await transport.close()


async def define(cluster: KubeCluster, resource: Resource) -> None:
    """Istio's kind, of any shape, where Istio is not installed."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": resource.plural, "kind": resource.kind}
    spec = {"group": resource.group, "scope": "Namespaced", "names": names, "versions": [version]}
    with suppress(KubeError):  # it is
        manifest = {
            "apiVersion": DEFINITIONS.api_version, "kind": DEFINITIONS.kind,
            "metadata": {"name": str(resource)}, "spec": spec,
        }  # fmt: skip
        await cluster.write(Create(DEFINITIONS, manifest))
