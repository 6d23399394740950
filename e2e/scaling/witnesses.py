"""Follows Deployments and autoscalers in namespace `default`, and keeps what is news of their sizes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.application import DEPLOYMENTS
from e2e.scaling.facts import ScalerSeen, SizeSeen

_SCALERS = "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers"
Json = Mapping[str, Any]


@dataclass(slots=True)
class Sizes:
    """Lists that only grow."""

    sizes: list[SizeSeen] = field(default_factory=list)
    scalers: list[ScalerSeen] = field(default_factory=list)

    async def follow(self, api: KubeApi) -> None:
        """Keep them until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for path, put in ((DEPLOYMENTS, self._size_seen), (_SCALERS, self._scaler_seen)):
                tasks.create_task(Follower(api, path.format("default"), Audience(put, lambda _gone: None)).run())

    def size_of(self, name: str) -> SizeSeen | None:
        """A Deployment's size as last seen."""
        return next((seen for seen in reversed(self.sizes) if seen.name == name), None)

    def scaler(self, name: str) -> ScalerSeen | None:
        """An autoscaler as last seen."""
        return next((seen for seen in reversed(self.scalers) if seen.name == name), None)

    def _size_seen(self, deployment: Json) -> None:
        seen, known = read_size(deployment, time.time()), self.size_of(deployment["metadata"]["name"])
        if known is None or replace(known, at_s=seen.at_s) != seen:
            self.sizes.append(seen)

    def _scaler_seen(self, autoscaler: Json) -> None:
        seen, known = read_scaler(autoscaler, time.time()), self.scaler(autoscaler["metadata"]["name"])
        if known is None or replace(known, at_s=seen.at_s) != seen:
            self.scalers.append(seen)


def read_size(deployment: Json, at_s: float) -> SizeSeen:
    """What counts of a Deployment."""
    ready = (deployment.get("status") or {}).get("readyReplicas", 0)
    return SizeSeen(at_s, deployment["metadata"]["name"], deployment["spec"]["replicas"], ready)


def read_scaler(autoscaler: Json, at_s: float) -> ScalerSeen:
    """What counts of an autoscaler."""
    spec, status = autoscaler["spec"], autoscaler.get("status") or {}
    told = {one["type"]: one for one in status.get("conditions") or ()}
    limited = told.get("ScalingLimited", {})
    return ScalerSeen(
        at_s=at_s,
        name=autoscaler["metadata"]["name"],
        least=spec.get("minReplicas", 1),
        most=spec["maxReplicas"],
        desired=status.get("desiredReplicas", 0),
        limited=limited.get("reason", "") if limited.get("status") == "True" else "",
        active=told.get("ScalingActive", {}).get("reason", ""),
    )
