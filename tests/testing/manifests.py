"""The objects that the doubles are tried with."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import DEPLOYMENTS, SERVICES, Manifest, ObjectKey
from rollouts.testing.memory_server import MemoryServer

NAMESPACE = "shop"


def key(name: str) -> ObjectKey:
    """Of an object here."""
    return ObjectKey(NAMESPACE, name)


def put_service(server: MemoryServer, name: str, *owners: Manifest, **spec: Any) -> Manifest:
    """Somebody makes or changes a Service."""
    references = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        for owner in owners
    ]
    metadata = {"name": name, "namespace": NAMESPACE, "ownerReferences": references}
    return server.put(SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def put_deployment(server: MemoryServer, name: str, replicas: int) -> Manifest:
    """Somebody makes or changes a Deployment."""
    metadata = {"name": name, "namespace": NAMESPACE}
    spec = {"replicas": replicas, "template": {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}}
    return server.put(DEPLOYMENTS, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
