"""The objects of all files as the cluster that the controller's own checks read: nothing is written, none is missing
but what is not in the files. Implements `Cluster`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rollouts.api.known import Listing
from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, SERVICES, Manifest, ObjectKey, Resource
from rollouts.lint.item import Item
from rollouts.ports import Write


class Files:
    """What the files have, by kind and name; of objects that stand twice, the last, as `kubectl apply` leaves it."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items: dict[tuple[str, str, ObjectKey], Item] = {}
        self._manifests: dict[tuple[str, str], dict[ObjectKey, Manifest]] = {}
        for number, item in enumerate(items):
            self._items[item.group, item.kind, item.key] = item
            filled = _filled(item, number)
            self._manifests.setdefault((item.group, item.kind), {})[item.key] = filled

    def item(self, resource: Resource, key: ObjectKey) -> Item | None:
        """The object with the place where it stands."""
        return self._items.get((resource.group, resource.kind, key))

    def all_of(self, resource: Resource) -> list[Item]:
        """All of a kind."""
        return [
            one for (group, kind, _), one in self._items.items() if (group, kind) == (resource.group, resource.kind)
        ]

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the Protocol says."""
        return self._manifests.get((resource.group, resource.kind), {}).get(key)

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the Protocol says."""
        found = self._manifests.get((resource.group, resource.kind), {})
        return Listing.of(manifest for key, manifest in found.items() if namespace in {"", key.namespace})

    def trouble(self, _resource: Resource) -> str:
        """As the Protocol says: never."""
        return ""

    async def write(self, write: Write) -> Manifest:
        """As the Protocol says, but that nothing here is ever written."""
        raise TypeError(f"lint writes nothing: {write}")


def _filled(item: Item, number: int) -> Manifest:
    """With what the API server would fill in, as far as anybody reads it. The first in the files is the oldest."""
    manifest = item.manifest
    metadata = {"labels": {}, "annotations": {}, **_without_nulls(manifest["metadata"]), "uid": f"{number:08}"}
    metadata |= {"resourceVersion": "1", "generation": 1}
    filled = {**manifest, "metadata": metadata}
    if item.kind in {DEPLOYMENTS.kind, DAEMON_SETS.kind, SERVICES.kind}:
        filled["spec"] = _FILLED[item.kind](manifest["spec"])
    return filled


def _workload(spec: Mapping[str, Any]) -> Manifest:
    template = spec["template"]
    return {
        "replicas": 1,
        **spec,
        "selector": spec.get("selector") or {},
        "template": {
            **template,
            "metadata": {"labels": {}, **_without_nulls(template.get("metadata") or {})},
            "spec": {"containers": [], **_without_nulls(template["spec"])},
        },
    }


def _service(spec: Mapping[str, Any]) -> Manifest:
    ports = [{"protocol": "TCP", "targetPort": port.get("port"), "port": 0, **port} for port in spec.get("ports") or ()]
    return {**spec, "ports": ports}


_FILLED = {DEPLOYMENTS.kind: _workload, DAEMON_SETS.kind: _workload, SERVICES.kind: _service}


def _without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
