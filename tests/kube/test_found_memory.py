"""Each object in a store had texts of its own for the names of its fields: more than half of what a Service took.

Found by `make bench-self`: a further Canary, which is nine objects, cost 106 KiB.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from rollouts.api.resources import SERVICES, Manifest, ObjectKey
from rollouts.kube.compact import SHORT
from rollouts.kube.store import Store


def _service(name: str) -> Manifest:
    """As it comes from the wire: each text is made anew."""
    labels = {"app.kubernetes.io/name": name, "told-again": name}
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7", "labels": labels}
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    spec = {"selector": {"app.kubernetes.io/name": name}, "ports": ports, "long": "x" * (SHORT + 1), "none": None}
    told: Manifest = json.loads(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}))
    return told


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for one in value.values() for name in _names(one))]
    return [name for one in value for name in _names(one)] if isinstance(value, list) else []


def test_objects_share_the_names_of_their_fields() -> None:
    """Of a watch as of a list: what is kept is equal to what came, and the same texts stand in all objects."""
    store = Store(SERVICES)
    listed, watched = _service("one"), _service("two")
    store.replace([store.keep(listed)], "7")
    store.absorb({**watched, "metadata": watched["metadata"] | {"resourceVersion": "8"}})
    kept = [store.read(ObjectKey("shop", name)) for name in ("one", "two")]
    assert kept == [listed, watched | {"metadata": watched["metadata"] | {"resourceVersion": "8"}}]
    first, second = ([*map(id, _names(one))] for one in kept)
    assert first == second
    one = kept[0]
    assert one is not None
    labels, selector = one["metadata"]["labels"], one["spec"]["selector"]
    assert labels["told-again"] is selector["app.kubernetes.io/name"] is one["metadata"]["name"]


def test_what_is_kept_takes_little_more_than_half() -> None:
    """Of a small object among many."""

    def size(value: Any, seen: set[int]) -> int:
        if id(value) in seen:
            return 0
        seen.add(id(value))
        inside = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
        return sys.getsizeof(value) + sum(size(one, seen) for one in inside)

    came, store = [_service(f"app{number}") for number in range(20)], Store(SERVICES)
    store.replace(map(store.keep, map(_service, (f"app{number}" for number in range(20)))), "7")
    assert size([*store.list_all()], set()) < 0.65 * size(came, set())
