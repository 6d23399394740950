"""What share Envoy itself says it gives the canary, read from the configuration it dumps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from e2e.first_light.facts import PRIMARY, TARGET

Json = dict[str, Any]
_CANARY = f"|{TARGET}-canary."
_PRIMARY = f"|{PRIMARY}."


def canary_percent(dump: Json) -> int | None:
    """The canary's percent of what the first route of ours gives the two copies; None where there is no such route."""
    for route in _routes(dump):
        shares = _shares(route.get("route", {}))
        canary = sum(weight for name, weight in shares if _CANARY in name)
        primary = sum(weight for name, weight in shares if _PRIMARY in name)
        if canary + primary > 0:
            return round(100 * canary / (canary + primary))
    return None


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
