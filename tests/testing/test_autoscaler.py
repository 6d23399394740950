"""The autoscaler in memory: it follows the load within its bounds, in its own time, and stops at nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS
from rollouts.testing.autoscaler import AutoscalerController
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.testing.manifests import NAMESPACE, key, put_deployment


class Scaled:
    """A Deployment `app` of two, its autoscaler from 2 to 8, and the load."""

    def __init__(self, replicas: int = 2, **spec: Any) -> None:
        self.clock = VirtualClock()
        self.server = MemoryServer(self.clock.now)
        self.load = 2.0
        self.controller = AutoscalerController(self.server, lambda _key: self.load)
        put_deployment(self.server, "app", replicas)
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
        whole = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 8} | spec
        self.server.put(AUTOSCALERS, {"metadata": {"name": "app", "namespace": NAMESPACE}, "spec": whole})

    @property
    def replicas(self) -> int:
        """The size of the Deployment."""
        found = self.server.stored(DEPLOYMENTS, key("app"))
        assert found is not None
        return int(found["spec"]["replicas"])

    @property
    def conditions(self) -> dict[str, str]:
        """What the autoscaler says of itself: reasons by type."""
        found = self.server.stored(AUTOSCALERS, key("app"))
        assert found is not None
        return {one["type"]: one["reason"] for one in found["status"]["conditions"]}

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        """The story, with the controller at work."""

        async def whole() -> None:
            self.controller.start()
            await story()
            self.controller.stop()

        run_virtually(self.clock, whole())


def test_it_follows_the_load_within_its_bounds() -> None:
    """Up by no more than to twice the size in a round; down only when the load has been low for five minutes."""
    scaled = Scaled()
    sizes: list[tuple[float, int]] = []

    def heard(change: Change) -> None:
        if change.place[0] == DEPLOYMENTS and change.after is not None:
            sizes.append((scaled.clock.elapsed_s, change.after["spec"]["replicas"]))

    async def story() -> None:
        scaled.server.watchers.append(heard)
        scaled.load = 2.5
        await asyncio.sleep(20.0)
        scaled.load = 50.0
        await asyncio.sleep(90.0)
        scaled.load = 0.0
        await asyncio.sleep(800.0)

    scaled.run(story)
    assert sizes == [(15.0, 3), (30.0, 6), (45.0, 8), (420.0, 2)]
    assert scaled.conditions == {"AbleToScale": "SucceededGetScale", "ScalingActive": "ValidMetricFound"}


@pytest.mark.parametrize(("replicas", "expected"), [(1, 2), (12, 8)], ids=["too-small", "too-big"])
def test_it_brings_what_is_out_of_bounds_back_at_once(replicas: int, expected: int) -> None:
    """Whatever the load is, and whoever scaled it."""
    scaled = Scaled(replicas)

    async def story() -> None:
        scaled.load = 5.0
        await asyncio.sleep(16.0)
        assert scaled.replicas == expected

    scaled.run(story)


def test_it_leaves_nothing_alone() -> None:
    """At 0 it is switched off, and says so; scaled up by somebody, it is at work again."""
    scaled = Scaled(0)

    async def story() -> None:
        scaled.load = 5.0
        await asyncio.sleep(600.0)
        assert scaled.replicas == 0
        assert scaled.conditions["ScalingActive"] == "ScalingDisabled"
        scaled.server.edit(DEPLOYMENTS, key("app"), {"spec": {"replicas": 2}})
        await asyncio.sleep(16.0)
        assert scaled.replicas == 4

    scaled.run(story)


def test_the_time_to_wait_before_going_down_can_be_set() -> None:
    """As a user sets it in the object."""
    scaled = Scaled(6, behavior={"scaleDown": {"stabilizationWindowSeconds": 0}})

    async def story() -> None:
        await asyncio.sleep(31.0)
        assert scaled.replicas == 2

    scaled.run(story)


def test_a_target_that_is_gone_is_told() -> None:
    """And served again once it is back."""
    scaled = Scaled()

    async def story() -> None:
        scaled.server.delete(DEPLOYMENTS, key("app"))
        await asyncio.sleep(16.0)
        assert scaled.conditions == {"AbleToScale": "FailedGetScale"}
        put_deployment(scaled.server, "app", 1)
        await asyncio.sleep(16.0)
        assert scaled.replicas == 2

    scaled.run(story)
