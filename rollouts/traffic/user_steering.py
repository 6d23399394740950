"""How one Canary steers one VirtualService of the user: from the rules that were read to those that are to be.

Pure. First all is as it was before anything of ours, then shares, copies, cookies and narrower rules are laid over it:
so what somebody reset or edited meanwhile is found right again, and what ends leaves nothing behind.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.api.subsets import RouteRef
from rollouts.api.wire import WEIGHT_TOTAL_MAX
from rollouts.core.routing import Routing
from rollouts.traffic.istio_cookie import matched_cookie, with_cookie
from rollouts.traffic.istio_match import combined
from rollouts.traffic.istio_mirror import MIRROR_FIELDS, copied
from rollouts.traffic.istio_rule import WantedRule
from rollouts.traffic.istio_rules import Placed
from rollouts.traffic.istio_shape import cookie_names, match_rule_name, rule_names, wanted_rules
from rollouts.traffic.user_record import (
    Entry,
    keys_of,
    mirror_as_written,
    read_record,
    restored,
    weights_as_written,
)
from rollouts.traffic.user_rules import (
    SECTIONS,
    Place,
    called,
    find_steered,
    find_testing,
    part_in,
    several_hosts,
    shared,
    side_in,
)
from rollouts.traffic.user_sides import Pair


@dataclass(frozen=True, slots=True)
class Steering:
    """One Canary and one object of its `routeRefs`."""

    owner: Owner
    spec: CanarySpec
    ref: RouteRef
    pair: Pair


@dataclass(frozen=True, slots=True)
class Found:
    """One object as it was read, and as it would be without us."""

    lists: Mapping[str, list[Manifest]]
    """As read, by section."""
    bare: Mapping[str, list[Placed]]
    """Without us."""
    keys: Mapping[str, list[str]]
    """Of the rules in `bare`."""
    record: Mapping[str, Entry]
    cookies: frozenset[str]
    sharing: tuple[Place, ...] = ()
    """In `bare`, as `testing` is; none if there is a flaw."""
    testing: tuple[Place, ...] = ()
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be."""

    placed: Mapping[str, list[Placed]]
    inserted: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    """Destinations of the two sides in the rules that are told of, as `host` or `host|subset`."""
    added: tuple[str, ...] = ()
    """Those of them that were not there before."""
    record: Mapping[str, Entry] = field(default_factory=dict)


def look(steering: Steering, manifest: Manifest) -> Found:
    """What there is to steer, or why nothing can be."""
    pair, ref, record = steering.pair, steering.ref, read_record(steering.owner, manifest)
    spec = manifest.get("spec") or {}
    lists = {section: list(spec.get(section) or []) for section in SECTIONS}
    cookies = _cookies(steering, lists["http"])
    bare, keys = {}, {}
    for section, rules in lists.items():
        kept = [(i, rule) for i, rule in enumerate(rules) if section != "http" or not inserted_kind(steering, rule)]
        keys[section] = keys_of(section, [rule for _, rule in kept])
        bare[section] = [
            Placed(
                i, restored(rule, record.get(key, {}), pair, cookies=cookies, parts=steering.spec.analysis.weight_total)
            )
            for (i, rule), key in zip(kept, keys[section], strict=True)
        ]
    found = Found(lists, bare, keys, record, cookies)
    plain = {section: [one.rule for one in placed] for section, placed in bare.items()}
    sharing, testing = find_steered(plain, ref, pair), find_testing(plain, ref, pair)
    ours = [plain[place.section][place.index] for place in (*sharing.places, *testing.places)]
    flaw = sharing.flaw or testing.flaw or several_hosts(ours, pair) or _strategy_flaw(steering, sharing.places, plain)
    return replace(found, flaw=flaw) if flaw else replace(found, sharing=sharing.places, testing=testing.places)


