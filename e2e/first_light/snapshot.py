"""Whether objects are as they were: equal canonical JSON but for what the cluster itself keeps writing. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Snapshot = dict[str, str]
"""Canonical JSON by kind and name."""

_VOLATILE = ("managedFields", "resourceVersion")


def take(objects: Iterable[dict[str, Any]]) -> Snapshot:
    """A snapshot of these objects, without status, resourceVersion and managedFields."""
    return {f"{item['kind']} {item['metadata']['name']}": _canonical(item) for item in objects}


def differences(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What was added, removed or changed, in words."""
    added = [f"{name} was added" for name in sorted(after.keys() - before.keys())]
    removed = [f"{name} was removed" for name in sorted(before.keys() - after.keys())]
    changed = [f"{name} was changed" for name in sorted(before.keys() & after.keys()) if before[name] != after[name]]
    return (*added, *removed, *changed)


def _canonical(item: dict[str, Any]) -> str:
    kept = {key: value for key, value in item.items() if key not in {"status", "metadata"}}
    kept["metadata"] = {key: value for key, value in item["metadata"].items() if key not in _VOLATILE}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"))
