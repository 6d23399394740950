from __future__ import annotations

from typing import Any

import pytest

from rollouts.core.routing import Routing
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.traffic.istio import carries, observed_weight, render_virtual_service, route_operations
from tests.adapters.istio_routes import (
    CANARY,
    MATCHED,
    MIRRORED,
    PLAIN,
    PRIMARY,
    RULE,
    SESSION,
    STICKY,
    STICKY_CANARY,
    route,
    routed_spec,
    rule,
    virtual_service,
)
from tests.adapters.manifests import OWNER

MATCH_RULE, SESSION_RULE = f"{RULE}-match", f"{RULE}-session"
VERSION = {"op": "replace", "path": "/metadata/resourceVersion", "value": "77"}


def _shared(primary: int | None, canary: int | None, name: str = RULE) -> dict[str, Any]:
    return rule(route(PRIMARY, primary), route(CANARY, canary), name=name)


def _brought(manifest: dict[str, Any], share: Routing, spec: Any = PLAIN) -> dict[str, Any]:
    """The object after our patch, which must leave nothing to write."""
    result: dict[str, Any] = patched(manifest, route_operations(OWNER, spec, manifest, share))
    assert carries(OWNER, spec, result, share)
    assert route_operations(OWNER, spec, result, share) == []
    return result


def _share(rule: dict[str, Any], primary: int, canary: int) -> None:
    rule["route"][0]["weight"], rule["route"][1]["weight"] = primary, canary


def _names(manifest: dict[str, Any]) -> list[str]:
    return [rule["name"] for rule in manifest["spec"]["http"]]


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(None, None, id="no object"),
        pytest.param(virtual_service(), None, id="no rule"),
        pytest.param({"metadata": {}, "spec": {}}, None, id="no http"),
        pytest.param({"metadata": {}}, None, id="no spec"),
        pytest.param(virtual_service(_shared(70, 30)), 30, id="both weights"),
        pytest.param(
            virtual_service(rule(name="theirs"), rule(route(CANARY, 5), route(PRIMARY, 95))), 5, id="any order"
        ),
        pytest.param(virtual_service(_shared(100, None)), 0, id="canary without weight"),
        pytest.param(virtual_service(_shared(None, 100)), 100, id="primary without weight"),
        pytest.param(virtual_service(_shared(None, None)), None, id="no weight at all"),
        pytest.param(virtual_service(rule(route(PRIMARY, 100))), None, id="one destination"),
        pytest.param(virtual_service({"name": RULE}), None, id="a redirect in place of routes"),
        pytest.param(
            virtual_service(rule(route(PRIMARY, 60), route({"host": "legacy"}, 20), route(CANARY, 20))),
            25,
            id="with a destination of others",
        ),
        pytest.param(
            virtual_service(rule(route(PRIMARY, 10), route(CANARY, 10), route(CANARY, 80))), None, id="canary twice"
        ),
        pytest.param(virtual_service(*[_shared(90, 10)] * 2), None, id="our rule twice"),
        pytest.param(
            virtual_service(
                rule(
                    route({"host": "checkout-primary.shop.svc.cluster.local"}, 80),
                    route({"host": "checkout-canary.shop", "port": {"number": 80}}, 20),
                )
            ),
            20,
            id="qualified hosts",
        ),
        pytest.param(
            virtual_service(rule(route({"host": "checkout-primary.other"}, 80), route(CANARY, 20))),
            None,
            id="another namespace's primary",
        ),
        pytest.param(
            virtual_service(_shared(80, 20, MATCH_RULE), _shared(100, 0)), 20, id="of the requests that match"
        ),
        pytest.param(virtual_service(_shared(0, 0, MATCH_RULE), _shared(90, 10)), None, id="matches without weight"),
        pytest.param(virtual_service(_shared(80, 20, MATCH_RULE)), None, id="matches alone"),
        pytest.param(virtual_service(*[_shared(80, 20, MATCH_RULE)] * 2, _shared(100, 0)), None, id="matches twice"),
        pytest.param(virtual_service(_shared(0, 100, SESSION_RULE), _shared(90, 10)), 10, id="beside kept clients"),
    ],
)
def test_the_weight_is_read_from_our_rules_alone(manifest: dict[str, Any] | None, expected: int | None) -> None:
    """The canary's part of what our two have; None wherever no share can be told."""
    assert observed_weight(OWNER, PLAIN, manifest) == expected


