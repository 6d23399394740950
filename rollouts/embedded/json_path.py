r"""The JSONPaths of printer columns: names, indexes, and filters by one equal value. Pure.

As the definition of a custom kind writes them: `.status.conditions[?(@.type=="Ready")].status`. A dot in a name is
written `\.`; `['name']` and `[*]` work too. A path that is not understood finds nothing.
"""

from __future__ import annotations

import re
from typing import Any

_PART = re.compile(
    r"\.(?P<name>(?:\\.|[^.\[\\])+)"
    r"|\[(?P<quote>['\"])(?P<quoted>[^'\"]+)(?P=quote)\]"
    r"|\[(?P<index>-?\d+)\]"
    r"|\[(?P<every>\*)\]"
    r"|\[\?\(\s*@\.(?P<field>[\w.]+)\s*==\s*(?P<mark>['\"])(?P<value>[^'\"]*)(?P=mark)\s*\)\]"
)


def found(path: str, manifest: Any) -> list[Any]:
    """All values at the path, in order; none where anything on the way is absent."""
    values, rest = [manifest], path if path.startswith((".", "[")) else f".{path}"
    while rest and rest != ".":
        part = _PART.match(rest)
        if part is None:
            return []
        values = [each for value in values for each in _step(value, part)]
        rest = rest[part.end() :]
    return values


def _step(value: Any, part: re.Match[str]) -> list[Any]:
    if part["name"] or part["quoted"]:
        name = part["quoted"] or re.sub(r"\\(.)", r"\1", part["name"])
        return [value[name]] if isinstance(value, dict) and name in value else []
    if isinstance(value, dict) and part["every"]:
        return [*value.values()]
    if not isinstance(value, list):
        return []
    if part["every"]:
        return value
    if part["index"]:
        return value[int(part["index"]) :][:1]
    return [item for item in value if [str(each) for each in found(part["field"], item)] == [part["value"]]]
