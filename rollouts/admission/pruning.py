"""Fields that a schema does not know: they are dropped, and each is named.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning.
"""

from __future__ import annotations

from typing import Any

from rollouts.admission.complaint import below
from rollouts.api.schema import Schema

_OBJECT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})
"""What each object has, whatever its schema says."""

_METADATA_FIELDS = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def pruned(manifest: dict[str, Any], schema: Schema) -> tuple[dict[str, Any], list[str]]:
    """A copy of an object with the fields that are known, and the paths of those that were dropped, sorted."""
    unknown: list[str] = []
    fields = {name: value for name, value in manifest.items() if name not in _OBJECT_FIELDS}
    kept = {name: value for name, value in manifest.items() if name in _OBJECT_FIELDS}
    if isinstance(metadata := kept.get("metadata"), dict):
        kept["metadata"] = {name: value for name, value in metadata.items() if name in _METADATA_FIELDS}
        unknown += [f"metadata.{name}" for name in metadata if name not in _METADATA_FIELDS]
    kept |= _pruned(fields, schema, "", unknown)
    return {name: kept[name] for name in manifest if name in kept}, sorted(unknown)


def _pruned(value: Any, schema: Schema, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        items = schema.get("items") or {"x-kubernetes-preserve-unknown-fields": _keeps(schema)}
        return [_pruned(item, items, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    kept = {}
    for name, field in value.items():
        within = properties.get(name, others)
        if isinstance(within, dict):
            kept[name] = _pruned(field, within, below(path, name), unknown)
        elif within is True or _keeps(schema):
            kept[name] = field
        else:
            unknown.append(below(path, name))
    return kept


def _keeps(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-preserve-unknown-fields"))
