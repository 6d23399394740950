"""metadata.managedFields: who owns what, as a server shows it and takes it back. Pure.

The form is FieldsV1 of the Kubernetes documentation, "Server-Side Apply": nested maps with the parts of paths as keys,
and a `.` in an item of a list, which is the item itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.testing.field_paths import Path
from rollouts.testing.memory_apply import Manager, Owners


def shown(owners: Owners, api_version: str, times: Mapping[Manager, str]) -> list[Manifest]:
    """An entry for each manager, those that apply first; `times` are of their last writes, where known."""
    by_manager: dict[Manager, list[Path]] = {}
    for path, managers in owners.items():
        for manager in managers:
            by_manager.setdefault(manager, []).append(path)
    return [
        _entry(manager, api_version, times.get(manager, ""), by_manager[manager])
        for manager in sorted(by_manager, key=lambda each: (each.operation, times.get(each, ""), each))
    ]


def read(entries: Iterable[Manifest]) -> Owners:
    """What such entries say, back again. Raises KeyError, TypeError or AttributeError if they are none."""
    owners: dict[Path, frozenset[Manager]] = {}
    for entry in entries:
        manager = Manager(entry["manager"], entry["operation"], entry.get("subresource", ""))
        for path in _paths(entry.get("fieldsV1", {})):
            owners[path] = owners.get(path, frozenset()) | {manager}
    return owners


def path_text(path: Path) -> str:
    """A path for a person: `.spec.containers[name="app"].image`."""
    return "".join(f".{part[2:]}" if part.startswith("f:") else _selected(part) for part in path)


def named(against: Iterable[tuple[Manager, Path]], api_version: str) -> list[tuple[str, str]]:
    """Managers and their fields as the message of a conflict names them."""
    return [(_who(manager, api_version), path_text(path)) for manager, path in against]


def _who(manager: Manager, api_version: str) -> str:
    part = f' with subresource "{manager.subresource}"' if manager.subresource else ""
    return f'"{manager.name}"{part}' + (f" using {api_version}" if manager.operation == "Update" else "")


def _entry(manager: Manager, api_version: str, time: str, paths: Iterable[Path]) -> Manifest:
    fields: dict[str, Any] = {}
    for path in paths:
        node = fields
        for part in path:
            node = node.setdefault(part, {".": {}} if part.startswith("k:") else {})
    entry = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    optional = {"time": time, "subresource": manager.subresource}
    return entry | {name: value for name, value in optional.items() if value}


def _paths(fields: Mapping[str, Any], at: Path = ()) -> list[Path]:
    inner = {name: each for name, each in fields.items() if name != "."}
    if not inner:
        return [at] if at else []
    return [path for name, each in inner.items() for path in _paths(each, (*at, name))]


def _selected(part: str) -> str:
    if part.startswith("k:"):
        keys = json.loads(part[2:])
        return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in keys.items()) + "]"
    return f"[={part[2:]}]"
