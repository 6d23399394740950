"""Our one rule inside an Istio VirtualService: where it stands, and what share it gives to whom.

Pure. Reads any VirtualService, also one that others have changed: our rule is known by its name and our destinations by
their hosts, wherever they stand. Writes nothing; see istio.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.traffic.metadata import canary_service, primary_service


@dataclass(frozen=True, slots=True)
class Destination:
    """One of our two destinations as it was read. `weight` is None where the field is absent, which means 0."""

    index: int
    destination: Manifest
    weight: int | None


@dataclass(frozen=True, slots=True)
class Rule:
    """Our rule as it was read. Weights are Istio's: shares of their sum."""

    index: int
    primary: Destination
    canary: Destination
    others_weight: int
    """What the destinations of others in this rule have together."""

    @property
    def our_weight(self) -> int:
        """What our two destinations have together; with none set, what others leave of 100."""
        ours = (self.primary.weight or 0) + (self.canary.weight or 0)
        return ours or max(100 - self.others_weight, 0)

    @property
    def canary_percent(self) -> int | None:
        """The canary's part of what our two have, to the nearest percent; None if neither has any."""
        canary = self.canary.weight or 0
        ours = canary + (self.primary.weight or 0)
        return nearest(100 * canary, ours) if ours else None


def rule_name(owner: Owner) -> str:
    """The name by which our rule is known."""
    return f"rollouts-{owner.name}"


def find_rule(owner: Owner, spec: CanarySpec, manifest: Manifest | None) -> Rule | None:
    """Our rule; None if it is absent, there twice, or has not exactly one destination for each of our copies."""
    rules = [] if manifest is None else manifest.get("spec", {}).get("http") or []
    named = [(index, rule) for index, rule in enumerate(rules) if rule.get("name") == rule_name(owner)]
    if len(named) != 1:
        return None
    index, rule = named[0]
    routes = rule.get("route") or []
    primary = _only(routes, primary_service(spec.service_name), owner.namespace)
    canary = _only(routes, canary_service(spec.service_name), owner.namespace)
    if primary is None or canary is None:
        return None
    ours = {primary.index, canary.index}
    others = sum(route.get("weight") or 0 for place, route in enumerate(routes) if place not in ours)
    return Rule(index, primary, canary, others)


def names_service(host: str, service: str, namespace: str) -> bool:
    """Whether a host, short or qualified, means that Service. Istio reads short ones in the route's namespace."""
    return host in {service, f"{service}.{namespace}", f"{service}.{namespace}.svc"} or host.startswith(
        f"{service}.{namespace}.svc."
    )


def nearest(numerator: int, denominator: int) -> int:
    """The quotient of non-negative integers, rounded half up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _only(routes: list[dict[str, Any]], service: str, namespace: str) -> Destination | None:
    found = [
        Destination(index, route["destination"], route.get("weight"))
        for index, route in enumerate(routes)
        if names_service(route.get("destination", {}).get("host", ""), service, namespace)
    ]
    return found[0] if len(found) == 1 else None
