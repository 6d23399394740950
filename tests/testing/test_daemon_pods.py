"""How the pods of a DaemonSet come and go in memory, as kube-controller-manager has them do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from rollouts.api.resources import DAEMON_SETS, Manifest
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.testing.manifests import NAMESPACE, key

START_S = 2.0
NODES = ("n1", "n2", "n3")


class Daemons:
    """A DaemonSet `app` on three nodes, watched: how many of its pods serve after each change of its status."""

    def __init__(self, server: MemoryServer, rolling: Manifest) -> None:
        self.server = server
        self.pods = PodsController(server, Random(1), lambda _template: START_S)
        self.pods.nodes = {node: {"kubernetes.io/hostname": node} for node in NODES}
        self.pods.start()
        self.serving: list[int] = []
        server.watchers.append(lambda _change: self.serving.append(len(self.pods.ready_images(key("app")))))
        pod = {"containers": [{"name": "app", "image": "app:1"}]}
        spec = {"template": {"spec": pod}, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
        metadata = {"name": "app", "namespace": NAMESPACE}
        header = {"apiVersion": "apps/v1", "kind": "DaemonSet"}
        server.put(DAEMON_SETS, {**header, "metadata": metadata, "spec": spec})

    def change(self, **pod: Any) -> None:
        """Its user changes the template."""
        self.server.edit(DAEMON_SETS, key("app"), {"spec": {"template": {"spec": pod}}})

    def release(self, image: str) -> None:
        """Another version."""
        self.change(containers=[{"name": "app", "image": image}])

    def counts(self) -> tuple[int, ...]:
        """Desired, current, updated, available."""
        status = (self.server.stored(DAEMON_SETS, key("app")) or {})["status"]
        names = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        return tuple(status[name] for name in names)


def run(story: Callable[[Daemons], Awaitable[None]], rolling: Manifest | None = None) -> None:
    """The story, begun when all its pods serve."""
    clock = VirtualClock()

    async def whole() -> None:
        daemons = Daemons(MemoryServer(clock.now), {"maxUnavailable": 1} if rolling is None else rolling)
        await asyncio.sleep(5.0)
        assert daemons.counts() == (3, 3, 3, 3)
        daemons.serving.clear()
        await story(daemons)

    run_virtually(clock, whole())


@pytest.mark.parametrize(
    ("rolling", "least", "within_s"),
    [
        ({"maxUnavailable": 1}, 2, 10.0), ({"maxUnavailable": "50%"}, 1, 6.0), ({}, 2, 10.0),
        ({"maxSurge": 1, "maxUnavailable": 0}, 3, 10.0), ({"maxSurge": "100%", "maxUnavailable": 0}, 3, 4.0),
    ],
    ids=["one node at a time", "half of the nodes, rounded up", "nothing said", "a surge", "a surge everywhere"],
)  # fmt: skip
def test_a_new_version_comes_node_by_node(rolling: Manifest, least: int, within_s: float) -> None:
    """Never fewer pods serve than the strategy allows; in the end all run the new version."""

    async def story(daemons: Daemons) -> None:
        daemons.release("app:2")
        await asyncio.sleep(within_s)
        assert daemons.pods.ready_images(key("app")) == ["app:2"] * 3
        assert daemons.counts() == (3, 3, 3, 3)
        assert min(daemons.serving) == least

    run(story, rolling)


def test_while_it_rolls_the_older_pod_of_a_node_speaks_for_it() -> None:
    """So that it is not updated as long as an old pod is there."""

    async def story(daemons: Daemons) -> None:
        daemons.release("app:2")
        await asyncio.sleep(1.0)
        assert daemons.counts() == (3, 3, 0, 3)

    run(story, {"maxSurge": 1, "maxUnavailable": 0})


def test_a_node_that_is_not_there_means_none() -> None:
    """All pods go at once, and the status says zero; without that name they come back."""

    async def story(daemons: Daemons) -> None:
        daemons.change(nodeName="elsewhere.example")
        await asyncio.sleep(0.5)
        assert (daemons.counts(), daemons.pods.ready_images(key("app"))) == ((0, 0, 0, 0), [])
        daemons.change(nodeName=None)
        await asyncio.sleep(0.5)
        assert daemons.counts() == (3, 3, 3, 0)
        await asyncio.sleep(3.0)
        assert daemons.counts() == (3, 3, 3, 3)

    run(story)


def test_pods_are_on_the_nodes_that_the_selector_names() -> None:
    """And leave the others."""

    async def story(daemons: Daemons) -> None:
        daemons.change(nodeSelector={"kubernetes.io/hostname": "n2"})
        await asyncio.sleep(4.0)
        assert daemons.counts() == (1, 1, 1, 1)

    run(story)


def test_a_pod_that_died_or_never_starts_is_replaced() -> None:
    """The first by one of its version, the second by the next version, whatever the limits say."""

    async def story(daemons: Daemons) -> None:
        daemons.pods.kill(key("app"), 1)
        await asyncio.sleep(0.5)
        assert daemons.counts() == (3, 3, 3, 2)
        daemons.release("app:2")
        await asyncio.sleep(0.4)
        assert daemons.counts()[2] == 1
        await asyncio.sleep(10.0)
        assert daemons.counts() == (3, 3, 3, 3)

    run(story)
