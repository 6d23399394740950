"""What a DaemonSet's status says while its pods come, go and roll: in memory, and by the real controllers of the lab.

On one node, as the lab has one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Protocol

import pytest

from rollouts.api.resources import DAEMON_SETS, Manifest, ObjectKey
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.kube.kubectl import kubectl_json, run_kubectl

NAMESPACE, NAME = "contract-daemons", "agent"
COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberMisscheduled",
)
NOWHERE = "scaled-to-zero.rollouts.dev"
WITHIN_S, EVERY_S = 40.0, 0.2


class Cluster(Protocol):
    """Where the DaemonSet is."""

    def put(self, manifest: Manifest) -> None:
        """Its user makes or replaces it."""
        ...

    def read(self) -> Manifest:
        """As it is now."""
        ...


class _Memory:
    def __init__(self, now: Callable[[], Any]) -> None:
        self._server = MemoryServer(now)
        self._pods = PodsController(self._server, Random(1), lambda _template: 2.0)
        self._pods.nodes = {"node-1": {}}
        self._pods.start()

    def put(self, manifest: Manifest) -> None:
        self._server.put(DAEMON_SETS, manifest)

    def read(self) -> Manifest:
        return self._server.stored(DAEMON_SETS, ObjectKey(NAMESPACE, NAME)) or {}


class _Real:
    def put(self, manifest: Manifest) -> None:
        done = run_kubectl("apply", "-f", "-", manifest=manifest)
        assert done.returncode == 0, done.stderr

    def read(self) -> Manifest:
        return kubectl_json("get", "daemonset", NAME, "-n", NAMESPACE)


Story = Callable[[Cluster], Awaitable[None]]


def _in_memory(story: Story) -> None:
    clock = VirtualClock()

    async def whole() -> None:
        await story(_Memory(clock.now))

    run_virtually(clock, whole())


def _in_the_lab(story: Story) -> None:
    run_kubectl("create", "namespace", NAMESPACE)
    try:
        asyncio.run(story(_Real()))  # type: ignore[arg-type] # an Awaitable that is a coroutine
    finally:
        run_kubectl("delete", "daemonset", NAME, "-n", NAMESPACE, "--ignore-not-found")


@pytest.fixture(params=[_in_memory, pytest.param(_in_the_lab, marks=pytest.mark.lab)], ids=["memory", "lab"])
def tell(request: pytest.FixtureRequest) -> Callable[[Story], None]:
    """How a story is told in a cluster."""
    told: Callable[[Story], None] = request.param
    return told


def daemon_set(version: str, rolling: Manifest, **pod: Any) -> Manifest:
    """The DaemonSet."""
    labels = {"app": NAME}
    container = {"name": "agent", "image": f"agent:{version}", "env": [{"name": "STARTUP_S", "value": "1"}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], **pod}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": template, "updateStrategy": strategy},
    }  # fmt: skip


async def states(cluster: Cluster, *wanted: int) -> list[tuple[int, ...]]:
    """What the status said of the present spec, each state once, until it said that."""
    began_s, seen = time.monotonic(), list[tuple[int, ...]]()
    for _ in range(int(WITHIN_S / EVERY_S)):
        manifest = cluster.read()
        status = manifest.get("status") or {}
        if status.get("observedGeneration") == manifest["metadata"]["generation"]:
            counts = tuple(status.get(name, 0) for name in COUNTS)
            seen += [counts] if counts not in seen[-1:] else []
            if counts == wanted:
                return seen
        await asyncio.sleep(EVERY_S)
    raise AssertionError(f"not {wanted} after {time.monotonic() - began_s:.0f} s, but {seen}")


@pytest.mark.timeout(180)
def test_a_node_that_is_not_there_means_none(tell: Callable[[Story], None]) -> None:
    """All pods go, which is told as zero of zero; without that name one comes again, and is told before it is ready.

    Not before the last pod has gone: until then it would be called available, though it is ending.
    """

    async def story(cluster: Cluster) -> None:
        cluster.put(daemon_set("1", {"maxUnavailable": 1}))
        assert (1, 1, 1, 0, 0) in await states(cluster, 1, 1, 1, 1, 0)
        cluster.put(daemon_set("1", {"maxUnavailable": 1}, nodeName=NOWHERE))
        await states(cluster, 0, 0, 0, 0, 0)
        cluster.put(daemon_set("1", {"maxUnavailable": 1}))
        assert (1, 1, 1, 0, 0) in await states(cluster, 1, 1, 1, 1, 0)

    tell(story)


@pytest.mark.timeout(180)
def test_a_surge_leaves_no_gap_on_the_one_node(tell: Callable[[Story], None]) -> None:
    """The old pod speaks for the node until it has gone: available all the time, and not updated."""

    async def story(cluster: Cluster) -> None:
        surge = {"maxSurge": 1, "maxUnavailable": 0}
        cluster.put(daemon_set("1", surge))
        await states(cluster, 1, 1, 1, 1, 0)
        cluster.put(daemon_set("2", surge))
        seen = await states(cluster, 1, 1, 1, 1, 0)
        assert {counts[3] for counts in seen} == {1}
        assert (1, 1, 0, 1, 0) in seen

    tell(story)


@pytest.mark.timeout(180)
def test_without_a_surge_there_is_a_gap(tell: Callable[[Story], None]) -> None:
    """Which is why a copy that serves is never rolled so."""

    async def story(cluster: Cluster) -> None:
        cluster.put(daemon_set("1", {"maxUnavailable": 1}))
        await states(cluster, 1, 1, 1, 1, 0)
        cluster.put(daemon_set("2", {"maxUnavailable": 1}))
        assert 0 in {counts[3] for counts in await states(cluster, 1, 1, 1, 1, 0)}

    tell(story)
