"""Server-side apply: who set which field, what an apply changes, and whom it would contradict.

Maps merge field by field, and so do the lists whose items are told apart (field_paths.py); all else is one value. Pure;
who owns a field is kept beside the object.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from rollouts.api.resources import Manifest
from rollouts.testing.field_paths import Path, keyed, leaves, listed, plain_schema


class Manager(NamedTuple):
    """Who sets fields, and by which sort of write: the same program is another manager for each."""

    name: str
    operation: str = "Update"
    """Apply, or Update for every other write."""
    subresource: str = ""


Owners = Mapping[Path, frozenset[Manager]]
"""Who set each field; a field that nobody owns any more is gone."""

_SERVERS = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
_IDENTITY = {("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{name}") for name in _SERVERS)}


def fields_of(manifest: Manifest, schema: Manifest | None = None) -> dict[Path, Any]:
    """Every field that can be owned, with its value."""
    return {path: value for path, value in leaves(_keyed(manifest, schema)) if path not in _IDENTITY}


def applied(
    manifest: Manifest, owners: Owners, intent: Manifest, manager: Manager, schema: Manifest | None = None
) -> tuple[Manifest, Owners]:
    """The object and its owners after a forced apply of `intent` by `manager`."""
    after, kept = copy.deepcopy(_keyed(manifest, schema)), dict(owners)
    before, wanted = fields_of(manifest, schema), fields_of(intent, schema)
    for path, managers in owners.items():
        if manager in managers and path not in wanted:
            kept[path] = managers - {manager}
            if not kept[path]:
                del kept[path]
                if path in before:
                    _remove(after, path)
    for path, value in wanted.items():
        same = path in before and before[path] == value
        kept[path] = (kept.get(path, frozenset()) if same else frozenset()) | {manager}
        _set(after, path, copy.deepcopy(value))
    return listed(after, _schema(manifest, schema)), kept


def conflicts(
    manifest: Manifest, owners: Owners, intent: Manifest, manager: Manager, schema: Manifest | None = None
) -> list[tuple[Manager, Path]]:
    """The fields of others that an apply which is not forced would change, and their managers."""
    before = fields_of(manifest, schema)
    return [
        (other, path)
        for path, value in sorted(fields_of(intent, schema).items())
        if path in before and before[path] != value
        for other in sorted(owners.get(path, frozenset()) - {manager})
    ]


def owners_after(
    before: Manifest, after: Manifest, owners: Owners, manager: Manager, schema: Manifest | None = None
) -> Owners:
    """Who owns what after `manager` changed an object in another way than by apply."""
    old, new = fields_of(before, schema), fields_of(after, schema)
    return {
        path: owners[path] if path in old and old[path] == value and path in owners else frozenset({manager})
        for path, value in new.items()
    }


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, maps merge, anything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _set(node: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(node.get(name), dict):
            node[name] = {}
        node = node[name]
    if value not in ({}, []) or not isinstance(node.get(path[-1]), dict):  # empty, it leaves to others what is theirs
        node[path[-1]] = value


def _remove(node: dict[str, Any], path: Path) -> None:
    head, *rest = path
    if not rest:
        node.pop(head, None)
    elif isinstance(node.get(head), dict):
        _remove(node[head], tuple(rest))
        if not node[head]:
            del node[head]


def _schema(manifest: Manifest, schema: Manifest | None) -> Manifest:
    return plain_schema(manifest.get("kind", "")) if schema is None else schema


def _keyed(manifest: Manifest, schema: Manifest | None) -> Any:
    return keyed(manifest, _schema(manifest, schema))
