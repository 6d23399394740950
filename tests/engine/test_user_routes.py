"""A Canary with targetRef whose requests are led by the user's own VirtualService, through the Reconciler."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts.api.resources import CANARIES, DESTINATION_RULES, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from tests.engine.world import CANARY_KEY, KEY, NAMESPACE, PRIMARY_KEY, SUCCESS_RATE, World, canary_manifest

EDGE = ObjectKey(NAMESPACE, "edge")
OLD = {"name": "old", "match": [{"uri": {"prefix": "/old"}}], "redirect": {"uri": "/new"}}


def to(host: str, weight: int | None = None, **fields: Any) -> Manifest:
    """One destination."""
    return {"destination": {"host": host}, **({} if weight is None else {"weight": weight}), **fields}


def default(*routes: Manifest, **fields: Any) -> Manifest:
    """The user's rule that leads to the Service."""
    more = {"timeout": "5s", "retries": {"attempts": 2}} | fields
    return {"name": "default", **more, "route": list(routes or [to("app")])}


def edge(*rules: Manifest, key: ObjectKey = EDGE, **sections: Any) -> Manifest:
    """The user's VirtualService."""
    metadata = {"name": key.name, "namespace": key.namespace}
    spec = {"hosts": ["app.example.com"], "gateways": ["gw"], "http": [OLD, *(rules or [default()])], **sections}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def users_canary(*refs: Manifest, **analysis: Any) -> Manifest:
    """The Canary that has it steered."""
    canary = canary_manifest(**{"stepWeights": [20, 50], **analysis})
    canary["spec"]["routeRefs"] = list(refs) or [{"name": "edge"}]
    return canary


def stored(world: World, key: ObjectKey = EDGE) -> Manifest:
    """What is the user's to see of it."""
    found = copy.deepcopy(world.get(VIRTUAL_SERVICES, key))
    kept = {name: found["metadata"][name] for name in ("name", "namespace", "annotations") if name in found["metadata"]}
    return {**{key: found[key] for key in ("apiVersion", "kind", "spec")}, "metadata": kept}


def weights(world: World, place: int = -1, key: ObjectKey = EDGE) -> dict[str, int | None]:
    """What one http rule gives each host."""
    rule = stored(world, key)["spec"]["http"][place]
    return {item["destination"]["host"]: item.get("weight") for item in rule["route"]}


def world_of(route: Manifest, canary: Manifest | None = None) -> World:
    """Everything is there, and the controller has not looked yet."""
    return World(canary=canary or users_canary(), others=[(VIRTUAL_SERVICES, route)])


async def begun(route: Manifest, canary: Manifest | None = None) -> World:
    """A release that has just begun."""
    world = world_of(route, canary)
    await world.initialize()
    world.release("app:2")
    return world


async def test_at_rest_the_object_is_as_the_user_wrote_it() -> None:
    """No VirtualService is made; Services and DestinationRules are."""
    world = world_of(edge())
    await world.initialize()

    assert stored(world) == edge()
    assert world.cluster.stored(VIRTUAL_SERVICES, KEY) is None
    assert all(world.cluster.stored(SERVICES, key) for key in (KEY, PRIMARY_KEY, CANARY_KEY))
    assert all(world.cluster.stored(DESTINATION_RULES, key) for key in (PRIMARY_KEY, CANARY_KEY))
    assert world.condition(ConditionType.READY).status == "True"


async def test_a_good_release_leaves_the_object_as_it_was() -> None:
    """The canary's destination stands beside the user's while it is needed, and everything else is the same."""
    world = await begun(edge())
    await world.run_until(lambda: weights(world) == {"app": 50, "app-canary": 50})
    during = stored(world)
    rule = during["spec"]["http"][1]
    assert (rule["timeout"], rule["retries"], during["spec"]["http"][0]) == ("5s", {"attempts": 2}, OLD)
    assert "original.rollouts.dev/app" in during["metadata"]["annotations"]
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()

    assert stored(world) == edge()


async def test_a_bad_release_is_rolled_back_to_the_object_as_it_was() -> None:
    """In the evaluation that found it."""
    world = await begun(edge())
    await world.run_until(lambda: weights(world).get("app-canary") == 20)
    world.metrics.set(SUCCESS_RATE, Value(50.0))
    await world.run_until_phase(Phase.FAILED)

    assert stored(world) == edge()


