"""Which value of the old object a value of the new one goes on from: for rules of change, and to let old faults be.

Fields go on under their name, and items only in a list that the schema calls a map, under their keys: of any other list
nobody can tell which item is which.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.schema import Schema

ABSENT = object()
"""There is no old value, or none that can be found."""


def old_entry(old: Any, name: str) -> Any:
    """The old value of a field."""
    return old.get(name, ABSENT) if isinstance(old, dict) else ABSENT


def old_item(old: Any, item: Any, schema: Schema) -> Any:
    """The old item with the same keys, in a list that is a map."""
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list) or not isinstance(item, dict):
        return ABSENT
    wanted = keys_of(item, schema)
    return next((one for one in old if isinstance(one, dict) and keys_of(one, schema) == wanted), ABSENT)


def keys_of(item: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The keys of an item of a list that is a map; a key that is left out has its default."""
    fields = schema.get("items", {}).get("properties") or {}
    names = schema.get("x-kubernetes-list-map-keys") or ()
    known = {name: item.get(name, fields.get(name, {}).get("default", ABSENT)) for name in names}
    return {name: value for name, value in known.items() if value is not ABSENT}


def same(one: Any, other: Any) -> bool:
    """Equality of JSON: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
