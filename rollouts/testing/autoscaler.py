"""The HorizontalPodAutoscaler's controller, in virtual time: it sizes Deployments by a load that a script gives.

No metrics are made: what the pods have to do is a figure, in pods' worth of work. Of the real one it keeps what others
must live with: it comes at intervals, writes `spec.replicas` of what it is told to scale whoever else does too, goes
down only when the load has been low for a while, and leaves what somebody has scaled to nothing alone.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS, Manifest, ObjectKey
from rollouts.testing.memory_server import MemoryServer

STABILIZATION_S = 300
"""Kubernetes' own default: how long the load must be low before pods are taken away."""
UP_FACTOR, UP_AT_LEAST = 2, 4
"""In one round a Deployment grows to twice its size, or to that many pods."""

Load = Callable[[ObjectKey], float]
"""How many pods' worth of work a Deployment has now."""


class AutoscalerController:
    """Serves every autoscaler on the server. Make it, and `start` it within a running loop."""

    def __init__(self, server: MemoryServer, load: Load) -> None:
        self._server = server
        self._load = load
        self._past: dict[str, deque[tuple[float, int]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.interval_s = 15.0
        """How often it looks; Kubernetes' own default."""

    def start(self) -> None:
        """Take up the work."""
        self._timer = asyncio.get_running_loop().call_later(self.interval_s, self._round)

    def stop(self) -> None:
        """Do nothing more, until started again."""
        if self._timer is not None:
            self._timer.cancel()

    def _round(self) -> None:
        for autoscaler in self._server.all_of(AUTOSCALERS):
            self._scale(autoscaler)
        self.start()

    def _scale(self, autoscaler: Manifest) -> None:
        spec, metadata = autoscaler["spec"], autoscaler["metadata"]
        key = ObjectKey(metadata["namespace"], spec["scaleTargetRef"]["name"])
        target = self._server.stored(DEPLOYMENTS, key)
        if target is None:
            self._tell(autoscaler, _condition("AbleToScale", "False", "FailedGetScale"))
            return
        current, able = target["spec"].get("replicas", 1), _condition("AbleToScale", "True", "SucceededGetScale")
        self._past.setdefault(metadata["uid"], deque([(_now_s(), current)]))
        if current == 0:  # somebody has scaled it to nothing: that is how one switches an autoscaler off
            desired, active = 0, _condition("ScalingActive", "False", "ScalingDisabled")
        else:
            desired, active = (
                self._desired(autoscaler, key, current),
                _condition("ScalingActive", "True", "ValidMetricFound"),
            )
        if desired != current:
            self._server.edit(DEPLOYMENTS, key, {"spec": {"replicas": desired}})
        self._tell(autoscaler, able, active, currentReplicas=current, desiredReplicas=desired)

    def _desired(self, autoscaler: Manifest, key: ObjectKey, current: int) -> int:
        """Within the bounds at once; up by no more than is seemly; down to the most that was wanted of late."""
        spec = autoscaler["spec"]
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        if not least <= current <= most:
            return int(max(least, min(most, current)))
        past, now_s = self._past[autoscaler["metadata"]["uid"]], _now_s()
        past.append((now_s, math.ceil(self._load(key))))
        window_s = (spec.get("behavior") or {}).get("scaleDown", {}).get("stabilizationWindowSeconds", STABILIZATION_S)
        while past[0][0] < now_s - window_s:
            past.popleft()
        wanted = max(replicas for _, replicas in past)
        return int(max(least, min(wanted, most, max(UP_FACTOR * current, UP_AT_LEAST))))

    def _tell(self, autoscaler: Manifest, *conditions: Manifest, **counts: int) -> None:
        told = {"conditions": [*conditions], **counts}
        self._server.set_status(AUTOSCALERS, ObjectKey.of(autoscaler), told)


def _condition(kind: str, status: str, reason: str) -> Manifest:
    return {"type": kind, "status": status, "reason": reason}


def _now_s() -> float:
    return asyncio.get_running_loop().time()