@pytest.mark.parametrize("at", [0, 20, 50], ids=["at rest", "first step", "second step"])
async def test_a_deleted_canary_leaves_the_object_as_it_was(at: int) -> None:
    """And what it leads to, the clients' Service, leads to the target."""
    world = world_of(edge())
    await world.initialize()
    if at:
        world.release("app:2")
        await world.run_until(lambda: weights(world).get("app-canary") == at)
    world.cluster.delete(CANARIES, KEY)
    await world.run_until(lambda: world.cluster.stored(CANARIES, KEY) is None)

    assert stored(world) == edge()
    assert world.get(SERVICES)["spec"]["selector"] == {"app": "app"}
    assert world.cluster.stored(SERVICES, CANARY_KEY) is None


async def test_a_host_split_of_the_user_is_used_and_led_back() -> None:
    """Rules that name the two Services keep both; when these go, the clients' Service takes their place."""
    split = edge(default(to("app-primary", 100), to("app-canary", 0)))
    world = await begun(split)
    await world.run_until(lambda: weights(world) == {"app-primary": 80, "app-canary": 20})
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == split
    world.cluster.delete(CANARIES, KEY)
    await world.run_until(lambda: world.cluster.stored(CANARIES, KEY) is None)

    assert weights(world) == {"app": None}


async def test_a_third_destination_keeps_its_share() -> None:
    """What the user's destination had is shared with the canary's."""
    three = edge(default(to("legacy", 20), to("app.shop.svc.cluster.local", 80)))
    world = await begun(three)
    await world.run_until(lambda: len(weights(world)) == 3)

    assert weights(world) == {
        "legacy": 20,
        "app.shop.svc.cluster.local": 64,
        "app-canary.shop.svc.cluster.local": 16,
    }
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == three


async def test_matching_requests_are_led_apart_by_a_rule_that_inherits_all() -> None:
    """Directly above the user's rule, for as long as the canary has weight."""
    mine = default(match=[{"uri": {"prefix": "/"}}], fault={"delay": {"fixedDelay": "1s"}}, headers={"request": {}})
    match = [{"headers": {"x-canary": {"exact": "yes"}}}]
    analysis = {"stepWeights": None, "iterations": 2, "match": match}
    canary = users_canary(**analysis)
    del canary["spec"]["analysis"]["stepWeights"]
    world = await begun(edge(mine), canary)
    await world.run_until(lambda: len(stored(world)["spec"]["http"]) == 3)

    _, picked, rest = stored(world)["spec"]["http"]
    assert (picked["name"], picked["match"]) == (
        "rollouts-app-match",
        [{"uri": {"prefix": "/"}, "headers": {"x-canary": {"exact": "yes"}}}],
    )
    inherited = ("timeout", "retries", "fault", "headers")
    assert {name: picked[name] for name in inherited} == {name: mine[name] for name in inherited}
    assert weights(world, 1) == {"app": 0, "app-canary": 100}
    assert rest == mine
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == edge(mine)


async def test_copies_go_to_the_canary_beside_those_of_the_user() -> None:
    """And the user's are as they were when ours end."""
    mine = default(mirror={"host": "audit"}, mirrorPercentage={"value": 5})
    world = await begun(edge(mine), users_canary(mirror=True, mirrorWeight=30))
    await world.run_until(lambda: "mirrors" in stored(world)["spec"]["http"][1])

    assert stored(world)["spec"]["http"][1]["mirrors"] == [
        {"destination": {"host": "audit"}, "percentage": {"value": 5}},
        {"destination": {"host": "app-canary"}, "percentage": {"value": 30}},
    ]
    await world.run_until(lambda: weights(world).get("app-canary") == 20)
    assert stored(world)["spec"]["http"][1]["mirror"] == {"host": "audit"}
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == edge(mine)


