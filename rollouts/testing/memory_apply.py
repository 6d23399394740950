"""Server-side apply as far as the engine relies on it: maps merge field by field, selectors and lists are one value.

But finalizers, owner references and a Service's ports are told apart. Pure; who owns a field is kept beside it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from rollouts.api.resources import Manifest

Path = tuple[str, ...]
Owners = dict[Path, frozenset[str]]
"""Who set each field; a field that nobody owns any more is gone."""

_SERVERS = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")
_IDENTITY = {("apiVersion",), ("kind",), *(("metadata", name) for name in _SERVERS)}

_ITEM_KEYS: dict[tuple[str, str], Callable[[Any], str]] = {
    ("metadata", "finalizers"): str,
    ("metadata", "ownerReferences"): lambda owner: str(owner["uid"]),
    ("spec", "ports"): lambda port: f"{port['port']}/{port.get('protocol', 'TCP')}",
}
"""Lists whose items are told apart, and by what; the ports are a Service's."""


def fields_of(manifest: Manifest) -> dict[Path, Any]:
    """Every field that can be owned, with its value."""
    return {path: value for path, value in _leaves(_keyed(manifest)) if path not in _IDENTITY}


def applied(manifest: Manifest, owners: Owners, intent: Manifest, manager: str) -> tuple[Manifest, Owners]:
    """The object and its owners after a forced apply of `intent` by `manager`."""
    after, kept = copy.deepcopy(_keyed(manifest)), dict(owners)
    wanted = fields_of(intent)
    for path, managers in owners.items():
        if manager in managers and path not in wanted:
            kept[path] = managers - {manager}
            if not kept[path]:
                del kept[path]
                _remove(after, path)
    before = fields_of(manifest)
    for path, value in wanted.items():
        same = path in before and before[path] == value
        kept[path] = (kept.get(path, frozenset()) if same else frozenset()) | {manager}
        _set(after, path, copy.deepcopy(value))
    return _listed(after), kept


def owners_after(before: Manifest, after: Manifest, owners: Owners, manager: str) -> Owners:
    """Who owns what after `manager` changed an object in another way than by apply."""
    old, new = fields_of(before), fields_of(after)
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


def _leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    if isinstance(value, dict) and value and not _is_atomic(path):
        return [leaf for name, item in value.items() for leaf in _leaves(item, (*path, name))]
    return [(path, value)]


def _is_atomic(path: Path) -> bool:
    """Maps that are one value: selectors in Services and Deployments, and each owner reference."""
    return path == ("spec", "selector") or (len(path) == 3 and path[:2] == ("metadata", "ownerReferences"))


def _set(node: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        node = node.setdefault(name, {})
    node[path[-1]] = value


def _remove(node: dict[str, Any], path: Path) -> None:
    head, *rest = path
    if not rest:
        node.pop(head, None)
    elif isinstance(node.get(head), dict):
        _remove(node[head], tuple(rest))
        if not node[head]:
            del node[head]


def _keyed(manifest: Manifest) -> Manifest:
    """The lists whose items are told apart, as maps."""
    return _with_lists(manifest, lambda items, key: {key(item): item for item in items})


def _listed(manifest: Manifest) -> Manifest:
    return _with_lists(manifest, lambda items, _key: [*items.values()])


def _with_lists(manifest: Manifest, turn: Callable[[Any, Callable[[Any], str]], Any]) -> Manifest:
    result = dict(manifest)
    for (parent, name), key in _ITEM_KEYS.items():
        holder = result.get(parent)
        if isinstance(holder, dict) and name in holder and (parent == "metadata" or manifest.get("kind") == "Service"):
            result[parent] = {**holder, name: turn(holder[name], key)}
    return result
