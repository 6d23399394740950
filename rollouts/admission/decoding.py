"""What the server can read at all, before it looks at any schema: JSON as Go has it, and the types of metadata."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

_INT64 = 2**63

_GO_TYPES = {
    "name": "string",
    "generateName": "string",
    "namespace": "string",
    "labels": "map[string]string",
    "annotations": "map[string]string",
    "finalizers": "[]string",
    "ownerReferences": "[]v1.OwnerReference",
}

_READ_AS: dict[str, tuple[type[Any], str]] = {
    "string": (str, ""),
    "map[string]string": (dict, "string"),
    "[]string": (list, "string"),
    "[]v1.OwnerReference": (list, "v1.OwnerReference"),
    "v1.OwnerReference": (dict, ""),
}
"""The type of Python, and the Go type of what is inside."""


def as_read(value: Any) -> Any:
    """What a client sends and Go reads: an integer that fits no int64 is a float; of YAML, keys and dates are texts."""
    if isinstance(value, dict):
        return {_key(name): as_read(field) for name, field in value.items()}
    if isinstance(value, list):
        return [as_read(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and not -_INT64 <= value < _INT64:
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def _key(name: Any) -> str:
    return json.dumps(name) if isinstance(name, bool) else str(name)


def undecodable(metadata: Any) -> str:
    """What of it is of a type that it can't be read as; empty if nothing is."""
    if not isinstance(metadata, dict):
        return f"json: cannot unmarshal {_json_name(metadata)} into Go value of type v1.ObjectMeta"
    for name, type_ in _GO_TYPES.items():
        if (wrong := _mismatch(metadata.get(name), type_)) is not None:
            value, wanted = wrong
            return f"json: cannot unmarshal {_json_name(value)} into Go struct field ObjectMeta.{name} of type {wanted}"
    return ""


def _mismatch(value: Any, wanted: str) -> tuple[Any, str] | None:
    """The part of a value that is not of a Go type, and the type that it should have; None if all is."""
    if value is None:
        return None
    kind, item = _READ_AS[wanted]
    if not isinstance(value, kind):
        return value, wanted
    inner = list(value.values()) if isinstance(value, dict) else list(value) if item else []
    return next((wrong for one in inner if item and (wrong := _mismatch(one, item)) is not None), None)


def _json_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number", str: "string", list: "array", dict: "object"}.get(type(value), "null")