async def test_clients_stay_by_cookies_and_nothing_is_left_of_them() -> None:
    """Rules above the user's keep clients; its destinations give the cookies."""
    mine = default(to("app", headers={"response": {"add": {"x": "y"}, "set": {}}}))
    affinity = {"cookieName": "side", "primaryCookieName": "stay"}
    world = await begun(edge(mine), users_canary(sessionAffinity=affinity))
    await world.run_until(lambda: weights(world).get("app-canary") == 20)

    rules = stored(world)["spec"]["http"]
    assert [rule["name"] for rule in rules] == [
        "old",
        "rollouts-app-session",
        "rollouts-app-session-primary",
        "default",
    ]
    added = [route["headers"]["response"]["add"] for route in rules[-1]["route"]]
    assert [sorted(one) for one in added] == [["Set-Cookie", "x"], ["Set-Cookie", "x"]]
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == edge(mine)


async def test_several_rules_and_objects_are_steered_together() -> None:
    """With an inserted rule for each, numbered in one object; one of the objects is in another namespace."""
    far = ObjectKey("mesh", "inner")
    first = {"name": "a", "match": [{"uri": {"prefix": "/a"}}], "route": [to("app")]}
    inner = edge({"name": "far", "route": [to("app.shop")]}, key=far)
    canary = users_canary({"name": "edge"}, {"name": "inner", "namespace": "mesh", "rules": ["far"]})
    world = World(canary=canary, others=[(VIRTUAL_SERVICES, edge(first, default())), (VIRTUAL_SERVICES, inner)])
    await world.initialize()
    world.release("app:2")
    await world.run_until(lambda: weights(world, -1, far) == {"app.shop": 50, "app-canary.shop": 50})
    assert weights(world, 1) == weights(world, 2) == {"app": 50, "app-canary": 50}
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()

    assert (stored(world), stored(world, far)) == (edge(first, default()), inner)


async def test_tls_and_tcp_routes_have_weights() -> None:
    """As http rules have; a route that the Canary does not name stays."""
    tls = [
        {"match": [{"port": 443, "sniHosts": [host]}], "route": [to("app")]}
        for host in ("a.example.com", "b.example.com")
    ]
    tcp = [{"match": [{"port": 5432}], "route": [to("app")]}]
    route = edge(default(), tls=tls, tcp=tcp)
    refs = {"name": "edge", "tls": [{"sniHosts": ["a.example.com"]}], "tcp": [{"port": 5432}]}
    world = await begun(route, users_canary(refs))

    def shares() -> list[list[int | None]]:
        spec = stored(world)["spec"]
        return [[one.get("weight") for one in found["route"]] for found in (*spec["tls"], *spec["tcp"])]

    await world.run_until(lambda: shares() == [[50, 50], [None], [50, 50]])
    assert weights(world) == {"app": None}
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == route


async def test_a_file_that_is_applied_again_in_mid_run_is_put_right() -> None:
    """The weights of the step come back, and at the end the object is as its newest file says."""
    world = await begun(edge())
    await world.run_until(lambda: weights(world).get("app-canary") == 50)
    newer = edge(default(timeout="9s"))
    world.cluster.edit(VIRTUAL_SERVICES, EDGE, {"spec": newer["spec"]})
    await world.settle()
    assert (weights(world), stored(world)["spec"]["http"][1]["timeout"]) == ({"app": 50, "app-canary": 50}, "9s")
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()

    assert stored(world) == newer


@pytest.mark.parametrize(
    ("route", "reason", "says"),
    [
        (
            edge(key=ObjectKey(NAMESPACE, "other")),
            "RouteNotFound",
            "VirtualService shop/edge does not exist: create it",
        ),
        (edge(default(to("cart"))), "RouteUnusable", "no route leads to Service shop/app: correct its host"),
        (
            edge(default(to("app"), to("app-primary"))),
            "RouteUnusable",
            "http rule default has one side of Service shop/app twice",
        ),
        (
            edge(default({"destination": {"host": "app", "subset": "blue"}})),
            "SubsetNotFound",
            "no DestinationRule of host app.shop has the subset blue",
        ),
        (
            edge(default({"destination": {"host": "app", "port": {"number": 8080}}})),
            "PortNotFound",
            "VirtualService shop/edge leads to port 8080 of Service shop/app, and spec.service.port is 80",
        ),
    ],
    ids=["no object", "no rule", "twice", "no subset", "another port"],
)
async def test_what_can_not_be_steered_is_said_and_not_touched(route: Manifest, reason: str, says: str) -> None:
    """Each with the object and the way out."""
    world = world_of(route)
    await world.settle()

    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", reason)
    assert says in ready.message
    assert world.cluster.stored(SERVICES, PRIMARY_KEY) is None


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"name": "default", "delegate": {"name": "inner"}}, "delegates its requests: name the VirtualService"),
        ({"name": "default", "redirect": {"uri": "/"}}, "redirects its requests"),
        ({"name": "default", "directResponse": {"status": 503}}, "answers its requests itself"),
    ],
    ids=["delegate", "redirect", "direct response"],
)
async def test_a_rule_without_destinations_can_not_be_steered(rule: Manifest, says: str) -> None:
    """It is named in the condition, with what to name instead."""
    world = world_of(edge(rule), users_canary({"name": "edge", "rules": ["default"]}))
    await world.settle()

    ready = world.condition(ConditionType.READY)
    assert ready.reason == "RouteUnusable"
    assert f"VirtualService shop/edge: http rule default {says}" in ready.message


