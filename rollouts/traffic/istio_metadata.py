"""What our patches say of an object beside its rules: the version they are for, and our annotations. Pure."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from rollouts.traffic.istio_patch import child

_ANNOTATIONS = "/metadata/annotations"


def at_version(manifest: Manifest, operations: list[Manifest]) -> list[Manifest]:
    """The operations, to be refused if the object has changed since it was read; none if there are none."""
    version = manifest["metadata"]["resourceVersion"]
    checked = [{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]
    return [*operations, *checked] if operations else []


def annotations_of(manifest: Manifest | None) -> dict[str, str]:
    """All annotations."""
    return {} if manifest is None else manifest["metadata"].get("annotations") or {}


def annotation_operations(manifest: Manifest, key: str, value: str | None) -> list[Manifest]:
    """RFC 6902 operations after which the annotation says that, or is gone; empty if so already."""
    known, path = annotations_of(manifest), child(_ANNOTATIONS, key)
    if known.get(key) == value:
        return []
    if value is None:
        # The map was not there before us if nothing else is in it.
        return [{"op": "remove", "path": _ANNOTATIONS if len(known) == 1 else path}]
    if not known:
        return [{"op": "add", "path": _ANNOTATIONS, "value": {key: value}}]
    return [{"op": "add", "path": path, "value": value}]
