"""Objects as they are kept: the name of a field is in memory once for all of them, and a text once in each.

JSON brings a text of its own for each name in each object, and for each time that a value is told; together these are
more than half of what a small object takes. What has not changed since an object was read before is the same in memory
as it was then: of a Canary whose status is written, the spec. Pure.
"""

from __future__ import annotations

from sys import intern
from typing import Any

from rollouts.api.resources import Manifest

SHORT = 64
"""Characters. Longer texts hardly ever come twice."""
_VERSION = "resourceVersion"


def compact(manifest: Manifest, known: Manifest | None = None) -> Manifest:
    """The same object, in less memory, and with those parts of `known` that it is equal to.

    Parts are the fields of the object and the fields of these.
    """
    told: dict[str, str] = {}
    before = known or {}
    return {intern(name): _renewed(value, before.get(name), told) for name, value in manifest.items()}


def is_same(one: Manifest, other: Manifest) -> bool:
    """Whether an object that was compacted beside the other differs from it in its resourceVersion at most."""
    meta, others = ({name: part for name, part in of["metadata"].items() if name != _VERSION} for of in (one, other))
    if one.keys() != other.keys() or meta.keys() != others.keys():
        return False
    same = all(one[name] is other[name] for name in one if name != "metadata")
    return same and all(meta[name] is others[name] for name in meta)


def _renewed(value: Any, known: Any, told: dict[str, str]) -> Any:
    if value == known:
        return known
    if isinstance(value, dict) and isinstance(known, dict):
        return {
            intern(name): known[name] if name in known and known[name] == one else _compact(one, told)
            for name, one in value.items()
        }
    return _compact(value, told)


def _compact(value: Any, told: dict[str, str]) -> Any:
    if isinstance(value, str):
        return told.setdefault(value, value) if len(value) <= SHORT else value
    if isinstance(value, dict):
        return {intern(name): _compact(one, told) for name, one in value.items()}
    if isinstance(value, list):
        return [_compact(one, told) for one in value]
    return value
