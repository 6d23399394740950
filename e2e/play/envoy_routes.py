"""What shares Envoy itself says it gives the canary, read from the configuration it dumps. Pure.

Our routes are known by their names, which istiod takes from the VirtualService's rules. Routes by which a cookie keeps
clients where they are do not count: they give no share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from e2e.play.seen import PRIMARY, TARGET, Shares

Json = dict[str, Any]
_CANARY = f"|{TARGET}-canary."
_PRIMARY = f"|{PRIMARY}."
_EVERYTHING = f"rollouts-{TARGET}"
_MATCHING = f"{_EVERYTHING}-match"
_PARTS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}


def read_shares(dump: Json) -> Shares | None:
    """What our routes give the canary; None where there is no route of ours to both copies."""
    named: dict[str, Json] = {}
    for route in _routes(dump):
        named.setdefault(route.get("name", ""), route.get("route", {}))
    others = _canary_percent(named.get(_EVERYTHING, {}))
    if others is None:
        return None
    matched = _canary_percent(named[_MATCHING]) if _MATCHING in named else others
    return None if matched is None else Shares(matched, others, _mirror_percent(named[_EVERYTHING]))


def _canary_percent(action: Json) -> int | None:
    shares = _shares(action)
    canary = sum(weight for name, weight in shares if _CANARY in name)
    primary = sum(weight for name, weight in shares if _PRIMARY in name)
    return round(100 * canary / (canary + primary)) if canary + primary > 0 else None


def _mirror_percent(action: Json) -> int:
    """What part of the requests is copied to the canary."""
    parts = 0.0
    for policy in action.get("request_mirror_policies", ()):
        if _CANARY in policy.get("cluster", ""):
            share = policy.get("runtime_fraction", {}).get("default_value", {"numerator": 100})
            parts += 100 * share.get("numerator", 0) / _PARTS[share.get("denominator", "HUNDRED")]
    return round(parts)


def _routes(dump: Json) -> Iterator[Json]:
    for config in dump.get("configs", ()):
        for host in config.get("route_config", {}).get("virtual_hosts", ()):
            yield from host.get("routes", ())


def _shares(action: Json) -> list[tuple[str, int]]:
    """Clusters and weights; istiod leaves out a cluster with weight 0, and a lone one may stand without weights."""
    if "cluster" in action:
        return [(action["cluster"], 100)]
    weighted = action.get("weighted_clusters", {}).get("clusters", ())
    return [(cluster["name"], cluster.get("weight", 0)) for cluster in weighted]
