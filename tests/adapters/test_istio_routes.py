from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.traffic.istio import (
    REQUIRED,
    observed_weight,
    render_destination_rules,
    render_virtual_service,
    weight_operations,
)
from tests.adapters.golden import assert_golden
from tests.adapters.manifests import OWNER, canary_spec

SPEC = canary_spec()
RULE = "rollouts-checkout"
PRIMARY, CANARY = {"host": "checkout-primary"}, {"host": "checkout-canary"}


def _route(destination: dict[str, Any], weight: int | None) -> dict[str, Any]:
    return {"destination": destination} | ({} if weight is None else {"weight": weight})


def _rule(*routes: dict[str, Any], name: str = RULE) -> dict[str, Any]:
    return {"name": name, "retries": {"attempts": 2}, "route": list(routes)}


def _virtual_service(*rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "checkout", "namespace": "shop", "resourceVersion": "77", "labels": {"team": "payments"}},
        "spec": {"hosts": ["checkout"], "http": list(rules)},
    }


def test_the_routing_objects_are_rendered_whole() -> None:
    """A host for each copy, and one rule of ours with the weights."""
    spec = canary_spec(hosts=["pay.example.com"], gateways=["ingress/public", "mesh"])
    assert_golden("istio", [*render_destination_rules(OWNER, spec), render_virtual_service(OWNER, spec, 30)])
    assert set(REQUIRED) == {VIRTUAL_SERVICES, DESTINATION_RULES}


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        pytest.param([], ["checkout"], id="none"),
        pytest.param(["pay.example.com"], ["pay.example.com", "checkout"], id="another"),
        pytest.param(["checkout", "b"], ["checkout", "b"], id="own name"),
        pytest.param(
            ["checkout.shop.svc.cluster.local"], ["checkout.shop.svc.cluster.local"], id="own name, qualified"
        ),
        pytest.param(["checkout.other"], ["checkout.other", "checkout"], id="same name elsewhere"),
        pytest.param(["*"], ["*"], id="everything"),
    ],
)
def test_the_services_own_name_is_among_the_hosts(hosts: list[str], expected: list[str]) -> None:
    """It is added unless the user's hosts hold it or take everything."""
    assert render_virtual_service(OWNER, canary_spec(hosts=hosts), 0)["spec"]["hosts"] == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        pytest.param(None, None, id="no object"),
        pytest.param(_virtual_service(), None, id="no rule"),
        pytest.param({"metadata": {}, "spec": {}}, None, id="no http"),
        pytest.param(_virtual_service(_rule(_route(PRIMARY, 70), _route(CANARY, 30))), 30, id="both weights"),
        pytest.param(
            _virtual_service(_rule(name="theirs"), _rule(_route(CANARY, 5), _route(PRIMARY, 95))), 5, id="any order"
        ),
        pytest.param(
            _virtual_service(_rule(_route(PRIMARY, 100), _route(CANARY, None))), 0, id="canary without weight"
        ),
        pytest.param(
            _virtual_service(_rule(_route(PRIMARY, None), _route(CANARY, 100))), 100, id="primary without weight"
        ),
        pytest.param(_virtual_service(_rule(_route(PRIMARY, None), _route(CANARY, None))), None, id="no weight at all"),
        pytest.param(_virtual_service(_rule(_route(PRIMARY, 100))), None, id="one destination"),
        pytest.param(_virtual_service({"name": RULE}), None, id="a redirect in place of routes"),
        pytest.param(
            _virtual_service(_rule(_route(PRIMARY, 60), _route({"host": "legacy"}, 20), _route(CANARY, 20))),
            25,
            id="with a destination of others",
        ),
        pytest.param(
            _virtual_service(_rule(_route(PRIMARY, 10), _route(CANARY, 10), _route(CANARY, 80))),
            None,
            id="canary twice",
        ),
        pytest.param(
            _virtual_service(*[_rule(_route(PRIMARY, 90), _route(CANARY, 10))] * 2), None, id="our rule twice"
        ),
        pytest.param(
            _virtual_service(
                _rule(
                    _route({"host": "checkout-primary.shop.svc.cluster.local"}, 80),
                    _route({"host": "checkout-canary.shop", "port": {"number": 80}}, 20),
                )
            ),
            20,
            id="qualified hosts",
        ),
        pytest.param(
            _virtual_service(_rule(_route({"host": "checkout-primary.other"}, 80), _route(CANARY, 20))),
            None,
            id="another namespace's primary",
        ),
    ],
)
def test_the_weight_is_read_from_our_rule_alone(manifest: dict[str, Any] | None, expected: int | None) -> None:
    """The canary's part of what our two have; None wherever no share can be told."""
    assert observed_weight(OWNER, SPEC, manifest) == expected


