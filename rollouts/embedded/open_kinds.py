"""The definition of a custom kind that is not ours: its spec and status may hold anything, none of it is checked."""

from __future__ import annotations

from rollouts.api.resources import Manifest, Resource
from rollouts.embedded.kinds import DEFINITIONS


def open_definition(resource: Resource, *, names: Manifest | None = None, version: Manifest | None = None) -> Manifest:
    """Of objects in namespaces. What is in `names` and `version` is added to what has to be there."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    called = {
        "kind": resource.kind, "listKind": f"{resource.kind}List", "plural": resource.plural,
        "singular": resource.kind.lower(),
    }  # fmt: skip
    served = {
        "name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }  # fmt: skip
    spec = {
        "group": resource.group, "scope": "Namespaced", "names": called | (names or {}),
        "versions": [served | (version or {})],
    }  # fmt: skip
    return {
        "apiVersion": DEFINITIONS.api_version, "kind": DEFINITIONS.kind,
        "metadata": {"name": str(resource)}, "spec": spec,
    }  # fmt: skip
