"""The autoscaler's controllers that have to behave alike: the double in virtual time, and Kubernetes' own in the lab.

Nobody sends requests: the load is nothing. Both scale one Deployment `app`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS, Manifest, ObjectKey
from rollouts.testing.autoscaler import AutoscalerController
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.kube.kubectl import kubectl_json, run_kubectl

INTERVAL_S = 2.0
"""How often both look: the lab's controller-manager is told so."""
WITHIN_S = 45.0
"""The real one has to be told of the pods first."""


class Scaled(Protocol):
    """A Deployment with its autoscaler."""

    async def size(self, replicas: int) -> None:
        """Somebody scales the Deployment."""
        ...

    async def bounds(self, least: int, most: int) -> None:
        """The user changes the autoscaler."""
        ...

    async def look(self) -> tuple[int, str]:
        """The size, and why the autoscaler is at work or not."""
        ...

    async def wait(self, seconds: float) -> None:
        """Time passes."""
        ...


async def until(scaled: Scaled, replicas: int, reason: str) -> None:
    """Wait until it has that size, and the autoscaler says so."""
    waited_s = 0.0
    while (found := await scaled.look()) != (replicas, reason):
        assert waited_s < WITHIN_S, f"{found}, not {(replicas, reason)}"
        await scaled.wait(0.5)
        waited_s += 0.5


Story = Callable[[Scaled], Awaitable[None]]
Teller = Callable[[Story], None]


def deployment(replicas: int) -> Manifest:
    """The one that is scaled."""
    labels = {"app": "autoscaled"}
    container = {"name": "app", "image": "app:1", "resources": {"requests": {"cpu": "1"}}}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "autoscaled", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod},
    }  # fmt: skip


def autoscaler(least: int, most: int) -> Manifest:
    """It goes down at once."""
    cpu = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "autoscaled"},
        "minReplicas": least, "maxReplicas": most, "metrics": [{"type": "Resource", "resource": cpu}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
    }  # fmt: skip
    return {
        "apiVersion": AUTOSCALERS.api_version, "kind": AUTOSCALERS.kind,
        "metadata": {"name": "autoscaled", "namespace": "default"}, "spec": spec,
    }  # fmt: skip


KEY = ObjectKey("default", "autoscaled")


class _Double:
    """In memory, in virtual time."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def size(self, replicas: int) -> None:
        self._server.edit(DEPLOYMENTS, KEY, {"spec": {"replicas": replicas}})

    async def bounds(self, least: int, most: int) -> None:
        self._server.edit(AUTOSCALERS, KEY, {"spec": {"minReplicas": least, "maxReplicas": most}})

    async def look(self) -> tuple[int, str]:
        return _looked(self._server.stored(DEPLOYMENTS, KEY) or {}, self._server.stored(AUTOSCALERS, KEY) or {})

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Real:
    """Of the lab that KUBECONFIG names."""

    async def size(self, replicas: int) -> None:
        _kubectl("scale", "deployment", "autoscaled", f"--replicas={replicas}")

    async def bounds(self, least: int, most: int) -> None:
        patch = json.dumps({"spec": {"minReplicas": least, "maxReplicas": most}})
        _kubectl("patch", "hpa", "autoscaled", "--type=merge", f"--patch={patch}")

    async def look(self) -> tuple[int, str]:
        found = (kubectl_json("get", kind, "autoscaled", "--namespace=default") for kind in ("deployment", "hpa"))
        return _looked(*found)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def double(story: Story) -> None:
    """Tell it in memory."""
    clock = VirtualClock()
    server = MemoryServer(clock.now)
    controller = AutoscalerController(server, lambda _key: 0.0)
    controller.interval_s = INTERVAL_S
    server.put(DEPLOYMENTS, deployment(2))
    server.put(AUTOSCALERS, autoscaler(2, 6))

    async def whole() -> None:
        controller.start()
        await story(_Double(server))
        controller.stop()

    run_virtually(clock, whole())


def real(story: Story) -> None:
    """Tell it in the lab."""

    async def whole() -> None:
        async with _applied():
            await story(_Real())

    asyncio.run(whole())


@asynccontextmanager
async def _applied() -> AsyncIterator[None]:
    for manifest in (deployment(2), autoscaler(2, 6)):
        applied = run_kubectl("apply", "-f", "-", manifest=manifest)
        assert applied.returncode == 0, applied.stderr
    try:
        yield
    finally:
        run_kubectl("delete", "hpa,deployment", "autoscaled", "--namespace=default")


def _looked(found: Manifest, scaler: Manifest) -> tuple[int, str]:
    conditions = (scaler.get("status") or {}).get("conditions") or ()
    reasons = [one["reason"] for one in conditions if one["type"] == "ScalingActive"]
    return found["spec"]["replicas"], reasons[0] if reasons else ""


def _kubectl(*words: str) -> None:
    answer = run_kubectl(*words, "--namespace=default")
    assert answer.returncode == 0, answer.stderr


TELLERS = [pytest.param(double, id="double"), pytest.param(real, id="real", marks=pytest.mark.lab)]
