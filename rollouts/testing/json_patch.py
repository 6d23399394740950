"""RFC 6902's test, add, replace and remove on a copy, as small as tests need: an independent judge of our patches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any


class PatchRefused(Exception):
    """An operation did not fit the document."""


def patched(document: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """The document after all operations. Raises PatchRefused, LookupError, TypeError or ValueError if one won't fit."""
    result = copy.deepcopy(document)
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = result
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if isinstance(place, list):
            _change_list(place, last, operation)
        else:
            _change_map(place, last, operation)
    return result


def _change_map(place: dict[str, Any], name: str, operation: dict[str, Any]) -> None:
    match operation["op"]:
        case "test":
            if place.get(name) != operation["value"]:
                raise PatchRefused(operation["path"])
        case "remove":
            del place[name]
        case "replace" if name not in place:
            raise PatchRefused(operation["path"])
        case _:
            place[name] = operation["value"]


def _change_list(place: list[Any], name: str, operation: dict[str, Any]) -> None:
    match operation["op"]:
        case "test":
            if place[int(name)] != operation["value"]:
                raise PatchRefused(operation["path"])
        case "remove":
            del place[int(name)]
        case "replace":
            place[int(name)] = operation["value"]
        case _:
            if name != "-" and int(name) > len(place):
                raise PatchRefused(operation["path"])
            place.insert(len(place) if name == "-" else int(name), operation["value"])