def test_a_weight_is_written_under_tests_of_what_was_read() -> None:
    """Name and both destinations are tested, the weights replaced or added, the version demanded."""
    manifest = virtual_service(rule(name="theirs"), rule(route(CANARY, None), route(PRIMARY, 100)))
    assert route_operations(OWNER, PLAIN, manifest, Routing(10)) == [
        {"op": "test", "path": "/spec/http/1/name", "value": RULE},
        {"op": "test", "path": "/spec/http/1/route/0/destination", "value": CANARY},
        {"op": "test", "path": "/spec/http/1/route/1/destination", "value": PRIMARY},
        {"op": "add", "path": "/spec/http/1/route/0/weight", "value": 10},
        {"op": "replace", "path": "/spec/http/1/route/1/weight", "value": 90},
        VERSION,
    ]


def test_copies_begin_and_end_as_two_fields() -> None:
    """Beside the weights, which stay."""
    manifest = virtual_service(_shared(100, 0))
    begun = route_operations(OWNER, MIRRORED, manifest, Routing(0, mirror_percent=25))
    assert begun == [
        {"op": "test", "path": "/spec/http/0/name", "value": RULE},
        {"op": "add", "path": "/spec/http/0/mirror", "value": CANARY},
        {"op": "add", "path": "/spec/http/0/mirrorPercentage", "value": {"value": 25}},
        VERSION,
    ]
    assert _brought(patched(manifest, begun), Routing(0), MIRRORED) == manifest


def test_a_step_with_a_match_changes_weights_alone() -> None:
    """The rules are there at rest already."""
    manifest = render_virtual_service(OWNER, MATCHED, Routing(0, matched=True))
    manifest["metadata"]["resourceVersion"] = "77"
    changes = [
        operation["path"]
        for operation in route_operations(OWNER, MATCHED, manifest, Routing(20, matched=True))
        if operation["op"] != "test"
    ]
    assert changes == [
        "/spec/http/0/route/0/weight",
        "/spec/http/0/route/1/weight",
        "/metadata/resourceVersion",
    ]


def test_a_new_rule_treats_its_requests_as_the_one_they_came_from() -> None:
    """What others added to our rule goes for those that match too; destinations of others do not come along."""
    known = _shared(80, 0) | {"timeout": "3s"}
    known["route"].append(route({"host": "legacy"}, 20))
    result = _brought(virtual_service(known), Routing(30, matched=True), MATCHED)
    matching, others = result["spec"]["http"]
    assert matching == {
        "name": MATCH_RULE,
        "match": render_virtual_service(OWNER, MATCHED, Routing(0))["spec"]["http"][0]["match"],
        "route": [route(PRIMARY, 70), route(CANARY, 30)],
        "retries": {"attempts": 2},
        "timeout": "3s",
    }
    assert others == known


def test_new_rules_come_before_the_one_for_everything() -> None:
    """And after the rules of others that stand before it; their neighbours' names are tested."""
    manifest = virtual_service({"name": "first"}, _shared(90, 10), {"name": "last"})
    operations = route_operations(OWNER, STICKY, manifest, Routing(10, session=SESSION))
    assert [operation["path"] for operation in operations if operation["op"] == "test"][:2] == [
        "/spec/http/0/name",
        "/spec/http/1/name",
    ]
    result = _brought(manifest, Routing(10, session=SESSION), STICKY)
    assert _names(result) == ["first", SESSION_RULE, f"{SESSION_RULE}-primary", RULE, "last"]
    assert _names(_brought(result, Routing(10), STICKY)) == ["first", RULE, "last"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([RULE, "a", MATCH_RULE], [MATCH_RULE, RULE, "a"]),
        ([MATCH_RULE, "a", RULE, "b"], [MATCH_RULE, "a", RULE, "b"]),
        ([MATCH_RULE, "a", MATCH_RULE, RULE], [MATCH_RULE, "a", RULE]),
        ([MATCH_RULE, "a", "b"], [MATCH_RULE, RULE, "a", "b"]),
        (["a", RULE, "b", RULE], ["a", MATCH_RULE, RULE, "b"]),
    ],
)
def test_our_rules_are_put_in_their_order(names: list[str], expected: list[str]) -> None:
    """The one for everything stays where it is; rules of others keep theirs, also between ours."""
    result = _brought(virtual_service(*(_shared(100, 0, name) for name in names)), Routing(5, matched=True), MATCHED)
    assert _names(result) == expected


