"""Which routes of a user's VirtualService share requests between the two sides, and how they are to share them.

Pure. A destination is known by its side, wherever it stands; all else in a route, and every other route, is the user's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.api.subsets import RouteRef
from rollouts.core.parts import part_of
from rollouts.traffic.istio_weight import total_of, weighing, weight_of
from rollouts.traffic.user_sides import Pair

SECTIONS = ("http", "tls", "tcp")
Lists = Mapping[str, Sequence[Manifest]]
"""The routes of one VirtualService, by their section."""
_CALLED = {"http": "http rule", "tls": "tls route", "tcp": "tcp route"}
_NO_DESTINATIONS = {
    "delegate": "delegates its requests: name the VirtualService that they go to in routeRefs",
    "redirect": "redirects its requests: name another rule",
    "directResponse": "answers its requests itself: name another rule",
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a route stands."""

    section: str
    index: int


@dataclass(frozen=True, slots=True)
class Steered:
    """The routes that are a Canary's to steer, by their place; or why that can't be told."""

    places: tuple[Place, ...] = ()
    flaw: str = ""


def find_steered(lists: Lists, ref: RouteRef, pair: Pair) -> Steered:
    """The routes that `ref` selects. Where it selects none: with subsets those that have both, else the only one that
    has one of them; with targetRef those that lead to the clients' Service.

    Rules of testers are looked at in no other way than by their name.
    """
    if ref.selects:
        found = [*(_named(lists, name) for name in ref.rules), *_by_match(lists, ref)]
    else:
        found = [_leading(lists, pair, apart=ref.canary_rules)]
    return _checked(lists, found, pair)


def find_testing(lists: Lists, ref: RouteRef, pair: Pair) -> Steered:
    """The rules of testers."""
    return _checked(lists, [_named(lists, name) for name in ref.canary_rules], pair)


def host_of(rule: Manifest, pair: Pair) -> str:
    """The host of the two sides, as the rule says it."""
    ours = [route["destination"] for route in _routes(rule) if side_in(route, pair)]
    return str(ours[0].get("host", "")) if ours else ""


def weights_in(rule: Manifest, pair: Pair) -> dict[str, int]:
    """What each of the two has; a lone destination has everything."""
    routes = _routes(rule)
    alone = len(routes) == 1 and routes[0].get("weight") is None
    found = {side_in(route, pair): 100 if alone else weight_of(route) for route in routes}
    return {name: found.get(name, 0) for name in pair.names}


def part_in(rule: Manifest, pair: Pair, parts: int) -> int | None:
    """The canary's part of what both have, to the nearest of so many parts; None if neither has anything."""
    stable, canary = weights_in(rule, pair).values()
    return part_of(parts, canary, stable + canary) if stable + canary else None


def others_in(rule: Manifest, pair: Pair) -> int:
    """What all destinations have that are neither."""
    return sum(weight_of(route) for route in _routes(rule) if not side_in(route, pair))


def shared(rule: Manifest, pair: Pair, weight: int, parts: int) -> Manifest:
    """The rule with that share for the canary, of what both have. A lone destination becomes two if both get something.

    Equal to `rule` if its weights say so already, up to the rounding of their sum.
    """
    routes: list[dict[str, Any]] = list(_routes(rule))
    others = others_in(rule, pair)
    total = total_of(sum(weights_in(rule, pair).values()) + others, others, parts)
    canary = part_of(total, weight, parts)
    wanted = {pair.stable: total - canary, pair.canary: canary}
    for name in pair.names:
        if wanted[name] and not _count(rule, name, pair):
            beside = next(route for route in routes if side_in(route, pair))
            routes.append(copy.deepcopy({**beside, "destination": pair.destination_of(name, beside["destination"])}))
    if len(routes) == 1:
        return rule
    weighed = [weighing(route, wanted[side]) if (side := side_in(route, pair)) in wanted else route for route in routes]
    return rule if weighed == rule.get("route") else {**rule, "route": weighed}


def side_in(route: Manifest, pair: Pair) -> str:
    """The name of the side that one weighed destination leads to; empty if it is neither."""
    return pair.side_of(route.get("destination") or {})


