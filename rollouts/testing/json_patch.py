"""RFC 6902's test, add and replace on a copy, as small as the tests need it: an independent judge of our patches."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any


class PatchRefused(Exception):
    """An operation did not fit the document."""


def patched(document: Any, operations: Sequence[dict[str, Any]]) -> Any:
    """The document after all operations. Raises PatchRefused if one does not fit."""
    result = copy.deepcopy(document)
    for operation in operations:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = result
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] == "test":
            if place.get(last) != operation["value"]:
                raise PatchRefused(operation["path"])
        elif operation["op"] == "replace" and last not in place:
            raise PatchRefused(operation["path"])
        else:
            place[last] = operation["value"]
    return result
