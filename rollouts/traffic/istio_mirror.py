"""Copies of requests in an Istio rule: ours to the canary, beside those that others have there.

Pure. Istio takes one copy as `mirror`, several as `mirrors`, but never both fields in one rule.
"""

from __future__ import annotations

from collections.abc import Callable

from rollouts.api.resources import Manifest

IsOurs = Callable[[Manifest], bool]
_SINGLE = ("mirror", "mirrorPercentage", "mirrorPercent")
MIRROR_FIELDS = (*_SINGLE, "mirrors")
"""All that a rule may say of copies."""


def mirrored(rule: Manifest, percent: int, host: str, is_ours: IsOurs) -> Manifest:
    """The rule with that percent of its requests copied to our host; with 0, without any copies to it."""
    return copied(rule, percent, {"host": host}, is_ours)


def copied(rule: Manifest, percent: int, to: Manifest, is_ours: IsOurs) -> Manifest:
    """The rule with that percent of its requests copied to that destination; with 0, without any copies to ours.

    Copies of others stay; while ours stand beside them, theirs are written as `mirrors`, with the same meaning.
    """
    single, several = _single(rule), list(rule.get("mirrors") or [])
    if single is not None and is_ours(single["destination"]):
        rule = {key: value for key, value in rule.items() if key not in _SINGLE}
        single = None
    kept = [mirror for mirror in several if not is_ours(mirror.get("destination", {}))]
    rest = {key: value for key, value in rule.items() if key != "mirrors"}
    if percent == 0:
        return rule if kept == several else rest | ({"mirrors": kept} if kept else {})
    value = {"value": percent}
    if single is None and not kept:
        return rest | {"mirror": dict(to), "mirrorPercentage": value}
    theirs = kept if single is None else [single, *kept]
    bare = {key: value for key, value in rest.items() if key not in _SINGLE}
    return bare | {"mirrors": [*theirs, {"destination": dict(to), "percentage": value}]}


def mirror_percent(rule: Manifest, is_ours: IsOurs) -> float:
    """What percent of the rule's requests is copied to our host."""
    single = _single(rule)
    mirrors = [*([single] if single is not None else []), *(rule.get("mirrors") or [])]
    ours = [mirror for mirror in mirrors if is_ours(mirror.get("destination", {}))]
    return max((float(mirror.get("percentage", {}).get("value", 100)) for mirror in ours), default=0.0)


def _single(rule: Manifest) -> Manifest | None:
    """The rule's `mirror`, written as one of `mirrors`. Istio copies everything where no percentage is given."""
    if not rule.get("mirror"):
        return None
    percentage = rule.get("mirrorPercentage") or {"value": rule.get("mirrorPercent", 100)}
    return {"destination": rule["mirror"], "percentage": percentage}