def test_a_rule_that_was_deleted_comes_back_where_it_can_be_reached() -> None:
    """Before the first rule of others that takes everything, else last."""
    narrow, everything = {"name": "narrow", "match": [{"uri": {"prefix": "/a"}}]}, {"name": "everything"}
    assert _names(_brought(virtual_service(narrow, everything), Routing(5))) == ["narrow", RULE, "everything"]
    assert _names(_brought(virtual_service(narrow), Routing(5))) == ["narrow", RULE]


@pytest.mark.parametrize(
    "mangled",
    [
        pytest.param({"redirect": {"uri": "/sorry"}}, id="a redirect"),
        pytest.param({"directResponse": {"status": 503}, "route": []}, id="an answer"),
        pytest.param({"route": [route(PRIMARY, 100)]}, id="one destination"),
        pytest.param({"route": [route(CANARY, 60), route(PRIMARY, 20), route(CANARY, 20)]}, id="one twice"),
        pytest.param({"route": [route(CANARY, 0), route(PRIMARY, None)]}, id="no weight"),
        pytest.param(
            {"route": [route(PRIMARY, 30), route(CANARY, 70)], "match": [{"uri": {"prefix": "/a"}}]}, id="a match"
        ),
    ],
)
def test_a_mangled_rule_is_put_right(mangled: dict[str, Any]) -> None:
    """With what others added to it, and the rules of others as they are."""
    theirs = {"name": "theirs", "redirect": {"uri": "/elsewhere"}}
    result = _brought(virtual_service(theirs, {"name": RULE, "timeout": "3s"} | mangled), Routing(30))
    first, ours = result["spec"]["http"]
    assert first == theirs
    assert {route["destination"]["host"]: route["weight"] for route in ours.pop("route")} == {
        "checkout-primary": 70,
        "checkout-canary": 30,
    }
    assert ours == {"name": RULE, "timeout": "3s"}


