"""Many Canaries of one kind, and the people who apply and release them: 5 steps of 10 %, interval 10 s, two metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rollouts.api.resources import CANARIES, DEPLOYMENTS, Manifest, ObjectKey
from rollouts.demo.user import User
from rollouts.embedded.kinds import NAMESPACES
from rollouts.testing.memory_server import MemoryServer

INTERVAL_S, STEPS = 10, 5
EACH_TENTH = 10
METRICS = (("request-success-rate", {"min": 99}), ("request-duration", {"max": 500}))


class Fleet:
    """All of it. Twenty share a namespace."""

    def __init__(self, server: MemoryServer, size: int) -> None:
        self.keys = tuple(ObjectKey(f"shop{number // 20}", f"app{number}") for number in range(size))
        self._server = server

    async def apply(self, user: User, keys: Iterable[ObjectKey] = ()) -> None:
        """Everything of these, or of all, as a pipeline would."""
        wanted = tuple(keys) or self.keys
        for namespace in sorted({key.namespace for key in wanted}):
            self._server.put(NAMESPACES, {"metadata": {"name": namespace}})
        for key in wanted:
            await user.apply(DEPLOYMENTS, _deployment(key))
            await user.apply(CANARIES, _canary(key))

    async def release(self, user: User, version: int, keys: Iterable[ObjectKey] = (), *, bad: bool = False) -> None:
        """Another version of these, or of all; half of a bad one's answers are failures."""
        for key in tuple(keys) or self.keys:
            rate = "0.5" if bad else "0"
            await user.release(key, f"app:{version}", {"VERSION": str(version), "ERROR_RATE": rate})

    @property
    def tenth(self) -> tuple[ObjectKey, ...]:
        """Each tenth."""
        return self.keys[::EACH_TENTH]

    def canary(self, key: ObjectKey) -> Manifest:
        """As the server has it."""
        return self._server.stored(CANARIES, key) or {}

    def phase(self, key: ObjectKey) -> str:
        """Of one; empty before it has any."""
        return str((self.canary(key).get("status") or {}).get("phase", ""))

    def phases(self, keys: Iterable[ObjectKey] = ()) -> Counter[str]:
        """How many of these, or of all, are in each."""
        return Counter(self.phase(key) for key in tuple(keys) or self.keys)


def _deployment(key: ObjectKey) -> Manifest:
    labels = {"app": key.name}
    env = [{"name": "VERSION", "value": "1"}, {"name": "ERROR_RATE", "value": "0"}]
    container = {"name": "app", "image": "app:1", "ports": [{"containerPort": 8080, "protocol": "TCP"}], "env": env}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind,
        "metadata": {"name": key.name, "namespace": key.namespace, "labels": labels},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }  # fmt: skip


def _canary(key: ObjectKey) -> Manifest:
    metrics = [{"name": name, "interval": "30s", "thresholdRange": limits} for name, limits in METRICS]
    analysis = {
        "interval": f"{INTERVAL_S}s", "threshold": 1, "stepWeight": 10, "maxWeight": 10 * STEPS, "metrics": metrics,
    }  # fmt: skip
    return {
        "apiVersion": CANARIES.api_version, "kind": CANARIES.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {
            "targetRef": {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "name": key.name},
            "service": {"port": 80, "targetPort": 8080}, "analysis": analysis,
        },
    }  # fmt: skip
