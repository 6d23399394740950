"""The user's VirtualService while a Canary with targetRef steers it: all laid over it can be taken off again."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest, ObjectKey
from rollouts.api.subsets import RouteRef
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import patched
from rollouts.traffic.user_record import keys_of
from rollouts.traffic.user_routes import (
    read_sharing,
    release_operations,
    route_flaw,
    steering_operations,
)
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Steering
from tests.engine.world import canary_manifest

OWNER = Owner("shop", "app", "uid-1")
AFFINITY = {"cookieName": "side", "primaryCookieName": "stay"}
MATCH = [{"headers": {"x-canary": {"exact": "yes"}}}]
SPECS = {
    "weights": CanarySpec.model_validate(canary_manifest()["spec"]),
    "match": CanarySpec.model_validate(canary_manifest(match=MATCH)["spec"]),
    "mirror": CanarySpec.model_validate(canary_manifest(mirror=True)["spec"]),
    "cookies": CanarySpec.model_validate(canary_manifest(sessionAffinity=AFFINITY)["spec"]),
}


def steering(spec: str = "weights", read_in: str = "shop", **ref: Any) -> Steering:
    """One Canary's way with one VirtualService."""
    pair = Pair.of_service(ObjectKey("shop", "app"), read_in)
    return Steering(OWNER, SPECS[spec], RouteRef.model_validate({"name": "edge", **ref}), pair)


def edge(*rules: Manifest, annotations: dict[str, str] | None = None, **sections: Any) -> Manifest:
    """The object as the API server has it."""
    metadata = {"name": "edge", "namespace": "shop", "resourceVersion": "7"}
    metadata |= {"annotations": annotations} if annotations else {}  # type: ignore[dict-item]
    # As read from a server: no two places are one object.
    read: Manifest = json.loads(
        json.dumps({"metadata": metadata, "spec": {"hosts": ["*"], "http": list(rules), **sections}})
    )
    return read


def to(host: str, weight: int | None = None, **fields: Any) -> Manifest:
    """One destination."""
    return {"destination": {"host": host}, **({} if weight is None else {"weight": weight}), **fields}


def after(manifest: Manifest, operations: list[Manifest]) -> Manifest:
    """The object with the operations carried out."""
    changed: Manifest = patched(copy.deepcopy(manifest), operations) if operations else manifest
    return changed


def steered(one: Steering, manifest: Manifest, share: Routing) -> Manifest:
    """The object after the writes, of which there are none the second time."""
    changed = after(manifest, steering_operations(one, manifest, share))
    assert steering_operations(one, changed, share) == []
    assert read_sharing([(one, changed)], share).carried
    return changed


WEIGHTS = st.one_of(st.none(), st.integers(0, 100))
HEADERS: st.SearchStrategy[Manifest] = st.sampled_from(
    [{}, {"headers": {}}, {"headers": {"response": {"add": {}}}}, {"headers": {"response": {"add": {"x": "y"}}}},
     {"headers": {"request": {"set": {"a": "b"}}, "response": {"add": {"Set-Cookie": "theirs=1"}}}}]
)  # fmt: skip
MIRRORS: st.SearchStrategy[Manifest] = st.sampled_from(
    [{}, {"mirror": {"host": "audit"}}, {"mirror": {"host": "audit"}, "mirrorPercentage": {"value": 5}},
     {"mirrors": []}, {"mirrors": [{"destination": {"host": "audit"}}]}, {"mirror": {"host": "app-canary"}}]
)  # fmt: skip
MATCHES: st.SearchStrategy[Manifest] = st.sampled_from(
    [{}, {"match": [{"uri": {"prefix": "/a"}}]}, {"match": [{"method": {"exact": "GET"}}]}]
)
OTHERS: st.SearchStrategy[Manifest] = st.sampled_from(
    [
        {"redirect": {"uri": "/"}},
        {"route": [{"destination": {"host": "cart"}}]},
        {"name": "app", "delegate": {"name": "x"}},
    ]
)


@st.composite
def ours(draw: st.DrawFn) -> Manifest:
    """A rule that leads to the Service."""
    host = draw(st.sampled_from(["app", "app.shop", "app.shop.svc.cluster.local", "app-primary"]))
    routes = [to(host, draw(WEIGHTS), **draw(HEADERS))]
    if draw(st.booleans()):
        routes.insert(draw(st.integers(0, 1)), to("legacy", draw(st.integers(0, 100))))
    if draw(st.booleans()):
        routes.append(to("app-canary", 0, **draw(HEADERS)))
    return {"timeout": "3s", **draw(MATCHES), **draw(MIRRORS), "route": routes}


