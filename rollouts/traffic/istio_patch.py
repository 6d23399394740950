"""From rules as they were read to rules as they are to be, as RFC 6902 operations that first test what they change.

Pure. Knows nothing of weights or cookies: it sees two lists of rules and says the least that makes one the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.traffic.istio_rules import Placed


def rule_operations(rules: list[Manifest], placed: Sequence[Placed], section: str = "http") -> list[Manifest]:
    """Tests and changes in the list `spec.<section>`; empty if there is nothing to change.

    Rules that stay are changed where they were read, then what is no longer there is removed from the last to the
    first, then what is new is put in from the first to the last: so each place is the right one when it is used.
    """
    stay = {one.index: one.rule for one in placed if one.index is not None}
    changed = {index: rule for index, rule in stay.items() if rule != rules[index]}
    gone = [index for index in range(len(rules)) if index not in stay]
    new = [(index, one) for index, one in enumerate(placed) if one.index is None]
    beside = {index for place, _ in new for index in _neighbours(placed, place)}
    at = [f"/spec/{section}/{index}" for index in range(max(len(rules), len(placed)))]
    return [
        *(test for index in sorted({*changed, *gone, *beside}) for test in _test_identity(rules[index], at[index])),
        *(test for index in sorted(changed) for test in _test_destinations(rules[index], changed[index], at[index])),
        *(change for index in sorted(changed) for change in _changes(rules[index], changed[index], at[index])),
        *({"op": "remove", "path": at[index]} for index in reversed(gone)),
        *({"op": "add", "path": at[index], "value": one.rule} for index, one in new),
    ]


def _neighbours(placed: Sequence[Placed], place: int) -> Iterator[int]:
    """Where the rules that stay on either side of a new one were read."""
    before = (one.index for one in reversed(placed[:place]) if one.index is not None)
    after = (one.index for one in placed[place:] if one.index is not None)
    yield from (index for index in (next(before, None), next(after, None)) if index is not None)


def _test_identity(rule: Manifest, path: str) -> Iterator[Manifest]:
    """That it is the rule that was read: by its name, else by what it matches."""
    for key in ("name", "match"):
        if key in rule:
            yield {"op": "test", "path": f"{path}/{key}", "value": rule[key]}
            return


def _test_destinations(before: Manifest, after: Manifest, path: str) -> Iterator[Manifest]:
    old, new = before.get("route") or [], after.get("route") or []
    for place, (known, wanted) in enumerate(zip(old, new, strict=False)):
        if known != wanted and "destination" in known:
            yield {"op": "test", "path": f"{path}/route/{place}/destination", "value": known["destination"]}


def _changes(before: Any, after: Any, path: str) -> Iterator[Manifest]:
    """The changes that make one JSON value the other. Lists of different length are one value."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from ({"op": "remove", "path": child(path, key)} for key in before if key not in after)
        for key, value in after.items():
            if key in before:
                yield from _changes(before[key], value, child(path, key))
            else:
                yield {"op": "add", "path": child(path, key), "value": value}
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _changes(old, new, child(path, str(index)))
    else:
        yield {"op": "replace", "path": path, "value": after}


def child(path: str, key: str) -> str:
    """The JSON pointer (RFC 6901) to what stands under a key."""
    return f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
