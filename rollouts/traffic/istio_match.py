"""Conditions of a rule together with conditions of ours: requests that fulfil both. Pure.

A rule takes a request that fulfils one of its matches, and a match says all that has to hold. So both together are
every pair of one of theirs and one of ours. Istio can't say two conditions on the same header, parameter or path.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import Manifest

_BY_NAME = ("headers", "queryParams", "sourceLabels")
MATCHES_MAX = 64
"""More pairs than this would make a rule that nobody can read."""


def combined(theirs: list[Manifest], ours: tuple[Manifest, ...]) -> tuple[Manifest, ...] | str:
    """The matches of a rule that takes what fulfils one of theirs and one of ours; else why none can, in words."""
    if not theirs:
        return ours
    if len(theirs) * len(ours) > MATCHES_MAX:
        return f"{len(theirs)} matches of its own and {len(ours)} of the Canary are more than {MATCHES_MAX} pairs"
    pairs = []
    for their in theirs:
        for our in ours:
            both = _both(their, our)
            if isinstance(both, str):
                return both
            pairs.append(both)
    return tuple(pairs)


def _both(their: Manifest, our: Manifest) -> Manifest | str:
    both: dict[str, Any] = dict(their)
    for key, condition in our.items():
        if key not in _BY_NAME:
            if key in both and both[key] != condition:
                return f"it matches on {key} itself, and one match can't say both conditions"
            both[key] = condition
            continue
        known = both.get(key) or {}
        twice = next((name for name, text in condition.items() if name in known and known[name] != text), None)
        if twice is not None:
            return f"it matches on {key} {twice} itself, and one match can't say both conditions"
        both[key] = {**known, **condition}
    return both
