"""Values that a schema fills in, and nulls that stand for nothing.

A null in a field that must not be null means "as if it were left out": it becomes the default, or goes away.
Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting.
"""

from __future__ import annotations

import copy
from typing import Any

from rollouts.api.schema import Schema


def defaulted(value: Any, schema: Schema) -> Any:
    """A copy of `value` with the schema's defaults; the value itself stays as it is."""
    if isinstance(value, dict):
        return _defaulted_object(value, schema)
    if isinstance(value, list):
        items = schema.get("items")
        return [_filled(item, items) for item in value] if isinstance(items, dict) else list(value)
    return value


def _defaulted_object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    filled = {}
    for name, field in value.items():
        within = properties.get(name, others)
        if not isinstance(within, dict):
            filled[name] = field
        elif not (_is_nothing(field, within) and "default" not in within):
            filled[name] = _filled(field, within)
    for name, within in properties.items():
        if name not in value and "default" in within:
            filled[name] = defaulted(copy.deepcopy(within["default"]), within)
    return filled


def _filled(value: Any, schema: Schema) -> Any:
    if _is_nothing(value, schema) and "default" in schema:
        value = copy.deepcopy(schema["default"])
    return defaulted(value, schema)


def _is_nothing(value: Any, schema: Schema) -> bool:
    return value is None and not schema.get("nullable")
