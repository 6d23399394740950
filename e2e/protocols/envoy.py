"""What share Envoy's own configuration gives one of two clusters: of connections in its listeners, of requests in its
routes. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
Key = tuple[str, str]
"""Service and subset."""


def share_in(dumps: Collection[Json], sides: Collection[Key], of: Key) -> int | None:
    """The percentage that one side has of what all of them have, in the first action that leads to any.

    istiod leaves out a cluster with weight 0, and a lone one may stand without weights. None where nothing leads there.
    """
    for action in (found for dump in dumps for found in _actions(dump)):
        weights = dict.fromkeys(sides, 0)
        for cluster, weight in _clusters(action):
            if (key := _key(cluster)) in weights:
                weights[key] += weight
        if total := sum(weights.values()):
            return round(100 * weights[of] / total)
    return None


def _actions(dump: Json) -> Iterator[Json]:
    for config in dump.get("configs", ()):
        for host in config.get("route_config", {}).get("virtual_hosts", ()):
            for route in host.get("routes", ()):
                yield route.get("route", {})
        listener = config.get("active_state", {}).get("listener", {})
        for chain in listener.get("filter_chains", ()):
            for one in chain.get("filters", ()):
                yield one.get("typed_config", {})


def _clusters(action: Json) -> list[tuple[str, int]]:
    if "cluster" in action:
        return [(action["cluster"], 100)]
    weighted = action.get("weighted_clusters", {}).get("clusters", ())
    return [(cluster["name"], cluster.get("weight", 0)) for cluster in weighted]


def _key(cluster: str) -> Key:
    """`outbound|443|v1|vault.default.svc.cluster.local` is vault's v1."""
    _, _, subset, host = (*cluster.split("|"), "", "", "", "")[:4]
    return host.split(".")[0], subset
