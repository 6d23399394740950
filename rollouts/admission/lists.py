"""Lists that are maps or sets: no two items with the same keys, no item twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rollouts.admission.complaint import Complaint, below, duplicate
from rollouts.admission.correlation import keys_of
from rollouts.api.schema import Schema


def check_lists(value: Any, schema: Schema, path: str = "") -> Iterator[Complaint]:
    """All items that must not stand a second time."""
    if isinstance(value, list):
        yield from _check_list(value, schema, path)
    if not isinstance(value, dict):
        return
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, field in value.items():
        within = properties.get(name, others)
        if isinstance(within, dict):
            yield from check_lists(field, within, below(path, name) if name in properties else f"{path}[{name}]")


def _check_list(value: list[Any], schema: Schema, path: str) -> Iterator[Complaint]:
    kind = schema.get("x-kubernetes-list-type")
    seen: set[str] = set()
    for index, item in enumerate(value):
        if isinstance(items := schema.get("items"), dict):
            yield from check_lists(item, items, f"{path}[{index}]")
        known = keys_of(item, schema) if kind == "map" and isinstance(item, dict) else item
        mark = json.dumps(known, sort_keys=True)
        if kind in ("map", "set") and mark in seen:
            yield duplicate(f"{path}[{index}]", known)
        seen.add(mark)