def share_of(spec: str, weight: int) -> Routing:
    """What a run asks for at that weight."""
    session = "abc" if spec == "cookies" else ""
    return Routing(weight, matched=spec == "match", session=session, mirror_percent=9 if spec == "mirror" else 0)


@given(
    rules=st.lists(st.one_of(ours(), OTHERS), max_size=4),
    sure=ours(),
    spec=st.sampled_from(sorted(SPECS)),
    steps=st.lists(st.integers(0, 100), min_size=1, max_size=3),
    annotations=st.sampled_from([None, {"a": "b"}]),
)
def test_what_was_laid_over_it_leaves_nothing(
    rules: list[Manifest], sure: Manifest, spec: str, steps: list[int], annotations: dict[str, str] | None
) -> None:
    """Whatever the steps were, at rest the object is as the user wrote it, and in each step all else is."""
    before, one = edge(*rules, sure, annotations=annotations), steering(spec)
    now = before
    for weight in steps:
        now = steered(one, now, share_of(spec, weight))
    assert steered(one, now, Routing(0)) == before


@given(ours(), st.sampled_from(sorted(SPECS)), st.integers(0, 100))
def test_a_deletion_leaves_no_name_of_ours(rule: Manifest, spec: str, weight: int) -> None:
    """From any step: no destination, copy, rule or mark; and what the others in the rule have is theirs."""
    one = steering(spec)
    now = steered(one, edge(rule), share_of(spec, weight))
    gone = after(now, release_operations(one, now, Routing(0)))

    assert release_operations(one, gone, Routing(0)) == []
    for name in ("app-canary", "app-primary", "rollouts"):
        assert name not in str(gone)
    legacy = [item for item in gone["spec"]["http"][0]["route"] if item["destination"]["host"] == "legacy"]
    assert legacy == [item for item in rule["route"] if item["destination"]["host"] == "legacy"]


