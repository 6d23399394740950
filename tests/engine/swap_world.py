"""A Canary with subsets in the cluster in memory: two Deployments, one Service, the user's routes to both.

`shares` is what the VirtualService gave each subset, in the order in which it did.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.measurement import Outcome, Probe, Signal, Subject, Value
from rollouts.metrics.istio import render_query
from tests.engine.world import INTERVAL_S, KEY, NAMESPACE, World, canary_manifest, deployment_manifest

V1, V2, V3 = (ObjectKey(NAMESPACE, f"app-{name}") for name in ("v1", "v2", "v3"))
ALL = (
    (DEPLOYMENTS, V1), (DEPLOYMENTS, V2), (DEPLOYMENTS, V3), (SERVICES, KEY), (VIRTUAL_SERVICES, KEY),
    (DESTINATION_RULES, KEY),
)  # fmt: skip
Weights = Mapping[str, int]


def swap_canary(**changes: Any) -> Manifest:
    """A Canary of v1 and v2 that ends at 100; `changes` are laid over its spec, in wire names."""
    canary = canary_manifest(stepWeights=[20, 50, 100])
    spec = {name: value for name, value in canary["spec"].items() if name == "analysis"}
    subsets = [{"name": key.name[4:], "targetRef": {"name": key.name}} for key in (V1, V2)]
    told = {"subsets": subsets, "routeRefs": [{"name": "app"}], "scaleDownDelay": "60s"} | changes
    return {**canary, "spec": {**spec, **told}}


def version(key: ObjectKey, image: str, **spec: Any) -> Manifest:
    """One of the user's Deployments."""
    labels = {"app": "app", "version": key.name[4:]}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    manifest = deployment_manifest(selector={"matchLabels": labels}, template=pod, **spec)
    return {**manifest, "metadata": {"name": key.name, "namespace": NAMESPACE, "labels": labels}}


def routes(**weights: int | None) -> Manifest:
    """The user's VirtualService, with a rule of its own before the one that shares the requests."""
    mine = {"match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}}
    shares = [
        {"destination": {"host": "app", "subset": name}, **({} if weight is None else {"weight": weight})}
        for name, weight in weights.items()
    ]
    rule = {"name": "default", "timeout": "5s", "retries": {"attempts": 2}, "route": shares}
    metadata = {"name": "app", "namespace": NAMESPACE, "annotations": {"team": "shop"}}
    spec = {"hosts": ["app"], "http": [mine, rule]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def service() -> Manifest:
    """The Service of all versions."""
    spec = {"selector": {"app": "app"}, "ports": [{"name": "http", "port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app", "namespace": NAMESPACE}, "spec": spec}


def subsets_rule(**labels: str) -> Manifest:
    """The DestinationRule; `labels` say which version a subset selects, if not the one of its name."""
    named = {key.name[4:]: key.name[4:] for key in (V1, V2, V3)} | labels
    subsets = [{"name": name, "labels": {"version": value}} for name, value in named.items()]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "app", "namespace": NAMESPACE},
        "spec": {"host": "app", "subsets": subsets},
    }


def others(route: Manifest) -> list[tuple[Resource, Manifest]]:
    """All but the first Deployment and the Canary."""
    return [
        (DEPLOYMENTS, version(V2, "app:0")),
        (DEPLOYMENTS, version(V3, "app:third")),
        (SERVICES, service()),
        (VIRTUAL_SERVICES, route),
        (DESTINATION_RULES, subsets_rule()),
    ]


@dataclass(slots=True)
class Swap:
    """The world, and what is particular to it."""

    world: World
    shares: list[Weights] = field(default_factory=list)

    @classmethod
    def begin(
        cls, route: Manifest | None = None, canary: Manifest | None = None, older: Manifest | None = None
    ) -> Swap:
        """Everything is there, and the controller has not looked yet. `older` is the spec of another Canary."""
        around = others(route or routes(v1=90, v2=10))
        if older is not None:
            around.append((CANARIES, {**canary_manifest("older"), "spec": older}))
        swap = cls(World(canary=canary or swap_canary(), deployment=version(V1, "app:1"), others=around))
        noted = swap.world.cluster.on_change

        def note(resource: Resource, key: ObjectKey) -> None:
            noted(resource, key)
            if resource == VIRTUAL_SERVICES and (not swap.shares or swap.shares[-1] != swap.weights):
                swap.shares.append(swap.weights)

        swap.world.cluster.on_change = note
        for name in ("app-v1", "app-v2"):
            swap.measure(name, Signal.SUCCESS_RATE, Value(100.0))
            swap.measure(name, Signal.REQUEST_RATE, Value(0.0))
        return swap

    @classmethod
    async def initialized(cls, route: Manifest | None = None, canary: Manifest | None = None) -> Swap:
        """A Canary at rest."""
        swap = cls.begin(route, canary)
        await swap.world.initialize()
        swap.shares.clear()
        return swap

    @property
    def weights(self) -> Weights:
        """What the last rule gives each subset."""
        found = self.world.cluster.stored(VIRTUAL_SERVICES, KEY)
        route = found["spec"]["http"][-1]["route"] if found is not None else []
        return {item["destination"]["subset"]: item.get("weight", 100) for item in route}

    def measure(self, workload: str, signal: Signal, outcome: Outcome) -> None:
        """What the source says of one workload from now on, as canary or as the stable side."""
        probe = Probe(signal, Subject.CANARY, INTERVAL_S if signal is Signal.SUCCESS_RATE else 0.0)
        self.world.metrics.answers[render_query(probe, NAMESPACE, workload)] = outcome

    def release(self, key: ObjectKey, image: str) -> None:
        """The user gives a Deployment another image."""
        template = version(key, image)["spec"]["template"]
        self.world.cluster.edit(DEPLOYMENTS, key, {"spec": {"template": template}})

    def ask(self, verb: str, number: str = "1") -> None:
        """A person asks for something."""
        annotations = {f"actions.rollouts.dev/{verb}": number}
        self.world.cluster.edit(CANARIES, KEY, {"metadata": {"annotations": annotations}})

    def replicas(self) -> tuple[int, int, int]:
        """Of v1, v2 and the third."""
        return self.world.replicas(V1), self.world.replicas(V2), self.world.replicas(V3)

    def users_objects(self) -> str:
        """Canonical JSON of all that is the user's, but for the two weights, the replicas and our annotations."""
        return json.dumps([_as_users(self.world.get(*place)) for place in ALL], sort_keys=True)


def _as_users(manifest: Manifest) -> Manifest:
    user = copy.deepcopy(manifest)
    user.pop("status", None)
    for name in ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp"):
        user["metadata"].pop(name, None)
    annotations = user["metadata"].pop("annotations", {})
    kept = {name: value for name, value in annotations.items() if "rollouts.dev/" not in name}
    user["metadata"] |= {"annotations": kept} if kept else {}
    if user["kind"] == "Deployment" and user["metadata"]["name"] != V3.name:
        user["spec"].pop("replicas")
    for rule in user["spec"].get("http", ()):
        for item in rule.get("route", ()):
            if item["destination"]["subset"] in {"v1", "v2"}:
                item.pop("weight", None)
    return user
