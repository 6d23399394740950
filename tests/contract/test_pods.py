"""Pods as they are listed when somebody asks: the double in memory and a real API server keep the same contract."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from rollouts.api.resources import PODS, Manifest, Resource
from rollouts.core.label_selector import Selector
from rollouts.errors import Forbidden
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.pods import KubePods
from rollouts.kube.transport import Transport
from rollouts.ports import Create, Pods
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pod_list import MemoryPods
from tests.contract.clusters import NAMESPACES

ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
LIMIT = 50


@dataclass(frozen=True, slots=True)
class Given:
    """A reader, who may read nothing where `forbidden`, the namespace of this test, and a way to make pods there."""

    pods: Pods
    forbidden: Pods
    namespace: str
    make: Callable[[Manifest], Awaitable[object]]


def pod(name: str, namespace: str, **labels: str) -> Manifest:
    """A pod that nobody runs."""
    container = {"name": "app", "image": "app"}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }  # fmt: skip


@asynccontextmanager
async def in_memory() -> AsyncIterator[Given]:
    """The double."""
    server = MemoryServer(lambda: datetime(2026, 1, 1, tzinfo=UTC))
    refused = MemoryPods(server)
    refused.forbidden = True

    async def make(manifest: Manifest) -> None:
        server.put(PODS, manifest)

    yield Given(MemoryPods(server), refused, "shop", make)


@asynccontextmanager
async def on_a_server() -> AsyncIterator[Given]:
    """The API server that KUBECONFIG names."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail("KUBECONFIG is not set: run `make test-kube`")
    transport = Transport(await open_client(kubeconfig=Path(path)), monotonic=time.monotonic)
    nobody_client = await open_client(kubeconfig=Path(path))
    nobody_client.set_default_header("Impersonate-User", "nobody")
    nobody = Transport(nobody_client, monotonic=time.monotonic)
    try:
        clock = await read_clock(transport, time.monotonic)
        stores = stores_for([], on_change=lambda _resource, _key: None)
        cluster = KubeCluster(transport, stores, clock=clock, random=Random(1))
        made = await cluster.write(Create(NAMESPACES, {"metadata": {"generateName": "pods-test-"}}))
        namespace = made["metadata"]["name"]
        # Where no controller makes it, a pod would be refused.
        account = {"metadata": {"name": "tester", "namespace": namespace}}
        await cluster.write(Create(ACCOUNTS, account))

        async def make(manifest: Manifest) -> None:
            manifest["spec"]["serviceAccountName"] = "tester"
            await cluster.write(Create(PODS, manifest))

        yield Given(KubePods(transport), KubePods(nobody), namespace, make)
    finally:
        await transport.close()
        await nobody.close()


@pytest.fixture(
    params=[pytest.param(in_memory, id="memory"), pytest.param(on_a_server, id="kube", marks=pytest.mark.kube)]
)
async def given(request: pytest.FixtureRequest) -> AsyncIterator[Given]:
    """Each reader in turn, with three pods in its namespace."""
    async with request.param() as made:
        await made.make(pod("a", made.namespace, app="web", track="old"))
        await made.make(pod("b", made.namespace, app="web"))
        await made.make(pod("c", made.namespace, app="db"))
        yield made


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ({"matchLabels": {"app": "web"}}, {"a", "b"}),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "track", "operator": "DoesNotExist"}]}, {"b"}),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["db", "web"]}]}, {"a", "b", "c"}),
        ({"matchLabels": {"app": "other"}}, set()),
        ({}, {"a", "b", "c"}),
    ],
    ids=["by a label", "and an expression", "by values", "none", "all"],
)
async def test_those_that_are_selected_are_listed(given: Given, selector: Selector, names: set[str]) -> None:
    """Of that namespace, as they are."""
    found = await given.pods.pods(given.namespace, selector, LIMIT)
    assert {one["metadata"]["name"] for one in found} == names
    assert await given.pods.pods(f"{given.namespace}-2", selector, LIMIT) == []


async def test_no_more_are_listed_than_asked_for(given: Given) -> None:
    """However many there are."""
    assert len(await given.pods.pods(given.namespace, {}, 2)) == 2


async def test_whoever_may_not_is_told_so(given: Given) -> None:
    """By the one error that waiting does not mend."""
    with pytest.raises(Forbidden, match="list pods"):
        await given.forbidden.pods(given.namespace, {}, LIMIT)
