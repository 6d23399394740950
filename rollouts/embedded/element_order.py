"""In which order the items of a merged list stand: those of the patch as the patch has them, the others as they stood.

Where one of each stands next, the order of the list before decides; what it does not know comes first. Pure.
"""

from __future__ import annotations

from typing import Any


def ordered(items: list[Any], wanted: list[Any], before: list[Any], key: str | None) -> list[Any]:
    """The items, those that `wanted` names in its order, between those that only the list before had."""
    names, stood = [_name(item, key) for item in wanted], [_name(item, key) for item in before]
    ours = sorted((item for item in items if _name(item, key) in names), key=lambda item: names.index(_name(item, key)))
    others = [item for item in items if _name(item, key) not in names]
    others.sort(key=lambda item: _position(stood, _name(item, key)))
    result: list[Any] = []
    while ours and others:
        first = _position(stood, _name(ours[0], key))
        result.append((ours if first < _position(stood, _name(others[0], key)) else others).pop(0))
    return [*result, *ours, *others]


def check_order(items: list[Any], order: list[Any], key: str | None) -> str:
    """Why a patch's list does not go with the order it asks for; empty if it does."""
    names = [_name(item, key) for item in order]
    named = [_name(item, key) for item in items if not (isinstance(item, dict) and item.get("$patch") == "delete")]
    missing = [name for name in named if name not in names]
    if missing:
        return f"the list has {missing[0]!r}, the order does not"
    if [name for name in names if name in named] != list(dict.fromkeys(named)):
        return "the list stands in another order"
    return ""


def _name(item: Any, key: str | None) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _position(names: list[Any], name: Any) -> int:
    """Where a name stood; before all if it is new."""
    return names.index(name) if name in names else -1
