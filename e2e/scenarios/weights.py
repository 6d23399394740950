"""What share the routes give each subset: as the VirtualService says, and as Envoy's own configuration does. Pure.

A share is a percentage of what the two subsets of the Canary have together; a third one's part does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_PARTS = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
Shares = tuple[tuple[str, int], ...]
"""Subsets and their shares in percent, by name."""


def shares_in_rules(
    virtual_service: Json, subsets: frozenset[str], named: frozenset[str] = frozenset()
) -> Shares | None:
    """The shares in the first rule that names both subsets; None if there is none with a weight for either.

    Only rules with these names are looked at, if any are given.
    """
    for rule in virtual_service["spec"].get("http", ()):
        if named and rule.get("name") not in named:
            continue
        weights = {
            route["destination"].get("subset", ""): route.get("weight", 0) for route in rule.get("route", ())
        }  # fmt: skip
        if subsets <= weights.keys():
            return _in_percent({name: weights[name] for name in subsets})
    return None


def shares_in_envoy(dump: Json, service: str, subsets: frozenset[str]) -> Shares | None:
    """The shares of the route that leads to the most of these subsets; None where none leads to any.

    istiod leaves a cluster with weight 0 out, and a lone one may stand without weights: so a rule for one subset alone
    looks the same. The scenario's own rule stands last in its VirtualService, and so in Envoy.
    """
    found: Shares | None = None
    for action in _actions(dump):
        weights = dict.fromkeys(subsets, 0)
        for cluster, weight in _clusters(action):
            _, _, subset, host = (*cluster.split("|"), "", "", "")[:4]
            if host.split(".")[0] == service and subset in weights:
                weights[subset] += weight
        found = _in_percent(weights) or found
    return found


def copies_in_envoy(dump: Json, service: str, subsets: frozenset[str]) -> Shares:
    """What part of the requests is copied to each subset, in percent, by whichever route copies the most."""
    copied = dict.fromkeys(sorted(subsets), 0)
    for action in _actions(dump):
        for policy in action.get("request_mirror_policies", ()):
            _, _, subset, host = (*policy.get("cluster", "").split("|"), "", "", "")[:4]
            if host.split(".")[0] == service and subset in copied:
                share = policy.get("runtime_fraction", {}).get("default_value", {"numerator": 100})
                part = 100 * share.get("numerator", 0) / _PARTS[share.get("denominator", "HUNDRED")]
                copied[subset] = max(copied[subset], round(part))
    return tuple(copied.items())


def share_of(shares: Shares | None, subset: str) -> int | None:
    """The share of one subset."""
    return dict(shares).get(subset) if shares is not None else None


def _in_percent(weights: Mapping[str, int]) -> Shares | None:
    total = sum(weights.values())
    if not total:
        return None
    return tuple((name, round(100 * weights[name] / total)) for name in sorted(weights))


def _actions(dump: Json) -> Iterator[Json]:
    for config in dump.get("configs", ()):
        for host in config.get("route_config", {}).get("virtual_hosts", ()):
            for route in host.get("routes", ()):
                yield route.get("route", {})


def _clusters(action: Json) -> list[tuple[str, int]]:
    if "cluster" in action:
        return [(action["cluster"], 100)]
    weighted = action.get("weighted_clusters", {}).get("clusters", ())
    return [(cluster["name"], cluster.get("weight", 0)) for cluster in weighted]
