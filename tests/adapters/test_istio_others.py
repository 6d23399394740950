"""Whatever stands in a VirtualService, and whatever is asked: it is done, and what others wrote is as it was."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import patched
from rollouts.traffic.istio import carries, observed_weight, render_virtual_service, route_operations
from tests.adapters.istio_routes import CANARY, PLAIN, PRIMARY, RULE, SESSION, SPECS, route, rule
from tests.adapters.istio_routes import virtual_service as _virtual_service
from tests.adapters.manifests import OWNER

OURS = (f"{RULE}-session", f"{RULE}-session-primary", f"{RULE}-match", RULE)
THEIR_RULES: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/static"}}], "route": [{"destination": {"host": "cdn"}}]},
    {"name": "theirs", "route": [{"destination": CANARY, "weight": 50}]},
    {"name": "theirs", "match": [{"uri": {"exact": "/"}}], "redirect": {"uri": "/home"}},
]
THEIR_FIELDS: dict[str, Any] = {
    "timeout": "3s",
    "retries": {"attempts": 2},
    "fault": {"abort": {"httpStatus": 500, "percentage": {"value": 1}}},
    "headers": {"response": {"add": {"Set-Cookie": "theirs=1"}}},
    "corsPolicy": {"allowOrigins": [{"exact": "https://example.com"}]},
    "mirrors": [{"destination": {"host": "shadow"}, "percentage": {"value": 5}}],
}
THEIR_HEADERS: list[dict[str, Any]] = [
    {"request": {"set": {"x-from": "us"}}},
    {"response": {"add": {"Set-Cookie": "theirs=1", "x-a": "1"}, "remove": ["server"]}},
]
_weights = st.integers(0, 200)
_their_fields = st.sets(st.sampled_from(sorted(THEIR_FIELDS)), max_size=2)


@st.composite
def _shares(draw: st.DrawFn) -> Routing:
    return Routing(
        draw(st.sampled_from([0, 1, 37, 50, 99, 100])),
        matched=draw(st.booleans()),
        mirror_percent=draw(st.sampled_from([0, 0, 10, 100])),
        session=draw(st.sampled_from(["", SESSION, "b2"])),
    )


@st.composite
def _edited(draw: st.DrawFn) -> dict[str, Any]:
    """One of our shapes, to which others have added rules, fields, headers and destinations, in any order."""
    manifest = render_virtual_service(OWNER, draw(st.sampled_from(SPECS)), draw(_shares()))
    manifest["metadata"]["resourceVersion"] = "77"
    rules: list[dict[str, Any]] = manifest["spec"]["http"]
    for ours in rules:
        ours.update(
            {key: THEIR_FIELDS[key] for key in draw(st.sets(st.sampled_from(sorted(THEIR_FIELDS)), max_size=2))}
        )
        if draw(st.booleans()):
            ours["route"][draw(st.integers(0, 1))]["headers"] = draw(st.sampled_from(THEIR_HEADERS))
        if draw(st.booleans()):
            ours["route"].insert(draw(st.integers(0, 2)), route({"host": "legacy"}, draw(st.none() | _weights)))
    if draw(st.booleans()):
        rules = draw(st.permutations(rules))
    if draw(st.booleans()):
        _mangle(draw, rules)
    for theirs in draw(st.lists(st.sampled_from(THEIR_RULES), max_size=3)):
        rules.insert(draw(st.integers(0, len(rules))), theirs)
    assume(rules)
    manifest["spec"]["http"] = rules
    # As JSON, so that nothing stands in two places at once.
    alone: dict[str, Any] = json.loads(json.dumps(manifest))
    return alone


def _mangle(draw: st.DrawFn, rules: list[dict[str, Any]]) -> None:
    index = draw(st.integers(0, len(rules) - 1))
    place = draw(st.integers(0, len(rules[index]["route"]) - 1))
    match draw(st.sampled_from(["no rule", "no destination", "weight", "match", "no mirror", "no route"])):
        case "no rule":
            del rules[index]
        case "no destination":
            del rules[index]["route"][place]
        case "weight":
            rules[index]["route"][place]["weight"] = draw(_weights)
        case "match":
            rules[index]["match"] = [{"port": 80}]
        case "no mirror":
            rules[index].pop("mirror", None)
        case _:
            del rules[index]["route"]


def _theirs(rule: dict[str, Any]) -> dict[str, Any]:
    """What is not ours in a rule of ours."""
    rest = {
        key: value
        for key, value in rule.items()
        if key not in {"name", "match", "route", "mirror", "mirrorPercentage", "mirrors"}
    }
    rest["mirrors"] = [mirror for mirror in rule.get("mirrors", []) if mirror["destination"] != CANARY]
    rest["others"] = [route for route in rule.get("route", []) if route["destination"] not in (PRIMARY, CANARY)]
    return rest


def _their_headers(rule: dict[str, Any], destination: dict[str, Any]) -> set[tuple[str, str, str]]:
    """What is not ours in the headers of one of our destinations."""
    return {
        (way, how, str(value))
        for ours in rule.get("route", [])
        if ours["destination"] == destination
        for way, changes in ours.get("headers", {}).items()
        for how, values in changes.items()
        for value in (values.items() if isinstance(values, dict) else values)
        if how != "add" or "theirs=1" in value or "x-a" in value
    }


def _named(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["name"]: rule for rule in reversed(manifest["spec"]["http"]) if rule.get("name") in OURS}


@given(_edited(), st.sampled_from(SPECS), _shares())
def test_any_share_is_reached_from_any_rules(manifest: dict[str, Any], spec: CanarySpec, share: Routing) -> None:
    """In one patch, after which there is nothing to write, with our rules once and in their order."""
    result = patched(manifest, route_operations(OWNER, spec, manifest, share))
    assert carries(OWNER, spec, result, share)
    assert route_operations(OWNER, spec, result, share) == []
    wanted = [rule["name"] for rule in render_virtual_service(OWNER, spec, share)["spec"]["http"]]
    assert [rule["name"] for rule in result["spec"]["http"] if rule.get("name") in OURS] == wanted
    given_to_ours = [_ours_weight(rule) for rule in _named(result).values()]
    assume(min(given_to_ours) >= 100)
    assert observed_weight(OWNER, spec, result) == share.weight


@given(_edited(), st.sampled_from(SPECS), _shares())
def test_what_others_wrote_is_as_it_was(manifest: dict[str, Any], spec: CanarySpec, share: Routing) -> None:
    """Their rules, and in rules of ours that stay, their fields, headers and destinations."""
    result = patched(manifest, route_operations(OWNER, spec, manifest, share))

    def rules(known: dict[str, Any]) -> list[dict[str, Any]]:
        return [rule for rule in known["spec"]["http"] if rule.get("name") not in OURS]

    assert rules(result) == rules(manifest)
    before, after = _named(manifest), _named(result)
    for name in before.keys() & after.keys():
        assert _theirs(after[name]) == _theirs(before[name])
        hosts = [route["destination"] for route in before[name].get("route", [])]
        if hosts.count(PRIMARY) == hosts.count(CANARY) == 1:
            for destination in (PRIMARY, CANARY):
                assert _their_headers(after[name], destination) == _their_headers(before[name], destination)


@st.composite
def _routed(draw: st.DrawFn) -> dict[str, Any]:
    """A VirtualService in which our rule stands anywhere, among rules and destinations of others."""
    routes = [route(PRIMARY, draw(_weights)), route(CANARY, draw(_weights))]
    if draw(st.booleans()):
        del routes[draw(st.integers(0, 1))]["weight"]
    routes += [
        route({"host": f"legacy-{index}"}, draw(st.none() | _weights)) for index in range(draw(st.integers(0, 2)))
    ]
    rules = [rule(*draw(st.permutations(routes)))]
    rules += [rule(route(CANARY, 50), name=f"theirs-{index}") for index in range(draw(st.integers(0, 2)))]
    return _virtual_service(*draw(st.permutations(rules)))


def _ours(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [route for route in _named(manifest)[RULE]["route"] if route["destination"] in (PRIMARY, CANARY)]


def _ours_weight(rule: dict[str, Any]) -> int:
    return sum(route["weight"] for route in rule["route"] if route["destination"] in (PRIMARY, CANARY))


def _total(manifest: dict[str, Any]) -> int:
    return sum(route.get("weight") or 0 for route in _named(manifest)[RULE]["route"])


def _without_our_weights(manifest: dict[str, Any]) -> dict[str, Any]:
    rest = copy.deepcopy(manifest)
    for ours in _ours(rest):
        ours.pop("weight", None)
    return rest


@given(_routed(), st.integers(0, 100))
def test_writing_a_weight_changes_that_weight_only(manifest: dict[str, Any], weight: int) -> None:
    """After the patch the canary has that share of ours, what others have is as before, all else is equal."""
    before = sum(route.get("weight") or 0 for route in _ours(manifest))
    result = patched(manifest, route_operations(OWNER, PLAIN, manifest, Routing(weight)))
    assert _without_our_weights(result) == _without_our_weights(manifest)
    alone = before == _total(manifest)
    assert before == 0 or alone or _total(result) == _total(manifest)
    assert not alone or _total(result) == max(before, 100)
    assume(sum(route.get("weight") or 0 for route in _ours(result)) >= 100)
    assert observed_weight(OWNER, PLAIN, result) == weight


@given(st.integers(2, 99), st.integers(1, 99))
def test_in_a_small_total_both_sides_keep_something(total: int, weight: int) -> None:
    """Where ours have too little for single percents, the nearest is taken, but never nothing for either side."""
    ours = rule(route(PRIMARY, total), route(CANARY, 0), route({"host": "legacy"}, 100 - total))
    manifest = _virtual_service(ours)
    result = patched(manifest, route_operations(OWNER, PLAIN, manifest, Routing(weight)))
    given_to_canary = next(route["weight"] for route in _ours(result) if route["destination"] == CANARY)
    assert 0 < given_to_canary < total
    assert abs(given_to_canary - total * weight / 100) < 1


def test_a_share_that_is_some_is_never_seen_as_none_or_all() -> None:
    """Also where it is less than one part of the total: whoever scales down or promotes by it must know."""
    hardly, nearly = (_virtual_service(rule(route(PRIMARY, 10000 - part), route(CANARY, part))) for part in (1, 9999))
    assert [observed_weight(OWNER, PLAIN, manifest) for manifest in (hardly, nearly)] == [1, 99]