async def test_a_virtual_service_of_the_services_name_may_be_named_in_route_refs() -> None:
    """Without routeRefs its name is taken, and the condition says so."""
    world = world_of(edge(key=KEY), canary_manifest())
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.reason, "name it in spec.routeRefs" in ready.message) == ("NameTaken", True)

    named = world_of(edge(key=KEY), users_canary({"name": "app"}))
    await named.initialize()
    assert stored(named, KEY) == edge(key=KEY)


async def test_of_two_canaries_that_steer_one_rule_the_older_has_it() -> None:
    """Whatever their mode is."""
    older = canary_manifest("older")
    older["spec"] = users_canary()["spec"] | {"targetRef": {"name": "other"}, "service": {"name": "app", "port": 80}}
    world = World(canary=users_canary(), others=[(CANARIES, older), (VIRTUAL_SERVICES, edge())])
    await world.settle()

    ready = world.condition(ConditionType.READY)
    assert ready.reason == "TargetContested"
    assert "Canary shop/older, which is older, shares the requests of VirtualService shop/edge" in ready.message


async def test_a_right_that_is_missing_where_the_routes_are_is_said() -> None:
    """Before anything is touched, with the namespace; one review for each namespace."""
    far = ObjectKey("mesh", "edge")
    route = edge(default(to("app.shop")), key=far)
    world = world_of(route, users_canary({"name": "edge", "namespace": "mesh"}))
    world.cluster.server.rules_in["mesh"] = [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"]}]
    await world.settle()

    ready = world.condition(ConditionType.READY)
    lacks = "the controller's account may not patch virtualservices.networking.istio.io in namespace mesh: grant it"
    assert (ready.reason, lacks in ready.message) == ("Forbidden", True)
    assert world.cluster.stored(SERVICES, PRIMARY_KEY) is None
    del world.cluster.server.rules_in["mesh"]
    world.clock.advance(30.0)
    await world.initialize()
    assert stored(world, far) == route


async def test_a_virtual_service_that_is_deleted_in_mid_run_is_said_and_taken_up_again() -> None:
    """The release is held; when it is there again it is led as the step says."""
    world = await begun(edge())
    await world.run_until(lambda: weights(world).get("app-canary") == 50)
    world.cluster.delete(VIRTUAL_SERVICES, EDGE)
    await world.settle()
    assert "VirtualService shop/edge does not exist" in world.condition(ConditionType.READY).message
    world.cluster.put(VIRTUAL_SERVICES, edge())
    await world.settle()

    assert weights(world) == {"app": 50, "app-canary": 50}
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()
    assert stored(world) == edge()


async def test_testers_get_the_canary_by_a_rule_of_the_users() -> None:
    """From the first step on; at rest the rule is as it was."""
    testers = {"name": "testers", "match": [{"headers": {"x": {"exact": "y"}}}], "route": [to("app")]}
    world = await begun(edge(testers, default()), users_canary({"name": "edge", "canaryRules": ["testers"]}))
    await world.run_until(lambda: weights(world).get("app-canary") == 20)
    assert weights(world, 1) == {"app": 0, "app-canary": 100}
    await world.run_until_phase(Phase.SUCCEEDED)
    await world.run_until_quiet()

    assert stored(world) == edge(testers, default())
