"""A Canary whose target has an autoscaler of the user's, in the cluster in memory. Nobody scales unless a test does."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import AUTOSCALERS, CANARIES, DEPLOYMENTS, SCALED_OBJECTS, Manifest, ObjectKey
from tests.engine.world import KEY, NAMESPACE, PRIMARY_KEY, World, canary_manifest

HPA, COPY = ObjectKey(NAMESPACE, "web"), ObjectKey(NAMESPACE, "web-primary")


def autoscaler(target: str = "app", name: str = "web", **spec: Any) -> Manifest:
    """A HorizontalPodAutoscaler; `spec` is laid over its spec."""
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    whole = {
        "scaleTargetRef": reference,
        "minReplicas": 2,
        "maxReplicas": 8,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    return {
        "apiVersion": AUTOSCALERS.api_version, "kind": AUTOSCALERS.kind,
        "metadata": {"name": name, "namespace": NAMESPACE}, "spec": whole | spec,
    }  # fmt: skip


def scaled_object(target: str = "app", **spec: Any) -> Manifest:
    """KEDA's; `spec` is laid over its spec."""
    trigger = {"type": "prometheus", "metadata": {"query": f'sum(rate(x{{app="{target}"}}[1m]))', "threshold": "5"}}
    whole = {"scaleTargetRef": {"name": target}, "minReplicaCount": 1, "maxReplicaCount": 8, "triggers": [trigger]}
    return {
        "apiVersion": SCALED_OBJECTS.api_version, "kind": SCALED_OBJECTS.kind,
        "metadata": {"name": "web", "namespace": NAMESPACE}, "spec": whole | spec,
    }  # fmt: skip


def scaled_canary(ref: Manifest | None = None, **spec: Any) -> Manifest:
    """A Canary that names the autoscaler `web`; `spec` is laid over its spec."""
    canary = canary_manifest()
    named = {"autoscalerRef": {"kind": AUTOSCALERS.kind, "name": "web"} | (ref or {})}
    return {**canary, "spec": {**canary["spec"], **named, **spec}}


def keda_canary(**ref: Any) -> Manifest:
    """A Canary that names the ScaledObject `web`."""
    return scaled_canary({"apiVersion": "keda.sh/v1alpha1", "kind": SCALED_OBJECTS.kind} | ref)


def scaled_world(source: Manifest | None = None, canary: Manifest | None = None) -> World:
    """With an autoscaler of either kind."""
    source = source or autoscaler()
    resource = AUTOSCALERS if source["kind"] == AUTOSCALERS.kind else SCALED_OBJECTS
    named = scaled_canary() if resource == AUTOSCALERS else keda_canary()
    return World(canary=canary or named, others=[(resource, source)])


def scale(world: World, replicas: int, key: ObjectKey = PRIMARY_KEY) -> None:
    """An autoscaler does its work."""
    world.cluster.edit(DEPLOYMENTS, key, {"spec": {"replicas": replicas}})


def refer(world: World, ref: Manifest | None) -> None:
    """The user names another autoscaler, or none."""
    world.cluster.edit(CANARIES, KEY, {"spec": {"autoscalerRef": ref}})


def bounds(world: World, key: ObjectKey = COPY) -> tuple[int, int]:
    """An autoscaler's least and most."""
    spec = world.get(AUTOSCALERS, key)["spec"]
    return spec["minReplicas"], spec["maxReplicas"]
