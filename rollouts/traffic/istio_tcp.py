"""Connections shared between our two hosts: the one tcp route of ours in a VirtualService.

Pure. A tcp route has no name, so ours is the first that leads to a host of ours; those of others stay as they are.
"""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.core.routing import Routing
from rollouts.traffic.istio_rule import Hosts, WantedRule, shared_routes
from rollouts.traffic.istio_rules import Placed


def tcp_rules_of(manifest: Manifest | None) -> list[Manifest]:
    """The tcp routes of a VirtualService, in the order in which they are tried."""
    return [] if manifest is None else (manifest.get("spec") or {}).get("tcp") or []


def find_tcp(rules: list[Manifest], hosts: Hosts) -> Manifest | None:
    """Ours; None if there is none."""
    place = _place(rules, hosts)
    return None if place is None else rules[place]


def placed_tcp(owner: Owner, spec: CanarySpec, rules: list[Manifest], share: Routing) -> list[Placed]:
    """All tcp routes as they are to be, in order: a new one of ours stands before what takes everything."""
    hosts = Hosts.of(owner, spec)
    place = _place(rules, hosts)
    wanted = WantedRule("", share.weight, parts=share.weight_total)
    placed = [Placed(index, rule) for index, rule in enumerate(rules)]
    if place is None:
        catching = (index for index, rule in enumerate(rules) if not rule.get("match"))
        placed.insert(next(catching, len(rules)), Placed(None, {"route": shared_routes({}, wanted, hosts)}))
    else:
        placed[place] = Placed(place, rules[place] | {"route": shared_routes(rules[place], wanted, hosts)})
    return placed


def without_tcp(rules: list[Manifest], hosts: Hosts) -> list[Placed]:
    """All tcp routes but those that lead to hosts of ours alone."""
    return [Placed(index, rule) for index, rule in enumerate(rules) if not _is_only_ours(rule, hosts)]


def _place(rules: list[Manifest], hosts: Hosts) -> int | None:
    return next((index for index, rule in enumerate(rules) if any(_ours(rule, hosts))), None)


def _is_only_ours(rule: Manifest, hosts: Hosts) -> bool:
    return bool(rule.get("route")) and all(_ours(rule, hosts))


def _ours(rule: Manifest, hosts: Hosts) -> list[bool]:
    return [hosts.is_ours(route.get("destination", {})) for route in rule.get("route") or []]
