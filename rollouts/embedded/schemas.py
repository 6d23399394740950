"""JSON schemas of the built-in kinds, as a server's OpenAPI gives them: with the keys and strategies of their lists.

One form for all: a custom kind brings such a schema in its definition. Whoever merges, validates or documents objects
reads these, and needs no other list of what a field is.

The notation of field_types.py, a field at a time: `name` is a string, `name:Type` of another type, `name!` required,
`name=value` has that default. `Type[]` is a list that is one value, `Type[key,...]` a list whose items are told apart
by those keys (`Type[-key]`: one value for a patch all the same), `Type[*]` a set, `Type{}` a map. `=` after a map or an
object makes it one value, as `=` alone does for a type; `~` lets a patch say which keys stay. `+Type` adds fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.field_types import TYPES

_FIELD = re.compile(
    r"(?P<name>\w+)(?P<required>!)?(?:=(?P<default>\w+))?"
    r"(?::(?P<type>[\w-]+)(?:\[(?P<keys>-?[\w,*]*)\]|(?P<map>\{\}))?(?P<atomic>=)?(?P<retain>~)?)?"
)
_SCALARS: dict[str, Manifest] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "quantity": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "string"}, {"type": "number"}]},
    "int-or-string": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
    "object": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}


@cache
def schema_of(kind: str) -> Manifest | None:
    """The schema of a built-in kind, or None if it is none. Shared: treat it as immutable."""
    return _object(TYPES[kind]) if kind in TYPES else None


def with_metadata(schema: Manifest) -> Manifest:
    """A custom kind's schema with what every object has, of which its definition says nothing."""
    every = _object(TYPES["Object"])["properties"]
    return {**schema, "properties": {**schema.get("properties", {}), **every}}


@cache
def _type(name: str) -> Manifest:
    return _SCALARS[name] if name in _SCALARS else _object(TYPES[name])


def _object(fields: str) -> Manifest:
    properties: dict[str, Manifest] = {}
    required: list[str] = []
    atomic = {"x-kubernetes-map-type": "atomic"} if fields.startswith("= ") else {}
    for field in fields.removeprefix("= ").split():
        if field.startswith("+"):
            inherited = _type(field[1:])
            properties |= inherited["properties"]
            required += inherited.get("required", [])
            continue
        part = _FIELD.fullmatch(field)
        if part is None:
            raise ValueError(f"no field: {field}")
        properties[part["name"]] = _field(part.groupdict())
        if part["required"]:
            required.append(part["name"])
    return {"type": "object", "properties": properties, **({"required": required} if required else {}), **atomic}


def _field(part: Mapping[str, str | None]) -> Manifest:
    of = _type(part["type"] or "string")
    strategies = ["retainKeys"] if part["retain"] else []
    result: Manifest
    if part["keys"] is not None:
        merge = _list_extensions(part["keys"])
        strategies = (["merge"] if part["keys"] and not part["keys"].startswith("-") else []) + strategies
        result = {"type": "array", "items": of, **merge}
    elif part["map"]:
        result = {"type": "object", "additionalProperties": of}
    else:
        result = dict(of)
    if part["atomic"]:
        result["x-kubernetes-map-type"] = "atomic"
    if strategies:
        result["x-kubernetes-patch-strategy"] = ",".join(strategies)
    if part["default"]:
        result["default"] = int(part["default"]) if of.get("type") == "integer" else part["default"]
    return result


def _list_extensions(keys: str) -> dict[str, Any]:
    if not keys:
        return {"x-kubernetes-list-type": "atomic"}
    if keys == "*":
        return {"x-kubernetes-list-type": "set"}
    names = keys.removeprefix("-").split(",")
    patched = {} if keys.startswith("-") else {"x-kubernetes-patch-merge-key": names[0]}
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": names, **patched}