@pytest.mark.parametrize("weight", [0, 1, 37, 100])
def test_what_is_rendered_is_read_back(weight: int) -> None:
    """A whole VirtualService of ours has the weight it was rendered with, and needs no writing."""
    manifest = render_virtual_service(OWNER, SPEC, weight)
    assert observed_weight(OWNER, SPEC, manifest) == weight
    assert weight_operations(OWNER, SPEC, manifest, weight) == []


def test_a_weight_is_written_under_tests_of_what_was_read() -> None:
    """Name and both destinations are tested, the weights replaced or added, the version demanded."""
    manifest = _virtual_service(_rule(name="theirs"), _rule(_route(CANARY, None), _route(PRIMARY, 100)))
    assert weight_operations(OWNER, SPEC, manifest, 10) == [
        {"op": "test", "path": "/spec/http/1/name", "value": RULE},
        {"op": "test", "path": "/spec/http/1/route/1/destination", "value": PRIMARY},
        {"op": "test", "path": "/spec/http/1/route/0/destination", "value": CANARY},
        {"op": "replace", "path": "/spec/http/1/route/1/weight", "value": 90},
        {"op": "add", "path": "/spec/http/1/route/0/weight", "value": 10},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": "77"},
    ]


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(_virtual_service(), id="no rule of ours"),
        pytest.param(
            _virtual_service(_rule(_route(PRIMARY, 0), _route(CANARY, 0), _route({"host": "legacy"}, 100))),
            id="all given to others",
        ),
    ],
)
def test_where_nothing_is_ours_to_give_nothing_is_written(manifest: dict[str, Any]) -> None:
    """No rule, or a rule that gives everything to others: no operation."""
    assert weight_operations(OWNER, SPEC, manifest, 10) == []


def test_a_rule_that_moved_refuses_the_patch() -> None:
    """Operations made for one order of rules do not hit another rule."""
    ours, theirs = _rule(_route(PRIMARY, 100), _route(CANARY, 0)), _rule(_route(PRIMARY, 100), name="theirs")
    operations = weight_operations(OWNER, SPEC, _virtual_service(ours, theirs), 10)
    with pytest.raises(PatchRefused):
        patched(_virtual_service(theirs, ours), operations)


@st.composite
def _routed(draw: st.DrawFn) -> dict[str, Any]:
    """A VirtualService in which our rule stands anywhere, among rules and destinations of others."""
    weights = st.integers(0, 200)
    ours = draw(weights)
    routes = [_route(PRIMARY, draw(weights)), _route(CANARY, ours)]
    if draw(st.booleans()):
        del routes[draw(st.integers(0, 1))]["weight"]
    routes += [
        _route({"host": f"legacy-{index}"}, draw(st.none() | weights)) for index in range(draw(st.integers(0, 2)))
    ]
    rules = [_rule(*draw(st.permutations(routes)))]
    rules += [_rule(_route(CANARY, 50), name=f"theirs-{index}") for index in range(draw(st.integers(0, 2)))]
    return _virtual_service(*draw(st.permutations(rules)))


def _ours(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    rule = next(rule for rule in manifest["spec"]["http"] if rule["name"] == RULE)
    return [route for route in rule["route"] if route["destination"] in (PRIMARY, CANARY)]


def _total(manifest: dict[str, Any]) -> int:
    rule = next(rule for rule in manifest["spec"]["http"] if rule["name"] == RULE)
    return sum(route.get("weight") or 0 for route in rule["route"])


def _without_our_weights(manifest: dict[str, Any]) -> dict[str, Any]:
    rest = copy.deepcopy(manifest)
    for route in _ours(rest):
        route.pop("weight", None)
    return rest


@given(_routed(), st.integers(0, 100))
def test_writing_a_weight_changes_that_weight_only(manifest: dict[str, Any], weight: int) -> None:
    """After the patch the canary has that share of ours, the rule's total is as before, all else is equal."""
    before = sum(route.get("weight") or 0 for route in _ours(manifest))
    result = patched(manifest, weight_operations(OWNER, SPEC, manifest, weight))
    assert _without_our_weights(result) == _without_our_weights(manifest)
    assert weight_operations(OWNER, SPEC, result, weight) == []
    assert before == 0 or _total(result) == _total(manifest)
    assume(sum(route.get("weight") or 0 for route in _ours(result)) >= 100)
    assert observed_weight(OWNER, SPEC, result) == weight


@given(st.integers(2, 99), st.integers(1, 99))
def test_in_a_small_total_both_sides_keep_something(total: int, weight: int) -> None:
    """Where ours have too little for single percents, the nearest is taken, but never nothing for either side."""
    rule = _rule(_route(PRIMARY, total), _route(CANARY, 0), _route({"host": "legacy"}, 100 - total))
    manifest = _virtual_service(rule)
    result = patched(manifest, weight_operations(OWNER, SPEC, manifest, weight))
    given_to_canary = next(route["weight"] for route in _ours(result) if route["destination"] == CANARY)
    assert 0 < given_to_canary < total
    assert abs(given_to_canary - total * weight / 100) < 1