def test_writes_test_what_they_hit() -> None:
    """A rule by its name, or by its match if it has none; each destination; and the version that was read."""
    rules = (
        {"name": "a", "route": [to("app", 60), to("legacy", 40)]},
        {"match": [{"uri": {"prefix": "/"}}], "route": [to("app")]},
    )
    operations = steering_operations(steering(), edge(*rules), Routing(50))

    assert {one["path"] for one in operations if one["op"] == "test"} == {
        "/spec/http/0/name",
        "/spec/http/1/match",
        "/spec/http/0/route/0/destination",
        "/spec/http/1/route/0/destination",
    }
    assert operations[-1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_rules_that_are_moved_in_mid_run_are_found_again() -> None:
    """By their match, not by their place."""
    first, second = ({"match": [{"uri": {"prefix": path}}], "route": [to("app")]} for path in ("/a", "/b"))
    second["route"] = [to("app", 30), to("legacy", 70)]
    now = steered(steering(), edge(first, second), Routing(50))
    now["spec"]["http"].reverse()

    assert steered(steering(), now, Routing(0)) == edge(second, first)


def test_an_edit_of_the_sum_in_mid_run_is_the_users() -> None:
    """The destination that was there before has what somebody gave both meanwhile."""
    now = steered(steering(), edge({"name": "a", "route": [to("app", 80), to("legacy", 20)]}), Routing(50))
    now["spec"]["http"][0]["route"] = [to("app", 60), to("legacy", 40)]
    again = steered(steering(), now, Routing(50))

    assert again["spec"]["http"][0]["route"] == [to("app", 30), to("legacy", 40), to("app-canary", 30)]
    rested = steered(steering(), again, Routing(0))
    assert rested["spec"]["http"][0]["route"] == [to("app", 60), to("legacy", 40)]


def test_an_inserted_rule_that_is_lost_or_misplaced_comes_back_where_it_belongs() -> None:
    """Directly above the rule that it takes requests from."""
    rule, other = (
        {"name": "a", "route": [to("app")]},
        {"name": "x", "match": [{"uri": {"exact": "/x"}}], "route": [to("cart")]},
    )
    one, share = steering("match"), share_of("match", 100)
    now = steered(one, edge(other, rule), share)
    assert [found["name"] for found in now["spec"]["http"]] == ["x", "rollouts-app-match", "a"]
    lost = copy.deepcopy(now)
    del lost["spec"]["http"][1]
    moved = copy.deepcopy(now)
    moved["spec"]["http"].insert(0, moved["spec"]["http"].pop(1))

    assert not read_sharing([(one, lost)], share).carried
    assert steered(one, lost, share) == steered(one, moved, share) == now


@pytest.mark.parametrize(
    ("before", "share", "less"),
    [(50, 0, True), (50, 20, True), (20, 50, False), (50, 50, False), (0, 10, False)],
    ids=["rollback", "less", "more", "the same", "the first"],
)
def test_taking_away_is_told_apart(before: int, share: int, *, less: bool) -> None:
    """It waits for no other write."""
    now = steered(steering(), edge({"name": "a", "route": [to("app")]}), Routing(before))

    assert read_sharing([(steering(), now)], Routing(share)).takes_away is less


@pytest.mark.parametrize("spec", ["match", "cookies", "mirror"])
def test_the_end_of_each_strategy_takes_away(spec: str) -> None:
    """What matched, the clients that were kept, and the copies."""
    now = steered(
        steering(spec), edge({"name": "a", "route": [to("app")]}), share_of(spec, 0 if spec == "mirror" else 30)
    )

    assert read_sharing([(steering(spec), now)], Routing(0)).takes_away
    assert not read_sharing(
        [(steering(spec), edge({"name": "a", "route": [to("app")]}))], share_of(spec, 30)
    ).takes_away


def test_hosts_are_read_in_the_namespace_of_the_virtual_service() -> None:
    """A short host elsewhere is another Service."""
    elsewhere = steering(read_in="mesh")

    assert "no route leads to Service shop/app" in route_flaw(elsewhere, edge({"route": [to("app")]}))
    now = steered(elsewhere, edge({"route": [to("app.shop.svc")]}), Routing(10))
    assert now["spec"]["http"][0]["route"][1] == to("app-canary.shop.svc", 10)


def test_a_preview_of_the_users_is_left_alone() -> None:
    """A rule that leads to the canary's Service alone is steered only where it is named."""
    preview = {"name": "preview", "match": [{"uri": {"prefix": "/p"}}], "route": [to("app-canary")]}
    before = edge(preview, {"name": "a", "route": [to("app")]})

    assert steered(steering(), before, Routing(10))["spec"]["http"][0] == preview
    named = steered(steering(canaryRules=["preview"], rules=["a"]), before, Routing(0))
    assert named["spec"]["http"][0]["route"] == [to("app-canary", 0), to("app", 100)]


@pytest.mark.parametrize("spec", ["match", "mirror", "cookies"])
def test_connections_have_no_requests_to_pick(spec: str) -> None:
    """With routes for tls alone that is said."""
    tls = [{"match": [{"port": 443, "sniHosts": ["a"]}], "route": [to("app")]}]

    assert "tls and tcp routes know no requests" in route_flaw(steering(spec), edge(tls=tls))


def test_what_can_not_be_combined_is_said_of_the_rule() -> None:
    """At rest too: before a run depends on it."""
    rule = {"name": "a", "match": [{"headers": {"x-canary": {"exact": "no"}}}], "route": [to("app")]}

    assert route_flaw(steering("match"), edge(rule)).startswith("http rule a can't be combined with the Canary's match")


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ({"tls": [{"port": 1}]}, "no tls route matches port 1: correct spec.routeRefs, or add the route"),
        ({"tls": [{"port": 443, "sniHosts": ["b"]}]}, "no tls route matches port 443 and SNI host b"),
        ({"tcp": [{"port": 443}]}, "no tcp route matches port 443"),
        ({"rules": ["a"]}, "no http rule named a"),
    ],
)
def test_routes_that_are_not_there_are_said(ref: Manifest, says: str) -> None:
    """By what they were to be found by."""
    tls = [{"match": [{"port": 443, "sniHosts": ["a"]}], "route": [to("app")]}]

    assert says in route_flaw(steering(**ref), edge(tls=tls))


def test_rules_that_are_alike_have_keys_of_their_own() -> None:
    """In their order."""
    assert len(set(keys_of("tcp", [{"route": []}, {"route": [1]}, {"match": []}, {"name": "a"}, {"name": "a"}]))) == 5
