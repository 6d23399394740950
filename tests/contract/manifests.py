"""The objects that the cases of the cluster contract make, all of them named `a`."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from tests.api.canaries import good_spec
from tests.contract.clusters import Arranged

HTTP = [{"name": "ours", "route": [{"destination": {"host": "a"}, "weight": 100}]}]


def route(arranged: Arranged, **spec: Any) -> Manifest:
    """A Route to apply."""
    return {"metadata": {"namespace": arranged.namespace, "name": "a"}, "spec": {"hosts": ["a"], "http": HTTP, **spec}}


def service(arranged: Arranged, *ports: int, **spec: Any) -> Manifest:
    """A Service to apply."""
    listed = [{"name": f"p{port}", "port": port, "protocol": "TCP", "targetPort": port} for port in ports]
    metadata = {"namespace": arranged.namespace, "name": "a"}
    return {"metadata": metadata, "spec": {"ports": listed, "selector": {"app": "a"}, **spec}}


def deployment(arranged: Arranged, replicas: int) -> Manifest:
    """A whole Deployment to apply."""
    labels = {"app": "a"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pod}
    return {"metadata": {"namespace": arranged.namespace, "name": "a"}, "spec": spec}


def canary(arranged: Arranged) -> Manifest:
    """A Canary to create."""
    header = {"apiVersion": CANARIES.api_version, "kind": CANARIES.kind}
    return {**header, "metadata": {"namespace": arranged.namespace, "name": "a"}, "spec": good_spec()}


def key_a(arranged: Arranged) -> ObjectKey:
    """The key of all these."""
    return ObjectKey(arranged.namespace, "a")


def version_of(manifest: Manifest) -> str:
    """Its resourceVersion."""
    return str(manifest["metadata"]["resourceVersion"])


def owner_reference(owner: Manifest, *, block: bool = False) -> Manifest:
    """What a dependent says of its owner."""
    named = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    named |= {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return named | ({"blockOwnerDeletion": True} if block else {})
