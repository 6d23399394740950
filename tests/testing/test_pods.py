"""How the pods of a Deployment end with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from rollouts.api.resources import DEPLOYMENTS
from rollouts.ports import Propagation
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.testing.manifests import key, put_deployment


def run(story: Callable[[MemoryServer, PodsController], Awaitable[None]]) -> None:
    """The story, begun with two pods of `app` that serve."""
    clock = VirtualClock()

    async def whole() -> None:
        server = MemoryServer(clock.now)
        pods, garbage = PodsController(server, Random(1), lambda _template: 1.0), GarbageCollector(server, Random(2))
        pods.start()
        garbage.start()
        put_deployment(server, "app", 2)
        await asyncio.sleep(5.0)
        assert len(pods.ready_images(key("app"))) == 2
        await story(server, pods)

    run_virtually(clock, whole())


@pytest.mark.parametrize("propagation", [Propagation.FOREGROUND, Propagation.BACKGROUND])
def test_pods_of_a_held_deployment_go_first_only_in_the_foreground(propagation: Propagation) -> None:
    """In the background they serve as long as a finalizer holds it, but a new version is rolled out no more."""

    async def story(server: MemoryServer, pods: PodsController) -> None:
        server.edit(DEPLOYMENTS, key("app"), {"metadata": {"finalizers": ["rollouts.dev/hold"]}})
        server.delete(DEPLOYMENTS, key("app"), propagation)
        containers = [{"name": "app", "image": "app:2"}]
        server.edit(DEPLOYMENTS, key("app"), {"spec": {"template": {"spec": {"containers": containers}}}})
        await asyncio.sleep(10.0)
        assert server.stored(DEPLOYMENTS, key("app")) is not None
        left = [] if propagation is Propagation.FOREGROUND else ["app:1"] * 2
        assert pods.ready_images(key("app")) == left

    run(story)


def test_a_deployment_made_again_starts_with_pods_of_its_own() -> None:
    """However quickly: its predecessor's went with that."""

    async def story(server: MemoryServer, pods: PodsController) -> None:
        server.delete(DEPLOYMENTS, key("app"))
        put_deployment(server, "app", 2)
        await asyncio.sleep(0.3)
        assert pods.ready_images(key("app")) == []
        await asyncio.sleep(2.0)
        assert len(pods.ready_images(key("app"))) == 2

    run(story)


def test_a_pod_that_becomes_ready_while_its_deployment_is_looked_at_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look takes time, on a busy machine a good deal: what it just missed is looked at again."""
    clock, asked = VirtualClock(), list[float]()

    def now() -> float:
        at_s = asyncio.get_running_loop().time()
        asked[:] = [*(one for one in asked if one == at_s), at_s]
        return at_s + 0.02 * len(asked)

    monkeypatch.setattr("rollouts.testing.pods._now", now)

    async def whole() -> None:
        server = MemoryServer(clock.now)
        PodsController(server, Random(1), lambda _template: 0.2).start()
        names = [f"app{number}" for number in range(60)]
        for name in names:
            put_deployment(server, name, 2)
        await asyncio.sleep(120.0)
        ready = {name: (server.stored(DEPLOYMENTS, key(name)) or {})["status"]["readyReplicas"] for name in names}
        assert ready == dict.fromkeys(names, 2)

    run_virtually(clock, whole())
