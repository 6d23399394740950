"""Istio's routing objects for a Canary: a host for each copy, and one VirtualService with the weights.

Pure. Whole objects are rendered for server-side apply. Once they exist, `http` and `route` are lists that server-side
apply can only take as a whole, so a weight is written by a JSON Patch that first tests that it hits what was read.
Hosts are short names: Istio reads them in the VirtualService's own namespace, whichever gateway it is bound to.
"""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, Resource
from rollouts.traffic.istio_rule import Destination, Rule, find_rule, names_service, nearest, rule_name
from rollouts.traffic.metadata import canary_service, primary_service, render_metadata

REQUIRED: tuple[Resource, ...] = (VIRTUAL_SERVICES, DESTINATION_RULES)
"""The kinds without which nothing can be routed."""


def render_destination_rules(owner: Owner, spec: CanarySpec) -> tuple[Manifest, Manifest]:
    """The DestinationRules of the primary and of the canary."""
    name = spec.service_name
    return _destination_rule(owner, primary_service(name)), _destination_rule(owner, canary_service(name))


def render_virtual_service(owner: Owner, spec: CanarySpec, weight_percent: int) -> Manifest:
    """The VirtualService that gives the canary `weight_percent` and the primary the rest."""
    name = spec.service_name
    route = [
        {"destination": {"host": primary_service(name)}, "weight": 100 - weight_percent},
        {"destination": {"host": canary_service(name)}, "weight": weight_percent},
    ]
    return {
        "apiVersion": VIRTUAL_SERVICES.api_version,
        "kind": VIRTUAL_SERVICES.kind,
        "metadata": render_metadata(owner, name),
        "spec": {
            "hosts": _hosts(owner, spec),
            "gateways": list(spec.service.gateways),
            "http": [{"name": rule_name(owner), "route": route}],
        },
    }


def observed_weight(owner: Owner, spec: CanarySpec, manifest: Manifest | None) -> int | None:
    """The canary's percent of what our rule gives to our two copies.

    None where no share can be told: the object, the rule or a destination of ours is absent or there twice, or neither
    has any weight. Then the whole object is to be applied again.
    """
    rule = find_rule(owner, spec, manifest)
    return None if rule is None else rule.canary_percent


def weight_operations(owner: Owner, spec: CanarySpec, manifest: Manifest, weight_percent: int) -> list[Manifest]:
    """RFC 6902 operations that give the canary `weight_percent` of what our two have, and touch nothing else.

    `manifest` is the object as read; if it has changed since, the operations fail as a whole. Ours sum to what they
    had, so others in the rule keep their share. Empty if there is nothing to write: the weights are right, or as near
    as their sum allows (below 100, single percents can't be told apart), or nothing in the rule is ours to give.
    """
    rule = find_rule(owner, spec, manifest)
    if rule is None or not rule.our_weight:
        return []
    canary_weight = _part(rule.our_weight, weight_percent)
    wanted = ((rule.primary, rule.our_weight - canary_weight), (rule.canary, canary_weight))
    changes = [_write(rule, ours, weight) for ours, weight in wanted if ours.weight != weight]
    if not changes:
        return []
    version = manifest["metadata"]["resourceVersion"]
    return [
        {"op": "test", "path": f"/spec/http/{rule.index}/name", "value": rule_name(owner)},
        *(_test(rule, ours) for ours, _ in wanted),
        *changes,
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]


def _part(total: int, percent: int) -> int:
    """That percent of a total in whole units; neither side is rounded down to nothing if it is to have something."""
    part = nearest(total * percent, 100)
    if 0 < percent < 100 and total > 1:
        return min(max(part, 1), total - 1)
    return part


def _test(rule: Rule, ours: Destination) -> Manifest:
    return {"op": "test", "path": f"{_route_path(rule, ours)}/destination", "value": ours.destination}


def _write(rule: Rule, ours: Destination, weight: int) -> Manifest:
    operation = "add" if ours.weight is None else "replace"
    return {"op": operation, "path": f"{_route_path(rule, ours)}/weight", "value": weight}


def _route_path(rule: Rule, ours: Destination) -> str:
    return f"/spec/http/{rule.index}/route/{ours.index}"


def _hosts(owner: Owner, spec: CanarySpec) -> list[str]:
    """The user's hosts, and the Service's own name unless they hold it already or take everything."""
    hosts = list(spec.service.hosts)
    if any(host == "*" or names_service(host, spec.service_name, owner.namespace) for host in hosts):
        return hosts
    return [*hosts, spec.service_name]


def _destination_rule(owner: Owner, host: str) -> Manifest:
    return {
        "apiVersion": DESTINATION_RULES.api_version,
        "kind": DESTINATION_RULES.kind,
        "metadata": render_metadata(owner, host),
        "spec": {"host": host},
    }
