from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES
from rollouts.core.routing import Routing
from rollouts.traffic.destination_rules import render_destination_rules
from rollouts.traffic.istio import REQUIRED, carries, observed_weight, render_virtual_service
from tests.adapters.golden import assert_golden
from tests.adapters.istio_routes import MATCHED, MIRRORED, PLAIN, SESSION, STICKY, routed_spec
from tests.adapters.manifests import OWNER, canary_spec

EVERY_ATTRIBUTE = routed_spec(
    interval="1500ms",
    sessionAffinity={
        "cookieName": "c",
        "primaryCookieName": "p",
        "maxAge": 600,
        "domain": "example.com",
        "path": "/a%20b",
        "httpOnly": True,
        "secure": True,
        "partitioned": True,
        "sameSite": "None",
    },
)


def _route(rules: list[dict[str, Any]], name: str) -> list[int]:
    (found,) = (rule for rule in rules if rule["name"] == name)
    return [route["weight"] for route in found["route"]]


def test_the_routing_objects_are_rendered_whole() -> None:
    """A host for each copy, and one rule of ours with the weights."""
    spec = canary_spec(hosts=["pay.example.com"], gateways=["ingress/public", "mesh"])
    manifests = [*render_destination_rules(OWNER, spec), render_virtual_service(OWNER, spec, Routing(30))]
    assert_golden("istio", manifests)
    assert set(REQUIRED) == {VIRTUAL_SERVICES, DESTINATION_RULES}


@pytest.mark.parametrize(
    ("name", "spec", "share"),
    [
        pytest.param("mirror", MIRRORED, Routing(0, mirror_percent=25), id="copies"),
        pytest.param("match", MATCHED, Routing(20, matched=True), id="match"),
        pytest.param("match-stranded", MATCHED, Routing(100), id="match, but only the canary can serve"),
        pytest.param("session", STICKY, Routing(20, session=SESSION), id="session"),
        pytest.param("session-attributes", EVERY_ATTRIBUTE, Routing(20, session=SESSION), id="every attribute"),
        pytest.param("session-all", STICKY, Routing(100, session=SESSION), id="session, all to the canary"),
        pytest.param("session-over", STICKY, Routing(0, session=SESSION), id="session, taken back"),
    ],
)
def test_each_way_to_share_has_its_rules(name: str, spec: CanarySpec, share: Routing) -> None:
    """From the narrowest rule to the one for everything else."""
    assert_golden(f"istio-{name}", render_virtual_service(OWNER, spec, share)["spec"]["http"])


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
    assert render_virtual_service(OWNER, canary_spec(hosts=hosts), Routing(0))["spec"]["hosts"] == expected


@pytest.mark.parametrize("weight", [0, 1, 37, 100])
@pytest.mark.parametrize(
    ("spec", "share"),
    [
        pytest.param(PLAIN, {}, id="plain"),
        pytest.param(MIRRORED, {"mirror_percent": 100}, id="copies"),
        pytest.param(MATCHED, {"matched": True}, id="match"),
        pytest.param(MATCHED, {}, id="match, stranded"),
        pytest.param(STICKY, {"session": SESSION}, id="session"),
        pytest.param(STICKY, {}, id="no session yet"),
    ],
)
def test_what_is_rendered_is_read_back(spec: CanarySpec, share: dict[str, Any], weight: int) -> None:
    """A whole VirtualService of ours carries what it was rendered for, and no other weight."""
    manifest = render_virtual_service(OWNER, spec, Routing(weight, **share))
    assert observed_weight(OWNER, spec, manifest) == weight
    assert carries(OWNER, spec, manifest, Routing(weight, **share))
    assert not carries(OWNER, spec, manifest, Routing(50, **share))


@pytest.mark.parametrize(
    ("share", "others"), [(Routing(40, matched=True), [100, 0]), (Routing(40, matched=False), [60, 40])]
)
def test_requests_that_do_not_match_reach_the_canary_only_where_nothing_else_can_serve(
    share: Routing, others: list[int]
) -> None:
    """Both destinations stay in both rules, so that a step changes weights alone."""
    rules = render_virtual_service(OWNER, MATCHED, share)["spec"]["http"]
    assert (_route(rules, "rollouts-checkout-match"), _route(rules, "rollouts-checkout")) == ([60, 40], others)


@pytest.mark.parametrize("spec", [STICKY, EVERY_ATTRIBUTE])
def test_without_weight_no_rule_gives_the_canary_anything(spec: CanarySpec) -> None:
    """A cookie never outlives a rollback."""
    rules = render_virtual_service(OWNER, spec, Routing(0, session=SESSION))["spec"]["http"]
    assert [_route(rules, rule["name"]) for rule in rules] == [[100, 0], [100, 0]]


def test_each_step_draws_the_clients_of_the_primary_anew() -> None:
    """Their cookie tells the run and the weight; the canary's tells the run alone."""

    def matches(weight: int) -> list[Any]:
        rules = render_virtual_service(OWNER, STICKY, Routing(weight, session=SESSION))["spec"]["http"]
        return [rule["match"] for rule in rules if "match" in rule]

    (canary, primary), (canary_later, primary_later) = matches(20), matches(30)
    assert canary == canary_later
    assert primary != primary_later
