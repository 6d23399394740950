"""A value of an object as a rule sees it: numbers by the schema's type, names that CEL can spell.

A time stays a text, since the library takes no times from Python: a rule writes `timestamp(self.at)`, as it may on a
server too.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from rollouts.api.schema import Schema

_WORDS = frozenset(
    {
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop"),
        *("namespace", "null", "package", "return", "true", "var", "void", "while"),
    }
)
"""What CEL keeps for itself; a field of that name is written `__name__`."""

_SPELLED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_UNSPELLABLE = re.compile(r"__|[.\-/]")


def cel_value(value: Any, schema: Schema) -> Any:
    """What the variable of a rule holds for `value`."""
    if isinstance(value, dict):
        return _object(value, schema)
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [cel_value(item, items) for item in value]
    if isinstance(value, str):
        return base64.b64decode(value) if schema.get("format") == "byte" else value
    if isinstance(value, bool) or value is None:
        return value
    if schema.get("type") == "number":
        return float(value)
    return int(value) if schema.get("type") == "integer" else value


def spelled(name: str) -> str:
    """The name of a field in a rule."""
    return f"__{name}__" if name in _WORDS else _UNSPELLABLE.sub(lambda found: _SPELLED[found[0]], name)


def _object(value: dict[str, Any], schema: Schema) -> dict[str, Any]:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    seen = {}
    for name, field in value.items():
        within = properties.get(name, others)
        as_field = {"type": "object"} if not isinstance(within, dict) else within
        seen[spelled(name) if name in properties else name] = cel_value(field, as_field)
    return seen
