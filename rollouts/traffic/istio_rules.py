"""Our rules among all of a VirtualService: each in its place and as it is to be, those of others as they are.

Pure. The last of ours, for everything else, is the anchor: it stays where it stands, and narrower rules of ours come
before it in their order, wherever others have put theirs between.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.core.routing import Routing
from rollouts.traffic.istio_cookie import matched_cookie
from rollouts.traffic.istio_rule import Hosts, corrected, taken_from
from rollouts.traffic.istio_shape import (
    cookie_names,
    primary_session_rule_name,
    rule_name,
    rule_names,
    session_rule_name,
    wanted_rules,
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule as it is to be. `index` is where the same rule was read; None if it is new there."""

    index: int | None
    rule: Manifest


def rules_of(manifest: Manifest | None) -> list[Manifest]:
    """The HTTP rules of a VirtualService, in the order in which they are tried."""
    return [] if manifest is None else (manifest.get("spec") or {}).get("http") or []


def placed_rules(owner: Owner, spec: CanarySpec, rules: list[Manifest], share: Routing) -> list[Placed]:
    """All rules as they are to be, in order."""
    names = rule_names(owner)
    hosts = Hosts.of(owner, spec, _cookies(owner, spec, rules))
    wanted = wanted_rules(owner, spec, share)
    found = {name: _first(rules, name) for name in names}
    source = found[rule_name(owner)]
    kept = [((index, 1), Placed(index, rule)) for index, rule in enumerate(rules) if rule.get("name") not in names]
    ours = []
    limit = _anchor(rules, source, names)
    for step, one in enumerate(reversed(wanted)):
        index = found[one.name]
        rule = corrected(_origin(rules, index, source, hosts), one, hosts)
        if index is not None and (index < limit or index == source):
            limit = index
            ours.append(((index, 1), Placed(index, rule)))
        else:
            ours.append(((limit, -step), Placed(None, rule)))
    return [placed for _, placed in sorted([*kept, *ours], key=lambda pair: pair[0])]


def rendered_rules(owner: Owner, spec: CanarySpec, share: Routing) -> list[Manifest]:
    """Our rules where there are none yet."""
    return [placed.rule for placed in placed_rules(owner, spec, [], share)]


def find_rule(rules: list[Manifest], name: str) -> Manifest | None:
    """The one rule of that name; None if there is none, or more."""
    found = [rule for rule in rules if rule.get("name") == name]
    return found[0] if len(found) == 1 else None


def _first(rules: list[Manifest], name: str) -> int | None:
    return next((index for index, rule in enumerate(rules) if rule.get("name") == name), None)


def _anchor(rules: list[Manifest], source: int | None, names: tuple[str, ...]) -> int:
    """Where our last rule stands or, if it is new, has to: what comes after a rule without match is never reached."""
    if source is not None:
        return source
    others = (i for i, rule in enumerate(rules) if not rule.get("match") and rule.get("name") not in names)
    return next(others, len(rules))


def _origin(rules: list[Manifest], index: int | None, source: int | None, hosts: Hosts) -> Manifest:
    """What a rule is made from: itself, else the one whose requests it takes, else nothing."""
    if index is not None:
        return rules[index]
    return taken_from(rules[source], hosts) if source is not None else {}


def _cookies(owner: Owner, spec: CanarySpec, rules: list[Manifest]) -> frozenset[str]:
    """Cookies of ours: those of the spec, and those that our rules still tell of when the spec has changed."""
    names = session_rule_name(owner), primary_session_rule_name(owner)
    told = (matched_cookie(rule) for rule in rules if rule.get("name") in names)
    return cookie_names(spec.analysis.session_affinity).union(name for name in told if name is not None)
