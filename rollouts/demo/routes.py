"""What a VirtualService does with requests that are nothing special: its shares, read without knowing whose it is."""

from __future__ import annotations

from rollouts.api.resources import Manifest


def shares_of(route: Manifest | None) -> dict[str, float]:
    """Percent by host, of the first rule that takes everything; empty where there is none, or none that can be read."""
    try:
        return _shares(route or {})
    except (AttributeError, LookupError, TypeError):  # nothing checks the shape of Istio's objects here
        return {}


def _shares(route: Manifest) -> dict[str, float]:
    rules = route.get("spec", {}).get("http") or ()
    rule: Manifest = next((rule for rule in rules if not rule.get("match")), {})
    parts = rule.get("route") or []
    weights = {part.get("destination", {}).get("host", ""): part.get("weight") or 0 for part in parts}
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, 100.0) if len(weights) == 1 else {}
    return {host: 100 * weight / total for host, weight in weights.items()}


def percent_of(route: Manifest | None, host: str) -> float:
    """The share of one host; 0 where it has none."""
    return shares_of(route).get(host, 0.0)