def plan(steering: Steering, found: Found, share: Routing) -> Plan:
    """All rules as they are to be, and what is to be told of them. As they are, where there is a flaw."""
    if found.flaw:
        return Plan(
            {section: [Placed(i, rule) for i, rule in enumerate(rules)] for section, rules in found.lists.items()}
        )
    placed: dict[str, list[Placed]] = {section: [] for section in SECTIONS}
    record, names, count = {}, [], 0
    ours, added = set[str](), set[str]()
    for section in SECTIONS:
        for index, one in enumerate(found.bare[section]):
            place, key = Place(section, index), found.keys[section][index]
            count += section == "http" and place in found.sharing
            above, rule = _steered(steering, found, place, share, count)
            placed[section] += [Placed(None, narrow) for narrow in above]
            placed[section].append(Placed(one.index, rule))
            names += [narrow["name"] for narrow in above]
            if place in (*found.sharing, *found.testing) and (steering.pair.service is None or rule != one.rule):
                record[key] = _entry(steering, found.record.get(key, {}), one.rule, rule)
                ours |= _destinations(rule, steering.pair.names, steering.pair)
                unwritten = set(steering.pair.names) - record[key]["weights"].keys()
                added |= _destinations(rule, unwritten, steering.pair)
    placed["http"] = _reused(found.lists["http"], placed["http"])
    return Plan(placed, tuple(names), tuple(sorted(ours)), tuple(sorted(added)), record)


def inserted_kind(steering: Steering, rule: Manifest) -> str:
    """The name that a rule which we inserted has but for its number; empty if it is none of ours."""
    name = str(rule.get("name", ""))
    *kinds, _ = rule_names(steering.owner)
    return next((kind for kind in kinds if re.fullmatch(re.escape(kind) + "(-[0-9]+)?", name)), "")


def _steered(
    steering: Steering, found: Found, place: Place, share: Routing, count: int
) -> tuple[list[Manifest], Manifest]:
    """The narrower rules that stand above one rule, and that rule."""
    rule, pair = found.bare[place.section][place.index].rule, steering.pair
    if place in found.testing:
        return [], _divided(rule, pair, share.weight_total if share.testers else 0, share.weight_total)
    if place not in found.sharing:
        return [], rule
    *narrow, base = wanted_rules(steering.owner, steering.spec, share)
    if place.section != "http":
        return [], _divided(rule, pair, base.canary_weight, base.parts)
    # Without weight there is nobody to keep, or to lead apart.
    # Subsets that are added stay until the Canary goes: at once what is inserted is made from both.
    source = rule if pair.service is not None else shared(rule, pair, base.canary_weight, base.parts)
    above = [_inserted(steering, source, one, count) for one in narrow] if share.weight else []
    after = _with_cookies(_divided(rule, pair, base.canary_weight, base.parts), base, found.cookies, pair)
    if base.mirror_percent:
        beside = next(route["destination"] for route in rule["route"] if side_in(route, pair))
        to = pair.destination_of(pair.canary, beside)
        after = copied(after, base.mirror_percent, to, lambda one: pair.side_of(one) == pair.canary)
    return above, after


def _divided(rule: Manifest, pair: Pair, weight: int, parts: int) -> Manifest:
    """With that share. A Service's that gives the canary nothing by itself stays as the user wrote it."""
    rests = pair.service is not None and weight == 0 and not part_in(rule, pair, WEIGHT_TOTAL_MAX)
    return rule if rests else shared(rule, pair, weight, parts)


def _inserted(steering: Steering, rule: Manifest, wanted: WantedRule, count: int) -> Manifest:
    """A rule that takes some of another's requests and treats them as that one does."""
    pair = steering.pair
    both = combined(list(rule.get("match") or []), wanted.match)
    name = wanted.name if count == 1 else f"{wanted.name}-{count}"
    ours = [route for route in rule["route"] if side_in(route, pair)]
    # Of others' shares nothing is left here, so ours are of the whole.
    bare = [{key: value for key, value in route.items() if key != "weight"} for route in ours]
    if len(bare) > 1:
        bare = [{**route, "weight": 0} for route in bare]
    head = {"name": name, "match": copy.deepcopy(list(both)) if not isinstance(both, str) else list(wanted.match)}
    rest = {key: value for key, value in rule.items() if key not in ("name", "match")}
    return copy.deepcopy(head | shared({**rest, "route": bare}, pair, wanted.canary_weight, wanted.parts))