def test_destinations_of_others_keep_their_weight_in_a_mangled_rule() -> None:
    """Ours have what is left of 100, or as much again if nothing is."""
    for theirs, left in ((40, 60), (100, 100)):
        manifest = virtual_service(rule(route({"host": "legacy"}, theirs), route(PRIMARY, 0)))
        routes = _brought(manifest, Routing(50))["spec"]["http"][0]["route"]
        assert routes == [route(PRIMARY, left // 2), route(CANARY, left // 2), route({"host": "legacy"}, theirs)]


@pytest.mark.parametrize(
    ("spec", "share", "edit"),
    [
        pytest.param(PLAIN, Routing(20), lambda rules: rules[0]["route"][0].update(weight=0), id="a weight"),
        pytest.param(PLAIN, Routing(20), lambda rules: rules[0].update(match=[{"port": 1}]), id="a match added"),
        pytest.param(PLAIN, Routing(0), lambda rules: rules[0].update(mirror=CANARY), id="copies added"),
        pytest.param(
            MIRRORED, Routing(0, mirror_percent=20), lambda rules: rules[0].pop("mirror"), id="copies taken out"
        ),
        pytest.param(
            MIRRORED,
            Routing(0, mirror_percent=20),
            lambda rules: rules[0].pop("mirrorPercentage"),
            id="copies of everything",
        ),
        pytest.param(
            MATCHED, Routing(20, matched=True), lambda rules: rules[0]["match"].pop(), id="a condition taken out"
        ),
        pytest.param(MATCHED, Routing(20, matched=True), lambda rules: rules[0].pop("match"), id="no condition left"),
        pytest.param(MATCHED, Routing(20, matched=True), lambda rules: _share(rules[1], 60, 40), id="the rest"),
        pytest.param(MATCHED, Routing(20, matched=True), lambda rules: rules.reverse(), id="the order"),
        pytest.param(STICKY, Routing(20, session=SESSION), lambda rules: rules.pop(1), id="a rule for kept clients"),
        pytest.param(
            STICKY, Routing(20, session=SESSION), lambda rules: rules[2]["route"][1].pop("headers"), id="a cookie"
        ),
        pytest.param(
            STICKY, Routing(0, session=SESSION), lambda rules: _share(rules[0], 0, 100), id="clients not sent back"
        ),
    ],
)
def test_what_someone_edited_is_noticed_and_put_back(spec: Any, share: Routing, edit: Any) -> None:
    """Exactly to what was there."""
    manifest = render_virtual_service(OWNER, spec, share)
    manifest["metadata"]["resourceVersion"] = "77"
    expected = render_virtual_service(OWNER, spec, share)["spec"]
    edit(manifest["spec"]["http"])
    assert not carries(OWNER, spec, manifest, share)
    assert _brought(manifest, share, spec)["spec"] == expected


def test_an_edited_match_in_the_spec_is_followed() -> None:
    """The rule stays, its match is another."""
    edited = routed_spec(match=[{"headers": {"x-try": {"exact": "1"}}}])
    manifest = render_virtual_service(OWNER, MATCHED, Routing(20, matched=True))
    manifest["metadata"]["resourceVersion"] = "77"
    result = _brought(manifest, Routing(20, matched=True), edited)
    assert result["spec"] == render_virtual_service(OWNER, edited, Routing(20, matched=True))["spec"]


def test_a_condition_whose_name_has_slashes_is_changed_in_place() -> None:
    """Labels have them, and in the path of an operation a slash means something else."""
    before, after = (routed_spec(match=[{"sourceLabels": {"app.kubernetes.io/name": name}}]) for name in "ab")
    share = Routing(20, matched=True)
    manifest = render_virtual_service(OWNER, before, share)
    manifest["metadata"]["resourceVersion"] = "77"
    changed = [op for op in route_operations(OWNER, after, manifest, share) if op["op"] != "test"]
    path = "/spec/http/0/match/0/sourceLabels/app.kubernetes.io~1name"
    assert changed == [{"op": "replace", "path": path, "value": "b"}, VERSION]
    assert _brought(manifest, share, after)["spec"] == render_virtual_service(OWNER, after, share)["spec"]


@pytest.mark.parametrize("affinity", [None, {"cookieName": "renamed"}])
def test_cookies_leave_with_the_spec_that_asked_for_them(affinity: dict[str, Any] | None) -> None:
    """Also under a name that the spec does not hold any more."""
    edited = routed_spec(sessionAffinity=affinity)
    share = Routing(20, session=SESSION if affinity else "")
    manifest = render_virtual_service(OWNER, STICKY, Routing(20, session=SESSION))
    manifest["metadata"]["resourceVersion"] = "77"
    assert _brought(manifest, share, edited)["spec"] == render_virtual_service(OWNER, edited, share)["spec"]


@pytest.mark.parametrize(
    ("theirs", "beside"),
    [
        pytest.param(
            {"mirror": {"host": "shadow"}, "mirrorPercentage": {"value": 5}},
            [{"destination": {"host": "shadow"}, "percentage": {"value": 5}}],
            id="one",
        ),
        pytest.param(
            {"mirror": {"host": "shadow"}},
            [{"destination": {"host": "shadow"}, "percentage": {"value": 100}}],
            id="all",
        ),
        pytest.param(
            {"mirrors": [{"destination": {"host": "shadow"}}, {"destination": {"host": "other"}}]},
            [{"destination": {"host": "shadow"}}, {"destination": {"host": "other"}}],
            id="several",
        ),
    ],
)
def test_copies_of_others_stay_beside_ours(theirs: dict[str, Any], beside: list[dict[str, Any]]) -> None:
    """Istio takes several as a list, and not both forms at once."""
    manifest = virtual_service(_shared(100, 0) | theirs)
    assert carries(OWNER, MIRRORED, manifest, Routing(0))
    begun = _brought(manifest, Routing(0, mirror_percent=25), MIRRORED)
    (ours,) = begun["spec"]["http"]
    assert "mirror" not in ours
    assert ours["mirrors"] == [*beside, {"destination": CANARY, "percentage": {"value": 25}}]
    (after,) = _brought(begun, Routing(0), MIRRORED)["spec"]["http"]
    assert after["mirrors"] == beside


def test_a_rule_that_moved_refuses_the_patch() -> None:
    """Operations made for one order of rules do not hit another rule."""
    ours, theirs = _shared(100, 0), rule(route(PRIMARY, 100), name="theirs")
    for spec, share in ((PLAIN, Routing(10)), (STICKY_CANARY, Routing(10, session=SESSION)), (MATCHED, Routing(10))):
        operations = route_operations(OWNER, spec, virtual_service(ours, theirs), share)
        with pytest.raises(PatchRefused):
            patched(virtual_service(theirs, ours), operations)


@pytest.mark.parametrize("manifest", [virtual_service(), virtual_service() | {"spec": {}}])
def test_where_there_is_no_rule_nothing_is_carried(manifest: dict[str, Any]) -> None:
    """The whole object is to be applied."""
    assert not carries(OWNER, PLAIN, manifest, Routing(0))
    assert not carries(OWNER, PLAIN, None, Routing(0))
