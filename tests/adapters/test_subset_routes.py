"""The user's VirtualService while two subsets in it are steered: only their weights differ, and all can be undone."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.api.subsets import RouteRef
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import patched
from rollouts.traffic.user_record import is_marked, keys_of
from rollouts.traffic.user_routes import (
    read_sharing,
    release_operations,
    route_flaw,
    steering_operations,
    total_weights,
)
from rollouts.traffic.user_rules import Place, find_steered, part_in, shared, weights_in
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Steering
from tests.engine.swap_world import swap_canary

OWNER = Owner("shop", "app", "uid-1")
PAIR = Pair("v1", "v2")
SPEC = CanarySpec.model_validate(swap_canary()["spec"])
MARK = "original.rollouts.dev/app"


def ref(*rules: str, testers: tuple[str, ...] = ()) -> RouteRef:
    """The Canary's reference to the VirtualService."""
    return RouteRef(name="app", rules=rules, canary_rules=testers)


def to(subset: str, weight: int | None = None, host: str = "app", **fields: Any) -> Manifest:
    """One destination."""
    return {"destination": {"host": host, "subset": subset}, **({} if weight is None else {"weight": weight}), **fields}


def rule(*routes: Manifest, **fields: Any) -> Manifest:
    """One http rule."""
    return {**fields, "route": list(routes)}


def virtual_service(*rules: Manifest, **metadata: Any) -> Manifest:
    """The user's object as the API server has it."""
    known = {"name": "app", "namespace": "shop", "resourceVersion": "7", **metadata}
    return {"metadata": known, "spec": {"hosts": ["app"], "http": list(rules)}}


def steering(by: RouteRef | None = None, pair: Pair = PAIR) -> Steering:
    """The Canary's way with the VirtualService."""
    return Steering(OWNER, SPEC, by or ref(), pair)


def steered(manifest: Manifest, percent: int, *, pair: Pair = PAIR, by: RouteRef | None = None) -> Manifest:
    """The object after the operations, with another version."""
    operations = steering_operations(steering(by, pair), manifest, Routing(percent))
    return _after(manifest, operations)


def released(manifest: Manifest, percent: int = 0, *, pair: Pair = PAIR, by: RouteRef | None = None) -> Manifest:
    """The object after the Canary has gone."""
    return _after(manifest, release_operations(steering(by, pair), manifest, Routing(percent)))


def _after(manifest: Manifest, operations: list[Manifest]) -> Manifest:
    changed: Manifest = patched(copy.deepcopy(manifest), operations) if operations else manifest
    return changed


def routes_of(manifest: Manifest, index: int = 0) -> dict[str, int | None]:
    """The weights of one rule, by subset."""
    return {item["destination"]["subset"]: item.get("weight") for item in manifest["spec"]["http"][index]["route"]}


def test_two_weights_and_a_mark_are_all_that_changes() -> None:
    """Other rules, and all else in the rule, stay byte for byte."""
    before = virtual_service(
        rule(to("v2"), match=[{"uri": {"prefix": "/x"}}], name="testers"),
        rule(to("v1", 90), to("v2", 10, headers={"request": {"set": {"a": "b"}}}), timeout="3s", fault={"delay": {}}),
        annotations={"team": "shop"},
    )

    after = steered(before, 50)

    told = json.loads(after["metadata"]["annotations"].pop(MARK))
    key = keys_of("http", [before["spec"]["http"][1]])[0]
    assert told == {"rules": {key: {"weights": {"v1": 90, "v2": 10}}}, "ours": ["app|v1", "app|v2"]}
    assert routes_of(after, 1) == {"v1": 50, "v2": 50}
    for route, weight in zip(after["spec"]["http"][1]["route"], (90, 10), strict=True):
        route["weight"] = weight
    assert after == before


def test_what_is_so_already_is_not_written() -> None:
    """The second time there is nothing to do."""
    after = steered(virtual_service(rule(to("v1", 90), to("v2", 10))), 20)

    assert steering_operations(steering(), after, Routing(20)) == []
    assert is_marked(OWNER, after)


def test_a_third_subset_keeps_its_share() -> None:
    """What the two have together is all that is shared between them."""
    bookinfo = virtual_service(rule(to("v1", 20), to("v2", 80), to("v3", 0)))
    pair = Pair("v2", "v3")

    weights = [routes_of(steered(bookinfo, percent, pair=pair)) for percent in (10, 50, 100)]

    assert weights == [
        {"v1": 20, "v2": 72, "v3": 8}, {"v1": 20, "v2": 40, "v3": 40}, {"v1": 20, "v2": 0, "v3": 80},
    ]  # fmt: skip


