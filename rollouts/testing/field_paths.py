"""The fields of an object, by path: which of them can be owned on their own, as its schema says. Pure.

Maps are taken apart, and so are lists whose items are told apart by keys, or are a set; every other list is one value,
and so is a map that the schema calls atomic. The parts of a path are written as managed fields write them (the
Kubernetes documentation, "Server-Side Apply"): `f:NAME`, `k:{"KEY":VALUE}` for an item by its keys, `v:VALUE` for one
of a set.
"""

from __future__ import annotations

import json
from typing import Any

from rollouts.api.resources import Manifest

Path = tuple[str, ...]

_SET = {"x-kubernetes-list-type": "set"}
_ATOMIC = {"x-kubernetes-map-type": "atomic"}


def _list_of(items: Manifest, *keys: str) -> Manifest:
    return {"items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]}


_METADATA = {"properties": {"finalizers": _SET, "ownerReferences": _list_of(_ATOMIC, "uid")}}
_PORT = {"properties": {"protocol": {"default": "TCP"}}}
_SPECS: dict[str, Manifest] = {"Service": {"ports": _list_of(_PORT, "port", "protocol")}}


def plain_schema(kind: str) -> Manifest:
    """What is true of every kind, for a server that is given no schemas; and what the engine relies on in Services."""
    return {
        "properties": {"metadata": _METADATA, "spec": {"properties": {"selector": _ATOMIC, **_SPECS.get(kind, {})}}}
    }


def keyed(value: Any, schema: Manifest) -> Any:
    """A value with maps in the place of lists whose items can be told apart, and parts of paths as their keys.

    A list whose items can't be told apart after all, because a key is missing or there twice, stays one value.
    """
    if isinstance(value, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        return {f"f:{name}": keyed(each, part(schema, name)) for name, each in value.items()}
    if isinstance(value, list) and schema.get("x-kubernetes-list-type") in {"map", "set"}:
        items = schema.get("items", {}) if schema["x-kubernetes-list-type"] == "map" else _ATOMIC
        named = {_name(item, schema): keyed(item, items) for item in value}
        return named if len(named) == len(value) and "" not in named and value else value
    return value


def listed(value: Any, schema: Manifest) -> Any:
    """The inverse of `keyed`."""
    match _sort(value):
        case "f":
            return {name[2:]: listed(each, part(schema, name[2:])) for name, each in value.items()}
        case "k":
            return [listed(each, schema.get("items", {})) for each in value.values()]
        case "v":
            return [*value.values()]
        case _:
            return value


def leaves(value: Any) -> list[tuple[Path, Any]]:
    """Every field of a keyed value that can be owned, with its value."""
    if not _sort(value):
        return [((), value)]
    return [((name, *path), leaf) for name, each in value.items() for path, leaf in leaves(each)]


def _sort(value: Any) -> str:
    """Which parts of paths the keys of a keyed value are; empty for what is one value."""
    if not isinstance(value, dict) or not value:
        return ""
    first = next(iter(value))
    return first[0] if first[:2] in {"f:", "k:", "v:"} else ""


def part(schema: Manifest, name: str) -> Manifest:
    """The schema of one key; empty where nothing is known of it."""
    known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
    return known if isinstance(known, dict) else {}


def _name(item: Any, schema: Manifest) -> str:
    """The part of a path for an item; empty where its keys are missing."""
    if schema["x-kubernetes-list-type"] == "set":
        return "v:" + _written(item)
    if not isinstance(item, dict):
        return ""
    items = schema.get("items", {})
    named = {key: item.get(key, part(items, key).get("default")) for key in schema["x-kubernetes-list-map-keys"]}
    known = {key: value for key, value in named.items() if value is not None}
    return "k:" + _written(known) if known else ""


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
