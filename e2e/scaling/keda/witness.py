"""Follows ScaledObjects and Deployments in namespace `default`, and keeps what is news of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from e2e.lab.workload.follow import Audience, Follower
from e2e.lab.workload.kube_api import KubeApi
from e2e.play.application import DEPLOYMENTS
from e2e.scaling.keda.facts import PodsSeen, ScaledSeen, Seen
from rollouts.workloads.scaled_object import OUR_PAUSE, PAUSED

_SCALED = "/apis/keda.sh/v1alpha1/namespaces/{}/scaledobjects"
Json = Mapping[str, Any]
Dated = TypeVar("Dated", ScaledSeen, PodsSeen)


@dataclass(slots=True)
class Witness:
    """Lists that only grow."""

    scaled: list[ScaledSeen] = field(default_factory=list)
    pods: list[PodsSeen] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    async def follow(self, api: KubeApi) -> None:
        """Keep them until cancelled."""
        scaled = Audience(self.scaled_seen, lambda one: self.gone.append(one["metadata"]["name"]))
        pods = Audience(self.pods_seen, lambda _gone: None)
        async with asyncio.TaskGroup() as tasks:
            for path, audience in ((_SCALED, scaled), (DEPLOYMENTS, pods)):
                tasks.create_task(Follower(api, path.format("default"), audience).run())

    def last(self, name: str) -> ScaledSeen | None:
        """A ScaledObject as last seen."""
        return next((one for one in reversed(self.scaled) if one.name == name), None)

    def size_of(self, name: str) -> int | None:
        """A Deployment's size as last seen."""
        return next((one.replicas for one in reversed(self.pods) if one.name == name), None)

    def since(self, at_s: float) -> Seen:
        """What was seen from that time on, and the last state of each before it."""
        return Seen(_since(self.scaled, at_s), _since(self.pods, at_s), tuple(self.gone))

    def scaled_seen(self, one: Json) -> None:
        """A state of a ScaledObject."""
        seen, known = read_scaled(one, time.time()), self.last(one["metadata"]["name"])
        if known is None or replace(known, at_s=seen.at_s, version=seen.version) != seen:
            self.scaled.append(seen)

    def pods_seen(self, deployment: Json) -> None:
        """A state of a Deployment."""
        seen = read_pods(deployment, time.time())
        if self.size_of(seen.name) != seen.replicas:
            self.pods.append(seen)


def read_scaled(one: Json, at_s: float) -> ScaledSeen:
    """What counts of a ScaledObject; KEDA's defaults where it says nothing."""
    metadata, spec = one["metadata"], one["spec"]
    annotations = metadata.get("annotations") or {}
    return ScaledSeen(
        at_s=at_s,
        version=int(metadata["resourceVersion"]),
        name=metadata["name"],
        target=spec["scaleTargetRef"]["name"],
        least=spec.get("minReplicaCount", 0),
        most=spec.get("maxReplicaCount", 100),
        query=spec["triggers"][0]["metadata"]["query"],
        paused=annotations.get(PAUSED, ""),
        marked=OUR_PAUSE in annotations,
    )


def read_pods(deployment: Json, at_s: float) -> PodsSeen:
    """What counts of a Deployment."""
    metadata = deployment["metadata"]
    return PodsSeen(at_s, int(metadata["resourceVersion"]), metadata["name"], deployment["spec"]["replicas"])


def _since(seen: list[Dated], at_s: float) -> tuple[Dated, ...]:
    """Without what another state of the same object has followed before that time."""
    later = {one.name: place for place, one in enumerate(seen) if one.at_s < at_s}
    return tuple(one for place, one in enumerate(seen) if place >= later.get(one.name, 0))