def several_hosts(rules: Sequence[Manifest], pair: Pair) -> str:
    """That rules are about the subsets of more than one host, for a person; empty if they are not."""
    hosts = sorted({host_of(rule, pair) for rule in rules})
    if pair.service is not None or len(hosts) < 2:
        return ""
    return f"its rules have these subsets of several hosts ({', '.join(hosts)}): name one host's in routeRefs.rules"


def _named(lists: Lists, name: str) -> list[Place] | str:
    found = [Place("http", index) for index, rule in enumerate(lists["http"]) if rule.get("name") == name]
    if len(found) == 1:
        return found
    how = "no http rule" if not found else "several http rules"
    return f"{how} named {name}: correct spec.routeRefs, or the names of the rules"


def _by_match(lists: Lists, ref: RouteRef) -> Iterator[list[Place] | str]:
    wanted = [("tls", one.port, frozenset(one.sni_hosts)) for one in ref.tls]
    wanted += [("tcp", one.port, frozenset()) for one in ref.tcp]
    for section, port, hosts in wanted:
        found = [Place(section, i) for i, route in enumerate(lists[section]) if _matches(route, port, hosts)]
        said = " and ".join([f"port {port}"] * (port is not None) + [f"SNI host {host}" for host in sorted(hosts)])
        yield found or f"no {section} route matches {said}: correct spec.routeRefs, or add the route"


def _matches(route: Manifest, port: int | None, hosts: frozenset[str]) -> bool:
    return any(
        (port is None or match.get("port") == port) and hosts <= set(match.get("sniHosts") or ())
        for match in route.get("match") or ()
    )


def _leading(lists: Lists, pair: Pair, *, apart: Sequence[str]) -> list[Place] | str:
    looked = {
        Place(section, index): sum(bool(_count(rule, name, pair)) for name in pair.names)
        for section in SECTIONS
        for index, rule in enumerate(lists[section])
        if rule.get("name") not in apart
        and (pair.service is None or _count(rule, pair.stable, pair))
    }  # fmt: skip
    some = [place for place, count in looked.items() if count]
    if pair.service is not None:
        return some or f"no route leads to {pair.in_words()}: correct its host, or name another rule in routeRefs.rules"
    both = [place for place, count in looked.items() if count == 2]
    if both or len(some) == 1:
        return both or some
    how = "several routes lead" if some else "no route leads"
    return f"{how} to one of {pair.in_words()}: name it in routeRefs.rules"


def _checked(lists: Lists, found: Sequence[list[Place] | str], pair: Pair) -> Steered:
    told: set[Place] = set()
    for one in found:
        if isinstance(one, str):
            return Steered(flaw=one)
        told.update(one)
    places = sorted(told)
    flaws = (flaw for place in places if (flaw := _flaw(lists[place.section][place.index], place, pair)))
    return Steered(tuple(places), next(flaws, ""))


def called(rule: Manifest, place: Place) -> str:
    """What messages call a route."""
    return f"{_CALLED[place.section]} {rule.get('name') or place.index + 1}"


def _flaw(rule: Manifest, place: Place, pair: Pair) -> str:
    name = called(rule, place)
    for field, words in _NO_DESTINATIONS.items():
        if field in rule:
            return f"{name} {words}"
    counts = [_count(rule, side, pair) for side in pair.names]
    if not any(counts):
        if pair.service is not None:
            return f"{name} does not lead to {pair.in_words()}: name another rule, or correct its host"
        return f"{name} leads to neither of {pair.in_words()}: name another rule, or add them"
    if max(counts) > 1:
        what = "one subset" if pair.service is None else f"one side of {pair.in_words()}"
        return f"{name} has {what} twice: leave one destination of each"
    hosts = {route["destination"].get("host") for route in _routes(rule) if side_in(route, pair)}
    if pair.service is None and len(hosts) > 1:
        return f"{name} has the subsets of different hosts: write the same host in both destinations"
    return ""


def _count(rule: Manifest, side: str, pair: Pair) -> int:
    return sum(side_in(route, pair) == side for route in _routes(rule))


def _routes(rule: Manifest) -> Sequence[dict[str, Any]]:
    return rule.get("route") or []
