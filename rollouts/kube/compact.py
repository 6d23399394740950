"""Objects as they are kept: the name of a field is in memory once for all of them, and a text once in each.

JSON brings a text of its own for each name in each object, and for each time that a value is told; together these are
more than half of what a small object takes. Pure.
"""

from __future__ import annotations

from sys import intern
from typing import Any

from rollouts.api.resources import Manifest

SHORT = 64
"""Characters. Longer texts hardly ever come twice."""


def compact(manifest: Manifest) -> Manifest:
    """The same object, in less memory."""
    told: dict[str, str] = {}
    return {intern(name): _compact(value, told) for name, value in manifest.items()}


def _compact(value: Any, told: dict[str, str]) -> Any:
    if isinstance(value, str):
        return told.setdefault(value, value) if len(value) <= SHORT else value
    if isinstance(value, dict):
        return {intern(name): _compact(one, told) for name, one in value.items()}
    if isinstance(value, list):
        return [_compact(one, told) for one in value]
    return value
