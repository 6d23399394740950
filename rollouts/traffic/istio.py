"""Istio's routing objects for a Canary: a host for each copy, and one VirtualService that shares the requests.

Pure. Whole objects are rendered for server-side apply. Once they exist, `http` and `route` are lists that server-side
apply can only take as a whole, so rules are written by a JSON Patch that first tests that it hits what was read.
Hosts are short names: Istio reads them in the VirtualService's own namespace, whichever gateway it is bound to.
"""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, Resource
from rollouts.core.routing import Routing
from rollouts.traffic.istio_patch import rule_operations
from rollouts.traffic.istio_rule import Hosts, canary_part, names_service
from rollouts.traffic.istio_rules import find_rule, placed_rules, rendered_rules, rules_of
from rollouts.traffic.istio_shape import match_rule_name, rule_name
from rollouts.traffic.metadata import canary_service, primary_service, render_metadata

REQUIRED: tuple[Resource, ...] = (VIRTUAL_SERVICES, DESTINATION_RULES)
"""The kinds without which nothing can be routed."""


def render_destination_rules(owner: Owner, spec: CanarySpec) -> tuple[Manifest, Manifest]:
    """The DestinationRules of the primary and of the canary."""
    name = spec.service_name
    return _destination_rule(owner, primary_service(name)), _destination_rule(owner, canary_service(name))


def render_virtual_service(owner: Owner, spec: CanarySpec, share: Routing) -> Manifest:
    """The VirtualService that shares the requests so."""
    return {
        "apiVersion": VIRTUAL_SERVICES.api_version,
        "kind": VIRTUAL_SERVICES.kind,
        "metadata": render_metadata(owner, spec.service_name),
        "spec": {
            "hosts": _hosts(owner, spec),
            "gateways": list(spec.exposure.gateways),
            "http": rendered_rules(owner, spec, share),
        },
    }


def observed_weight(owner: Owner, spec: CanarySpec, manifest: Manifest | None) -> int | None:
    """The canary's part, of the spec's weightTotal, of what the rule that carries the weight gives to our two copies.

    That is our rule for the requests that match, if there is one, else our rule for everything. None where no share
    can be told: the object, the rule or a destination of ours is absent or there twice, or neither has any weight.
    Clients that a cookie keeps with the canary are not counted.
    """
    rules, hosts = rules_of(manifest), Hosts.of(owner, spec)
    shares = []
    for name in (match_rule_name(owner), rule_name(owner)):
        if name == rule_name(owner) or any(rule.get("name") == name for rule in rules):
            rule = find_rule(rules, name)
            shares.append(canary_part(rule, hosts, spec.analysis.weight_total) if rule is not None else None)
    return None if None in shares else shares[0]


def carries(owner: Owner, spec: CanarySpec, manifest: Manifest | None, share: Routing) -> bool:
    """Whether the routes do all that is asked: weights as near as the sums in their rules allow (below the
    total, single parts can't be told apart), matches, copies and cookies, in our rules, in their order.
    """
    rules = rules_of(manifest)
    return [placed.rule for placed in placed_rules(owner, spec, rules, share)] == rules


def route_operations(owner: Owner, spec: CanarySpec, manifest: Manifest, share: Routing) -> list[Manifest]:
    """RFC 6902 operations that make our rules share the requests so, and touch nothing else; empty if they do.

    `manifest` is the object as read, with a list of rules, however mangled; if it has changed since, the operations
    fail as a whole. Ours sum to what they had, so others in a rule keep their share.
    """
    rules = rules_of(manifest)
    operations = rule_operations(rules, placed_rules(owner, spec, rules, share))
    if not operations:
        return []
    version = manifest["metadata"]["resourceVersion"]
    return [*operations, {"op": "replace", "path": "/metadata/resourceVersion", "value": version}]


def _hosts(owner: Owner, spec: CanarySpec) -> list[str]:
    """The user's hosts, and the Service's own name unless they hold it already or take everything."""
    hosts = list(spec.exposure.hosts)
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