def test_a_lone_destination_becomes_two_and_one_again() -> None:
    """Not before the canary is to get something; and only if what was added gets nothing."""
    before = virtual_service(rule(to("v1", headers={"request": {"remove": ["x"]}}), name="default"))

    rested, canary = steered(before, 0), steered(before, 30)

    assert routes_of(rested) == {"v1": None}
    assert routes_of(canary) == {"v1": 70, "v2": 30}
    assert canary["spec"]["http"][0]["route"][1]["headers"] == {"request": {"remove": ["x"]}}
    assert released(canary, 0)["spec"] == before["spec"]
    assert routes_of(released(canary, 100)) == {"v1": 0, "v2": 100}
    turned = Pair("v2", "v1")
    assert routes_of(released(steered(canary, 0, pair=turned), 0, pair=turned)) == {"v1": 0, "v2": 100}


def test_a_lone_destination_beside_others_keeps_its_weight_when_it_is_given_back() -> None:
    """The rule has more than one destination, so its weight was written."""
    before = virtual_service(rule(to("v1", 60), to("v9", 40)))

    assert released(steered(before, 50), 0)["spec"] == before["spec"]


def test_given_back_without_marks() -> None:
    """The annotation goes, and the weights lead to the side that serves."""
    marked = steered(virtual_service(rule(to("v1", 90), to("v2", 10)), annotations={"team": "shop"}), 50)

    after = released(marked, 0)

    assert after["metadata"]["annotations"] == {"team": "shop"}
    assert routes_of(after) == {"v1": 100, "v2": 0}
    assert release_operations(steering(), after, Routing(0)) == []


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", '{"rules": 5}', '{"rules": {"http/a": 5}}', '{"rules": {"http/a": {"weights": {"v9": 1}}}}'],
)
def test_a_mangled_mark_is_taken_off_all_the_same(text: str) -> None:
    """What it said is lost, and nothing is guessed."""
    marked = virtual_service(rule(to("v1", 50), to("v2", 50), name="a"), annotations={MARK: text})

    after = released(marked, 0)

    assert ("annotations" in after["metadata"], routes_of(after)) == (False, {"v1": 100, "v2": 0})


def test_rules_that_are_gone_hold_up_nobody() -> None:
    """A deletion takes the mark off though the named rule is there no more."""
    marked = virtual_service(rule(to("v1", 50), to("v2", 50), name="new"), annotations={MARK: "{}"})

    after = released(marked, by=ref("old"))

    assert ("annotations" in after["metadata"], routes_of(after)) == (False, {"v1": 50, "v2": 50})
    assert steering_operations(steering(ref("old")), marked, Routing(10)) == []


