"""Istio's VirtualService for a Canary: it shares the requests, or the connections, between the two copies.

Pure. Whole objects are rendered for server-side apply. Once they exist, `http` and `route` are lists that server-side
apply can only take as a whole, so rules are written by a JSON Patch that first tests that it hits what was read.
Hosts are short names: Istio reads them in the VirtualService's own namespace, whichever gateway it is bound to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, Resource
from rollouts.core.routing import Routing
from rollouts.traffic.istio_fields import applied_fields, remembered, remembering, wanted_fields, with_fields
from rollouts.traffic.istio_metadata import at_version
from rollouts.traffic.istio_patch import rule_operations
from rollouts.traffic.istio_rule import Hosts, canary_part, names_service
from rollouts.traffic.istio_rules import Placed, find_rule, placed_rules, rendered_rules, rules_of
from rollouts.traffic.istio_shape import match_rule_name, rule_name, rule_names
from rollouts.traffic.istio_tcp import find_tcp, placed_tcp, tcp_rules_of, without_tcp
from rollouts.traffic.metadata import render_metadata

REQUIRED: tuple[Resource, ...] = (VIRTUAL_SERVICES, DESTINATION_RULES)
"""The kinds without which nothing can be routed."""


def render_virtual_service(owner: Owner, spec: CanarySpec, share: Routing) -> Manifest:
    """The VirtualService that shares the requests so."""
    rendered, fields = render_around_rules(owner, spec), wanted_fields(spec)
    if spec.exposure.is_tcp:
        rendered["spec"]["tcp"] = [placed.rule for placed in placed_tcp(owner, spec, [], share)]
    else:
        rendered["spec"]["http"] = [with_fields(rule, fields, {}) for rule in rendered_rules(owner, spec, share)]
    return rendered


def render_around_rules(owner: Owner, spec: CanarySpec) -> Manifest:
    """All of it that does not share requests: it is the same for each share."""
    service = spec.exposure
    metadata = render_metadata(owner, spec.service_name, service.apex)
    metadata["annotations"] |= remembered(wanted_fields(spec))
    reached: Manifest = {"hosts": _hosts(owner, spec), "gateways": list(service.gateways)}
    return {
        "apiVersion": VIRTUAL_SERVICES.api_version,
        "kind": VIRTUAL_SERVICES.kind,
        "metadata": metadata,
        "spec": {} if service.delegation else reached,
    }


def has_rules(manifest: Manifest | None) -> bool:
    """Whether there is a rule at all."""
    return bool(rules_of(manifest) or tcp_rules_of(manifest))


def observed_weight(owner: Owner, spec: CanarySpec, manifest: Manifest | None) -> int | None:
    """The canary's part, of the spec's weightTotal, of what the rule that carries the weight gives to our two copies.

    That is our rule for the requests that match, if there is one, else our rule for everything. None where no share
    can be told: the object, the rule or a destination of ours is absent or there twice, or neither has any weight.
    Clients that a cookie keeps with the canary are not counted.
    """
    rules, hosts = rules_of(manifest), Hosts.of(owner, spec)
    if spec.exposure.is_tcp:
        connections = find_tcp(tcp_rules_of(manifest), hosts)
        return canary_part(connections, hosts, spec.analysis.weight_total) if connections is not None else None
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
    return all(
        [placed.rule for placed in section.placed] == section.rules
        for section in _sections(owner, spec, manifest, share)
    )


def route_operations(owner: Owner, spec: CanarySpec, manifest: Manifest, share: Routing) -> list[Manifest]:
    """RFC 6902 operations that make our rules share the requests so, and touch nothing else; empty if they do.

    `manifest` is the object as read, with a list of rules, however mangled; if it has changed since, the operations
    fail as a whole. Ours sum to what they had, so others in a rule keep their share. Fields that the spec sets beside
    the routing are written with it.
    """
    fields, before = wanted_fields(spec), applied_fields(manifest)
    operations: list[Manifest] = []
    for section in _sections(owner, spec, manifest, share):
        placed = [
            replace(one, rule=with_fields(one.rule, fields, before))
            if one.rule.get("name") in rule_names(owner)
            else one
            for one in section.placed
        ]
        if section.key not in manifest["spec"]:
            # A list that is not there has no places to put a rule into.
            rules = [one.rule for one in placed]
            operations += [{"op": "add", "path": f"/spec/{section.key}", "value": rules}] if rules else []
        else:
            operations += rule_operations(section.rules, placed, section.key)
    operations += remembering(manifest, fields)
    if spec.exposure.delegation:
        reached = (key for key in ("hosts", "gateways") if key in manifest["spec"])
        operations += [{"op": "remove", "path": f"/spec/{key}"} for key in reached]
    return at_version(manifest, operations)


@dataclass(frozen=True, slots=True)
class _Section:
    """One list of rules of a VirtualService."""

    key: str
    rules: list[Manifest]
    placed: list[Placed]


def _sections(owner: Owner, spec: CanarySpec, manifest: Manifest | None, share: Routing) -> tuple[_Section, ...]:
    """Requests and connections: ours stand in one of the lists, and are taken out of the other."""
    http, tcp = rules_of(manifest), tcp_rules_of(manifest)
    if not spec.exposure.is_tcp:
        requests, connections = placed_rules(owner, spec, http, share), without_tcp(tcp, Hosts.of(owner, spec))
    else:
        requests = [Placed(i, rule) for i, rule in enumerate(http) if rule.get("name") not in rule_names(owner)]
        connections = placed_tcp(owner, spec, tcp, share)
    return _Section("http", http, requests), _Section("tcp", tcp, connections)


def _hosts(owner: Owner, spec: CanarySpec) -> list[str]:
    """The user's hosts, and the Service's own name unless they hold it already or take everything."""
    hosts = list(spec.exposure.hosts)
    if any(host == "*" or names_service(host, spec.service_name, owner.namespace) for host in hosts):
        return hosts
    return [*hosts, spec.service_name]
