"""Which http rules of a user's VirtualService share requests between two subsets, and how they are to share them.

Pure. A destination is known by its subset, wherever it stands; all else in a rule, and every other rule, is the user's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.traffic.istio_weight import nearest, part_of, total_of, weighing, weight_of


@dataclass(frozen=True, slots=True)
class Pair:
    """The two subsets by their roles."""

    stable: str
    canary: str

    @property
    def names(self) -> tuple[str, str]:
        """Both."""
        return self.stable, self.canary


@dataclass(frozen=True, slots=True)
class Steered:
    """The rules that are a Canary's to steer, by their place; or why that can't be told."""

    indices: tuple[int, ...] = ()
    flaw: str = ""


def find_steered(rules: Sequence[Manifest], named: Sequence[str], pair: Pair, *, apart: Sequence[str] = ()) -> Steered:
    """The rules of those names; without names those that have both subsets, else the only one that has one of them.

    Rules named in `apart` are looked at in no other way than by their name.
    """
    if named:
        found = [[i for i, rule in enumerate(rules) if rule.get("name") == name] for name in named]
        for name, places in zip(named, found, strict=True):
            if len(places) != 1:
                how = "no http rule" if not places else "several http rules"
                return Steered(flaw=f"{how} named {name}: correct spec.routeRefs, or the names of the rules")
        indices = sorted({place for places in found for place in places})
    else:
        have = [
            0 if rule.get("name") in apart else sum(bool(_places(rule, name)) for name in pair.names) for rule in rules
        ]
        indices = [i for i, count in enumerate(have) if count == 2] or [i for i, count in enumerate(have) if count == 1]
        if not indices or (len(indices) > 1 and have[indices[0]] == 1):
            how = "no http rule leads" if not indices else "several http rules lead"
            return Steered(flaw=f"{how} to one of the subsets {' and '.join(pair.names)}: name it in routeRefs.rules")
    flaws = (flaw for i in indices if (flaw := _flaw(rules[i], i, pair)))
    return Steered(tuple(indices), next(flaws, ""))


def host_of(rule: Manifest, pair: Pair) -> str:
    """The host whose subsets they are, as the rule says it."""
    ours = [route["destination"] for route in rule.get("route") or [] if _subset(route) in pair.names]
    return str(ours[0].get("host", "")) if ours else ""


def weights_in(rule: Manifest, pair: Pair) -> dict[str, int]:
    """What each of the two has; a lone destination has everything."""
    routes = rule.get("route") or []
    alone = len(routes) == 1 and routes[0].get("weight") is None
    found = {_subset(route): 100 if alone else weight_of(route) for route in routes}
    return {name: found.get(name, 0) for name in pair.names}


def percent_in(rule: Manifest, pair: Pair) -> int | None:
    """The canary's part of what both have, to the nearest percent; None if neither has anything."""
    stable, canary = weights_in(rule, pair).values()
    return nearest(100 * canary, stable + canary) if stable + canary else None


def shared(rule: Manifest, pair: Pair, percent: int) -> Manifest:
    """The rule with that share for the canary, of what both have. A lone destination becomes two if both get something.

    Equal to `rule` if its weights say so already, up to the rounding of their sum.
    """
    routes: list[dict[str, Any]] = list(rule.get("route") or [])
    both = sum(weights_in(rule, pair).values())
    others = sum(weight_of(route) for route in routes if _subset(route) not in pair.names)
    total = total_of(both + others, others)
    canary = part_of(total, percent)
    wanted = {pair.stable: total - canary, pair.canary: canary}
    for name in pair.names:
        if wanted[name] and not _places(rule, name):
            beside = next(route for route in routes if _subset(route) in pair.names)
            routes.append({**beside, "destination": {**beside["destination"], "subset": name}})
    if len(routes) == 1:
        return rule
    weighed = [weighing(route, wanted[_subset(route)]) if _subset(route) in wanted else route for route in routes]
    return rule if weighed == rule.get("route") else {**rule, "route": weighed}


def _flaw(rule: Manifest, index: int, pair: Pair) -> str:
    name = f"http rule {rule.get('name') or index + 1}"
    counts = [len(_places(rule, subset)) for subset in pair.names]
    if not any(counts):
        return f"{name} leads to neither of the subsets {' and '.join(pair.names)}: name another rule, or add them"
    if max(counts) > 1:
        return f"{name} has one subset twice: leave one destination of each"
    if len({route["destination"].get("host") for route in rule["route"] if _subset(route) in pair.names}) > 1:
        return f"{name} has the subsets of different hosts: write the same host in both destinations"
    return ""


def several_hosts(rules: Sequence[Manifest], pair: Pair) -> str:
    """That rules are about the subsets of more than one host, for a person; empty if they are not."""
    hosts = sorted({host_of(rule, pair) for rule in rules})
    if len(hosts) < 2:
        return ""
    return (
        f"its http rules have these subsets of several hosts ({', '.join(hosts)}): name one host's in routeRefs.rules"
    )


def _places(rule: Manifest, subset: str) -> list[int]:
    return [index for index, route in enumerate(rule.get("route") or []) if _subset(route) == subset]


def _subset(route: Manifest) -> str:
    return str(route.get("destination", {}).get("subset", ""))
