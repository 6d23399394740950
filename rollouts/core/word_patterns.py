"""Regular expressions that are put into a query: those of pods, and whether one is whole. RE2's syntax; pure."""

from __future__ import annotations

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes the names of ReplicaSets and pods of: no vowels, so that no word comes out."""
_GENERATED_MAX = 58
"""Longer beginnings of a generated name are cut there, for its five random characters."""
_HASH_MAX = 10


def pods_pattern(workload: str, *, per_node: bool) -> str:
    """The names of the pods of one Deployment, or where there is one `per_node` of a DaemonSet.

    So tight that pods of `app-primary` or `app-worker` are none of `app`'s.
    """
    name, five = workload[:_GENERATED_MAX].replace(".", r"\."), f"{_RANDOM}{{5}}"
    if per_node:
        return f"{name}-{five}" if len(workload) < _GENERATED_MAX else f"{name}{five}"
    if len(workload) + 1 + _HASH_MAX + 1 <= _GENERATED_MAX:
        return f"{name}-{_RANDOM}{{1,{_HASH_MAX}}}-{five}"
    # The hash may be cut off, or the name itself.
    return f"{name}(-{_RANDOM}{{0,{_HASH_MAX}}}-?)?{five}"


def is_closed(pattern: str) -> bool:
    """Whether all that is opened in a regular expression is closed in it: then it ends nothing that is around it."""
    depth, in_class, skip = 0, False, False
    for at, char in enumerate(pattern):
        if skip:
            skip = False
        elif char == "\\":
            if pattern[at + 1 : at + 2] in {"", "Q", "E"}:
                return False
            skip = True
        elif in_class:
            in_class = char != "]" or pattern[at - 1] == "[" or pattern[at - 2 : at] == "[^"
        elif char == "[":
            in_class = True
        else:
            depth += {"(": 1, ")": -1}.get(char, 0)
            if depth < 0:
                return False
    return depth == 0 and not in_class
