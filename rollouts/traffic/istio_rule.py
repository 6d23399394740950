"""One rule of ours inside an Istio VirtualService: what it is to say, and how a rule that was read is brought to it.

Pure. A rule is known by its name and our destinations by their hosts, wherever they stand. What others added to it
(timeout, retries, fault, headers, destinations of their own) stays. Where rules stand is istio_rules.py's matter.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.core.parts import part_of
from rollouts.traffic.istio_cookie import with_cookie
from rollouts.traffic.istio_mirror import mirrored
from rollouts.traffic.istio_weight import total_of, weighing, weight_of
from rollouts.traffic.metadata import canary_service, primary_service

_NOT_ROUTING = ("redirect", "directResponse", "delegate")
"""Istio takes none of these beside destinations: in a rule of ours they would stop all of it."""


@dataclass(frozen=True, slots=True)
class WantedRule:
    """What a rule of ours is to say. Empty fields are to be absent."""

    name: str
    canary_weight: int
    """The canary's part of what our two destinations have, of `parts`."""
    match: tuple[Manifest, ...] = ()
    mirror_percent: int = 0
    primary_cookie: str = ""
    """The Set-Cookie in answers of the primary."""
    canary_cookie: str = ""
    parts: int = 100


@dataclass(frozen=True, slots=True)
class Hosts:
    """Our two destinations, and the cookies that are ours to give in them."""

    primary: str
    canary: str
    namespace: str
    cookies: frozenset[str] = frozenset()
    """Names of cookies. The Set-Cookies of others stay."""

    @classmethod
    def of(cls, owner: Owner, spec: CanarySpec, cookies: frozenset[str] = frozenset()) -> Hosts:
        """Those of a Canary."""
        name = spec.service_name
        return cls(primary_service(name), canary_service(name), owner.namespace, cookies)

    def find(self, rule: Manifest) -> tuple[int, int] | None:
        """Where the primary and the canary stand in the rule; None unless each is there exactly once."""
        primary, canary = list[int](), list[int]()
        for index, route in enumerate(rule.get("route") or []):
            host = route.get("destination", {}).get("host", "")
            if names_service(host, self.primary, self.namespace):
                primary.append(index)
            elif names_service(host, self.canary, self.namespace):
                canary.append(index)
        return (primary[0], canary[0]) if len(primary) == len(canary) == 1 else None

    def is_ours(self, destination: Manifest) -> bool:
        """Whether a destination is one of our two."""
        return self.is_canary(destination) or names_service(destination.get("host", ""), self.primary, self.namespace)

    def is_canary(self, destination: Manifest) -> bool:
        """Whether a destination is the canary."""
        return names_service(destination.get("host", ""), self.canary, self.namespace)


def canary_part(rule: Manifest, hosts: Hosts, parts: int) -> int | None:
    """The canary's part of what our two have, to the nearest of so many parts; None if it can't be told."""
    places = hosts.find(rule)
    if places is None:
        return None
    primary, canary = (weight_of(rule["route"][index]) for index in places)
    return part_of(parts, canary, primary + canary) if primary + canary else None


def corrected(rule: Manifest, wanted: WantedRule, hosts: Hosts) -> Manifest:
    """The rule as it is to be: equal to `rule` if that says what is wanted, up to the rounding of its weights."""
    head: Manifest = {"name": wanted.name} | ({"match": list(wanted.match)} if wanted.match else {})
    rest = {key: value for key, value in rule.items() if key not in (*head, "match", "route", *_NOT_ROUTING)}
    body = mirrored(rest, wanted.mirror_percent, hosts.canary, hosts.is_canary)
    return head | {"route": shared_routes(rule, wanted, hosts)} | body


def taken_from(rule: Manifest, hosts: Hosts) -> Manifest:
    """What a new rule of ours begins with, so that requests taken from `rule` are treated as they were there."""
    routes = [route for route in rule.get("route") or [] if hosts.is_ours(route.get("destination", {}))]
    bare = [{key: value for key, value in route.items() if key != "weight"} for route in routes]
    return copy.deepcopy({**rule, "route": bare})


def names_service(host: str, service: str, namespace: str) -> bool:
    """Whether a host, short or qualified, means that Service. Istio reads short ones in the route's namespace."""
    if host == service or not host.startswith(service):
        return host == service  # nearly all of them, asked for each destination at each look
    rest = host[len(service) :]
    return rest in {f".{namespace}", f".{namespace}.svc"} or rest.startswith(f".{namespace}.svc.")


def shared_routes(rule: Manifest, wanted: WantedRule, hosts: Hosts) -> list[Manifest]:
    """The destinations: ours with what is wanted of what they had, others as they are."""
    routes: list[Manifest] = list(rule.get("route") or [])
    places = hosts.find(rule)
    others = [route for route in routes if not hosts.is_ours(route.get("destination", {}))]
    everything, others_have = (sum(weight_of(route) for route in some) for some in (routes, others))
    total = total_of(everything, others_have, wanted.parts)
    if places is None:
        ours: list[Manifest] = [{"destination": {"host": host}} for host in (hosts.primary, hosts.canary)]
        routes, places = [*ours, *others], (0, 1)
    canary = part_of(total, wanted.canary_weight, wanted.parts)
    shares = zip(places, (total - canary, canary), (wanted.primary_cookie, wanted.canary_cookie), strict=True)
    for index, weight, cookie in shares:
        routes[index] = with_cookie(weighing(routes[index], weight), cookie, hosts.cookies)
    return routes