def _with_cookies(rule: Manifest, wanted: WantedRule, cookies: frozenset[str], pair: Pair) -> Manifest:
    given = {pair.stable: wanted.primary_cookie, pair.canary: wanted.canary_cookie}
    if not any(given.values()):
        return rule
    sides = [(route, side_in(route, pair)) for route in rule["route"]]
    return {**rule, "route": [with_cookie(route, given[side], cookies) if side else route for route, side in sides]}


def _entry(steering: Steering, known: Entry, before: Manifest, after: Manifest) -> Entry:
    """What is to be told of a rule. Weights of subsets are ours for good: told as they were at first."""
    pair = steering.pair
    first = known.get("weights") if pair.service is None else None
    entry: Entry = {"weights": first if isinstance(first, dict) else weights_as_written(before, pair)}
    if any(before.get(name) != after.get(name) for name in MIRROR_FIELDS):
        entry["mirror"] = mirror_as_written(before, pair.canary)
    headers = {side_in(route, pair): route.get("headers") for route in before["route"] if side_in(route, pair)}
    now = {side_in(route, pair): route.get("headers") for route in after["route"]}
    if pair.service is None:
        # A subset that is added stays, as a copy of the one beside it.
        headers = {side: next(iter(headers.values())) for side in now if side in pair.names} | headers
    changed = {side: known for side, known in headers.items() if known is not None and known != now.get(side)}
    if changed:
        entry["headers"] = changed
    if any(now[side] != headers.get(side, next(iter(headers.values()))) for side in now if side in pair.names):
        entry["cookies"] = True
    return entry


def _destinations(rule: Manifest, sides: Collection[str], pair: Pair) -> set[str]:
    """Those of these sides, as the policy that keeps weights compares them."""
    found = (route["destination"] for route in rule["route"] if side_in(route, pair) in sides)
    return {"|".join(filter(None, (one.get("host"), one.get("subset")))) for one in found}


def _reused(rules: list[Manifest], placed: list[Placed]) -> list[Placed]:
    """Rules of ours that stand where they belong stay there."""
    after: list[Placed] = []
    known = {str(rule.get("name")): index for index, rule in reversed(list(enumerate(rules)))}
    follows = [one.index for one in placed]
    for place, one in enumerate(placed):
        index = known.get(str(one.rule["name"])) if one.index is None else None
        before = next((known_before.index for known_before in reversed(after) if known_before.index is not None), -1)
        after_it = next((later for later in follows[place:] if later is not None), len(rules))
        fits = index is not None and before < index < after_it
        after.append(Placed(index, one.rule) if fits else one)
    return after


def _cookies(steering: Steering, rules: list[Manifest]) -> frozenset[str]:
    """Of the spec, and those that our rules still tell of when the spec has changed."""
    told = (matched_cookie({"match": rule["match"]}) for rule in rules if _keeps(steering, rule))
    return cookie_names(steering.spec.analysis.session_affinity).union(name for name in told if name is not None)


def _keeps(steering: Steering, rule: Manifest) -> bool:
    kind = inserted_kind(steering, rule)
    return bool(kind) and kind != match_rule_name(steering.owner) and bool(rule.get("match"))


def _strategy_flaw(steering: Steering, places: tuple[Place, ...], plain: Mapping[str, list[Manifest]]) -> str:
    """Why requests can't be picked from these rules; empty if they can, or need not be."""
    analysis = steering.spec.analysis
    if not (analysis.match or analysis.session_affinity or analysis.mirror):
        return ""
    rules = [(plain["http"][place.index], place) for place in places if place.section == "http"]
    if not rules:
        return "match, mirror and sessionAffinity need an http rule: tls and tcp routes know no requests"
    probe = Routing(1, matched=bool(analysis.match), session="0" if analysis.session_affinity else "")
    for rule, place in rules:
        for wanted in wanted_rules(steering.owner, steering.spec, probe)[:-1]:
            both = combined(list(rule.get("match") or []), wanted.match)
            if isinstance(both, str):
                return f"{called(rule, place)} can't be combined with the Canary's match or cookie: {both}"
    return ""
