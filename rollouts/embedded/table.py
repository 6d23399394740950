"""Objects as a meta.k8s.io/v1 Table: what kubectl asks for when it prints columns. Pure.

The columns are a built-in kind's (columns.py), or those of the definition of a custom kind: `additionalPrinterColumns`
with their JSONPaths. Ages are worked out here, as a server does; kubectl prints cells as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.ages import age_of
from rollouts.embedded.cells import Cell
from rollouts.embedded.columns import AGE, BUILT_IN, NAME, Column
from rollouts.embedded.json_path import found


def columns_of(kind: str, printed: Sequence[Manifest] = ()) -> tuple[Column, ...]:
    """The columns of a kind; `printed` are the additionalPrinterColumns of a custom one."""
    if kind in BUILT_IN:
        return BUILT_IN[kind]
    return (NAME, *map(_custom, printed)) if printed else (NAME, AGE)


def table_of(
    columns: Sequence[Column],
    manifests: Sequence[Manifest],
    now: datetime,
    *,
    with_head: bool = True,
    include: str = "Metadata",
) -> Manifest:
    """The table without its own metadata. `include` is None, Metadata or Object: what of the object a row carries.

    A watch sends the head with its first event only.
    """
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {},
        "columnDefinitions": [_definition(column) for column in columns] if with_head else None,
        "rows": [_row(columns, manifest, now, include) for manifest in manifests],
    }


def _definition(column: Column) -> Manifest:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _row(columns: Sequence[Column], manifest: Manifest, now: datetime, include: str) -> Manifest:
    row: Manifest = {"cells": [column.cell(manifest, now) for column in columns]}
    if include == "Object":
        row["object"] = manifest
    elif include == "Metadata":
        header = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        row["object"] = {**header, "metadata": manifest["metadata"]}
    if manifest.get("kind") == "Pod" and manifest.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
        row["conditions"] = [{"type": "Completed", "status": "True", "reason": manifest["status"]["phase"]}]
    return row


def _custom(printed: Manifest) -> Column:
    return Column(
        printed["name"],
        _at(printed["jsonPath"], printed["type"]),
        printed.get("priority", 0),
        printed["type"],
        printed.get("format", ""),
        printed.get("description", f"Custom resource definition column (in JSONPath format): {printed['jsonPath']}"),
    )


def _at(path: str, kind: str) -> Cell:
    def cell(manifest: Manifest, now: datetime) -> Any:
        values = found(path, manifest)
        return _cell(values[0], kind, now) if values else None

    return cell


def _cell(value: Any, kind: str, now: datetime) -> Any:
    """A value as a column of that type shows it; nothing where it is of another type."""
    match kind:
        case "date":
            return age_of(value, now)
        case "string":
            return value if isinstance(value, str) else json.dumps(value)
        case "boolean":
            return value if isinstance(value, bool) else None
        case _:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return (int(value) if kind == "integer" else float(value)) if fits else None
