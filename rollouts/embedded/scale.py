"""The scale subresource: a workload's replicas as an object of its own. Pure."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from rollouts.testing.memory_apply import merged

SCALE_API = "autoscaling/v1"


def scale_of(workload: Manifest) -> Manifest:
    """A workload as its scale."""
    metadata = workload["metadata"]
    kept = {name: metadata[name] for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = workload["spec"].get("selector", {}).get("matchLabels", {})
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    replicas = workload.get("status", {}).get("replicas", 0)
    return {
        "kind": "Scale", "apiVersion": SCALE_API, "metadata": kept,
        "spec": {"replicas": workload["spec"].get("replicas", 1)},
        "status": {"replicas": replicas, "selector": selector},
    }  # fmt: skip


def scaled(workload: Manifest, patch: Manifest) -> Manifest:
    """The workload with the replicas that a scale, or a merge patch of one, asks for."""
    wanted = merged(scale_of(workload), patch)["spec"].get("replicas", 0)
    return {**workload, "spec": {**workload["spec"], "replicas": wanted}}
