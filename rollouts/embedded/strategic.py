"""Strategic merge patch: a merge patch that knows which lists are maps in disguise, and by what key. Pure.

What it may say beyond a merge patch (the Kubernetes API conventions, "Strategic Merge Patch"): `$patch: replace` or
`delete` in a map or in an item of a list, `$retainKeys` (which keys of a map stay), `$deleteFromPrimitiveList/NAME`,
and `$setElementOrder/NAME` (how the items stand in the end). A schema (schemas.py) says which lists are merged; all
others are one value.
"""

from __future__ import annotations

import copy
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.element_order import check_order, ordered

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_MERGE_KEY = "x-kubernetes-patch-merge-key"
_STRATEGY = "x-kubernetes-patch-strategy"


class StrategicPatchInvalid(ValueError):
    """The patch contradicts itself or the schema; the message says where, as a server's 400 does."""


def strategically_merged(manifest: Manifest, patch: Manifest, schema: Manifest) -> Manifest:
    """The object after the patch; neither argument is changed. Raises StrategicPatchInvalid."""
    if not isinstance(patch, dict):
        raise StrategicPatchInvalid("the patch has to be an object")
    result: Manifest = _map(copy.deepcopy(manifest), copy.deepcopy(patch), schema)
    return result


def _map(target: Manifest, patch: Manifest, schema: Manifest) -> Manifest:
    if _PATCH in patch:
        return _directed(patch)
    if _RETAIN in patch:
        target = _retained(target, patch)
    stood = {name: value for name, value in target.items() if isinstance(value, list)}
    for name in [each for each in patch if each.startswith(_DELETE)]:
        _delete(target, patch, name)
    for name, value in patch.items():
        if name == _RETAIN or name.startswith((_ORDER, _DELETE)):
            continue
        if value is None:
            target.pop(name, None)
        elif name not in target:
            target[name] = _added(value, _part(schema, name))
        else:
            target[name] = _value(target[name], value, _part(schema, name))
    for name in [each for each in patch if each.startswith(_ORDER)]:
        _order(target, patch, name, (stood, schema))
    return target


def _directed(patch: Manifest) -> Manifest:
    match patch[_PATCH]:
        case "replace":
            return {name: value for name, value in patch.items() if name != _PATCH}
        case "delete":
            return {}
        case other:
            raise StrategicPatchInvalid(f"unknown patch type found: {other}")


def _retained(target: Manifest, patch: Manifest) -> Manifest:
    kept = patch[_RETAIN]
    if not isinstance(kept, list):
        raise StrategicPatchInvalid(f"{_RETAIN} has to be a list of keys")
    lost = [name for name, value in patch.items() if name not in {_RETAIN, *kept} and value is not None]
    if lost:
        raise StrategicPatchInvalid(f"{_RETAIN} has to name every key that the patch sets, and lacks {lost[0]}")
    return {name: value for name, value in target.items() if name in kept}


def _added(value: Any, schema: Manifest) -> Any:
    """A value where there was none: what it removes is not there anyhow."""
    if isinstance(value, dict):
        return _map({}, value, schema)
    if isinstance(value, list) and _is_merged(schema):
        return _list([], value, schema)
    return value


def _value(old: Any, new: Any, schema: Manifest) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return _map(old, new, schema)
    if isinstance(old, list) and isinstance(new, list) and _is_merged(schema):
        return _list(old, new, schema)
    return new


def _list(old: list[Any], new: list[Any], schema: Manifest) -> list[Any]:
    key = schema.get(_MERGE_KEY)
    if key is None:
        return ordered([*dict.fromkeys([*old, *new])], new, old, None)
    old, new = _without_special_items(old, new, key)
    result = list(old)
    for item in new:
        at = next((i for i, each in enumerate(result) if each.get(key) == item[key]), None)
        if at is None:
            result.append(_map({}, item, schema.get("items", {})))
        else:
            result[at] = _map(result[at], item, schema.get("items", {}))
    return ordered(result, new, old, key)


def _without_special_items(old: list[Any], new: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """The items before and those to be merged, after the items that only say what to replace or to delete."""
    plain = []
    for item in new:
        if not isinstance(item, dict):
            raise StrategicPatchInvalid(f"an item of a list that is merged by {key} has to be an object")
        match item.get(_PATCH):
            case None | "merge":
                plain.append({name: value for name, value in item.items() if name != _PATCH})
            case "replace":
                return [], [each for each in new if _PATCH not in each]
            case "delete":
                value = _key_of(item, key)
                old = [each for each in old if each.get(key) != value]
            case other:
                raise StrategicPatchInvalid(f"unknown patch type found: {other}")
    for item in plain:
        _key_of(item, key)
    return old, plain


def _key_of(item: Manifest, key: str) -> Any:
    if key not in item:
        raise StrategicPatchInvalid(f"map: {item} does not contain declared merge key: {key}")
    return item[key]


def _delete(target: Manifest, patch: Manifest, directive: str) -> None:
    name, value = directive.removeprefix(_DELETE), patch[directive]
    if not isinstance(value, list):
        raise StrategicPatchInvalid(f"{directive} has to be a list")
    if isinstance(target.get(name), list):
        target[name] = [item for item in target[name] if item not in value]


def _order(target: Manifest, patch: Manifest, directive: str, known: tuple[Manifest, Manifest]) -> None:
    (stood, schema), name, order = known, directive.removeprefix(_ORDER), patch[directive]
    key = _part(schema, name).get(_MERGE_KEY)
    if not isinstance(order, list):
        raise StrategicPatchInvalid(f"{directive} has to be a list")
    trouble = check_order(patch.get(name) or [], order, key)
    if trouble:
        raise StrategicPatchInvalid(f"{directive}: {trouble}")
    if isinstance(target.get(name), list):
        target[name] = ordered(target[name], order, stood.get(name, []), key)


def _is_merged(schema: Manifest) -> bool:
    return "merge" in schema.get(_STRATEGY, "").split(",")


def _part(schema: Manifest, name: str) -> Manifest:
    """The schema of one key; empty where nothing is known of it."""
    known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
    return known if isinstance(known, dict) else {}