def test_a_write_is_refused_if_the_object_has_changed_since() -> None:
    """The version that was read is among the operations, and each destination that is hit is tested."""
    before = virtual_service(rule(to("v1", 90), to("v2", 10)))

    operations = steering_operations(steering(), before, Routing(50))

    assert operations[-1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    tested = [one["path"] for one in operations if one["op"] == "test"]
    assert tested == [f"/spec/http/0/route/{place}/destination" for place in (0, 1)]


def test_named_rules_are_steered_together() -> None:
    """Also one that had a single destination, so that nothing leads to a version without pods."""
    before = virtual_service(
        rule(to("v1"), name="rehearsal"), rule(to("v1", 90), to("v2", 10), name="default"), rule(to("v1"), name="else")
    )
    by = ref("default", "rehearsal")

    after = steered(before, 40, by=by)

    assert [routes_of(after, index) for index in range(3)] == [
        {"v1": 60, "v2": 40}, {"v1": 60, "v2": 40}, {"v1": None},
    ]  # fmt: skip
    assert read_sharing([(steering(by), after)], Routing(0)).weight == 40
    assert read_sharing([(steering(by), after)], Routing(40)).carried
    assert not read_sharing([(steering(by), after), (steering(), None)], Routing(40)).carried


def test_rules_of_testers_lead_to_the_canary_alone_while_it_is_tested() -> None:
    """Whatever share it has of all others; and to the side that serves as soon as that is over."""
    before = virtual_service(
        rule(to("v2"), name="testers", match=[{"headers": {"x-canary": {"exact": "true"}}}]),
        rule(to("v1", 90), to("v2", 10), name="default"),
    )
    by = ref(testers=("testers",))

    resting, testing = (
        _after(before, steering_operations(steering(by), before, share))
        for share in (Routing(0), Routing(10, testers=True))
    )

    assert [routes_of(resting, index) for index in (0, 1)] == [{"v2": 0, "v1": 100}, {"v1": 100, "v2": 0}]
    assert [routes_of(testing, index) for index in (0, 1)] == [{"v2": None}, {"v1": 90, "v2": 10}]
    assert read_sharing([(steering(by), testing)], Routing(10, testers=True)).carried
    assert not read_sharing([(steering(by), testing)], Routing(10)).carried
    assert (
        read_sharing([(steering(by), testing)], Routing(0)).weight,
        total_weights([(steering(by), testing)], PAIR),
    ) == (
        10,
        {"v1": 90, "v2": 10},
    )
    assert testing["spec"]["http"][0] == before["spec"]["http"][0]


@pytest.mark.parametrize(
    ("rules", "by", "flaw"),
    [
        ([rule(to("v1", 90), to("v2", 10))], ref("default"), "no http rule named default"),
        ([rule(to("v1"), name="a"), rule(to("v2"), name="a")], ref("a"), "several http rules named a"),
        ([rule(to("v7"))], ref(), "no route leads to one of the subsets v1 and v2"),
        ([rule(to("v1")), rule(to("v2"))], ref(), "several routes lead to one of the subsets"),
        ([rule(to("v7"), name="a")], ref("a"), "http rule a leads to neither of the subsets"),
        ([{"redirect": {"uri": "/"}, "name": "a"}], ref("a"), "http rule a redirects its requests: name another rule"),
        ([rule(to("v1", 5), to("v1", 5), to("v2", 9))], ref(), "http rule 1 has one subset twice"),
        ([rule(to("v1", 5), to("v2", 9, host="b"))], ref(), "http rule 1 has the subsets of different hosts"),
        (
            [rule(to("v1", 5), to("v2", 5)), rule(to("v1", 5, host="b"), to("v2", 9, host="b"))],
            ref(),
            "these subsets of several hosts (app, b)",
        ),
        ([], ref(), "no route leads"),
        ([rule(to("v1", 9), to("v2", 1))], ref(testers=("x",)), "no http rule named x"),
        (
            [rule(to("v2", host="b"), name="x"), rule(to("v1", 9), to("v2", 1))],
            ref(testers=("x",)),
            "these subsets of several hosts (app, b)",
        ),
    ],
)
def test_rules_that_can_not_be_told_are_not_guessed(rules: list[Manifest], by: RouteRef, flaw: str) -> None:
    """Each refusal says which rule it is, and what to do; nothing is written."""
    manifest = virtual_service(*rules)

    assert flaw in route_flaw(steering(by), manifest)
    assert steering_operations(steering(by), manifest, Routing(50)) == []
    assert read_sharing([(steering(by), manifest)], Routing(0)).weight is None


def test_rules_that_differ_have_no_common_share() -> None:
    """Somebody changed one of them."""
    both = virtual_service(rule(to("v1", 90), to("v2", 10)), rule(to("v1", 1), to("v2", 1)))

    assert read_sharing([(steering(), both)], Routing(0)).weight is None
    assert total_weights([(steering(), both)], PAIR) == {"v1": 91, "v2": 11}


def test_no_weight_at_all_is_no_share() -> None:
    """When it is shared, the two get what the others leave."""
    nothing = rule(to("v1", 0), to("v2", 0), to("v3", 70))

    assert part_in(nothing, PAIR, 100) is None
    assert weights_in(shared(nothing, PAIR, 10, 100), PAIR) == {"v1": 27, "v2": 3}


WEIGHTS = st.integers(0, 100)


@given(WEIGHTS, WEIGHTS, WEIGHTS, st.integers(0, 100))
def test_shares_are_what_is_asked_and_others_keep_theirs(stable: int, canary: int, other: int, percent: int) -> None:
    """The sum of both stays where another destination has a share; nobody is rounded down to nothing."""
    before = rule(to("v1", stable), to("v2", canary), to("v3", other), name="default")

    after = shared(before, PAIR, percent, 100)

    weights = weights_in(after, PAIR)
    total = sum(weights.values())
    assert after["route"][2] == before["route"][2]
    assert abs(100 * weights["v2"] - percent * total) <= 100 * (min(total, 1))
    assert (weights["v2"] > 0) == (percent > 0) or total == 1
    assert (weights["v1"] > 0) == (percent < 100) or total == 1
    if other and stable + canary:
        assert total == stable + canary
    assert shared(after, PAIR, percent, 100) is after
    assert find_steered({"http": [after], "tls": [], "tcp": []}, ref(), PAIR).places == (Place("http", 0),)
