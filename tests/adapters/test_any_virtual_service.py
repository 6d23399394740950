"""Whatever VirtualService Istio's schema admits: a release steps through it, ends, and leaves it as the user wrote it.

What may differ is said by `_users`: all that is the user's, without our marks, weights, copies, cookies and rules.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner, original_routes_annotation
from rollouts.api.resources import Manifest, ObjectKey
from rollouts.api.subsets import RouteRef
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.traffic.user_routes import (
    read_sharing,
    release_operations,
    route_flaw,
    steering_operations,
)
from rollouts.traffic.user_rules import part_in, weights_in
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Steering, look
from tests.adapters.virtual_services import SECTIONS, host_services, subset_services
from tests.engine.swap_world import swap_canary
from tests.engine.world import canary_manifest

OWNER = Owner("shop", "app", "uid-1")
MARK = original_routes_annotation(OWNER)
STRATEGIES: dict[str, dict[str, Any]] = {
    "weights": {},
    "fine": {"weightTotal": 1000, "stepWeights": [1, 10, 1000]},
    "match": {"match": [{"headers": {"end-user": {"exact": "jason"}}}, {"uri": {"prefix": "/beta"}}]},
    "mirror": {"mirror": True, "mirrorWeight": 10},
    "session": {"sessionAffinity": {"cookieName": "app-canary", "primaryCookieName": "app-primary"}},
}
REFS = st.sampled_from([RouteRef(name="app"), RouteRef(name="app"), RouteRef(name="app", rules=("default",))])


def _spec(canary: Manifest, strategy: str) -> CanarySpec:
    return CanarySpec.model_validate(canary["spec"] | {"analysis": canary["spec"]["analysis"] | STRATEGIES[strategy]})


def _of_subsets(strategy: str, ref: RouteRef, pair: Pair | None = None) -> Steering:
    return Steering(OWNER, _spec(swap_canary(), strategy), ref, pair or Pair("v1", "v2", read_in="shop"))


def _of_services(strategy: str, ref: RouteRef) -> Steering:
    canary = canary_manifest()
    canary["spec"]["routeRefs"] = [{"name": "app"}]
    return Steering(OWNER, _spec(canary, strategy), ref, Pair.of_service(ObjectKey("shop", "app"), "shop"))


@st.composite
def _shares(draw: st.DrawFn, strategy: str) -> Routing:
    """What a release of that strategy asks for, one step."""
    total = 1000 if strategy == "fine" else 100
    return Routing(
        draw(st.sampled_from([0, 1, total // 10, 37, total // 2, total - 1, total])),
        total,
        matched=strategy == "match",
        mirror_percent=draw(st.sampled_from([0, 10, 100])) if strategy == "mirror" else 0,
        session=draw(st.sampled_from(["3f9a1c", "b2"])) if strategy == "session" else "",
    )


def _rest(strategy: str) -> Routing:
    return Routing(
        0,
        1000 if strategy == "fine" else 100,
        matched=strategy == "match",
        session="3f9a1c" if strategy == "session" else "",
    )


def _step(steering: Steering, manifest: Manifest, share: Routing) -> Manifest:
    """The object after one write, with a version that the server would give it."""
    operations = steering_operations(steering, manifest, share)
    after: Manifest = patched(manifest, operations)
    if operations:
        assert operations[-1] == {
            "op": "replace", "path": "/metadata/resourceVersion", "value": manifest["metadata"]["resourceVersion"]
        }  # fmt: skip
        after["metadata"]["resourceVersion"] += "1"
    return after


def _release(steering: Steering, manifest: Manifest, share: Routing) -> Manifest:
    after: Manifest = patched(manifest, release_operations(steering, manifest, share))
    assert release_operations(steering, after, share) == []
    return after


def _canonical(manifest: Manifest) -> str:
    rest = {key: value for key, value in manifest["metadata"].items() if key != "resourceVersion"}
    return json.dumps({**manifest, "metadata": rest}, sort_keys=True)


def _users(steering: Steering, manifest: Manifest) -> str:
    """All that is not ours to change, as canonical JSON."""
    user = copy.deepcopy(manifest)
    annotations = user["metadata"].pop("annotations", {})
    annotations.pop(MARK, None)
    user["metadata"] |= {"annotations": annotations} if annotations else {}
    for section in SECTIONS:
        rules = user["spec"].get(section) or []
        rules = [rule for rule in rules if not str(rule.get("name", "")).startswith("rollouts-app-")]
        if section in user["spec"]:
            user["spec"][section] = [_users_rule(steering, rule) for rule in rules]
    return _canonical(user)


def _users_rule(steering: Steering, rule: Manifest) -> Manifest:
    spec = steering.spec.analysis
    rest = {key: value for key, value in rule.items() if not (spec.mirror and key.startswith("mirror"))}
    if "route" in rule:
        told = [_users_route(steering, route) for route in rule["route"]]
        # A destination that we add is a copy of the one beside it.
        rest["route"] = [route for place, route in enumerate(told) if route not in told[:place]]
    return rest


def _users_route(steering: Steering, route: Manifest) -> Manifest:
    """Of one that leads to a side, neither the weight nor which side it is."""
    if not steering.pair.side_of(route["destination"]):
        return route
    ours = {"weight", "headers"} if steering.spec.analysis.session_affinity else {"weight"}
    side = "host" if steering.pair.service is not None else "subset"
    destination = {key: value for key, value in route["destination"].items() if key != side}
    return {key: value for key, value in route.items() if key not in ours} | {"destination": destination, "ours": True}


def _services(steered: str) -> st.SearchStrategy[Manifest]:
    return host_services() if steered == "services" else subset_services()


def _steering(steered: str, strategy: str, ref: RouteRef) -> Steering:
    return _of_services(strategy, ref) if steered == "services" else _of_subsets(strategy, ref)


BOTH = pytest.mark.parametrize("steered", ["services", "subsets"])
FEW = settings(max_examples=40)
EACH = pytest.mark.parametrize("strategy", STRATEGIES)


@BOTH
@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_a_step_is_written_once_and_touches_what_is_ours_alone(
    data: st.DataObject, ref: RouteRef, steered: str, strategy: str
) -> None:
    """Through any steps: after each it is so, nothing more is to be written, and the user's is as it was."""
    steering, manifest = _steering(steered, strategy, ref), data.draw(_services(steered))
    flaw, before = route_flaw(steering, manifest), _users(steering, manifest)
    for share in data.draw(st.lists(_shares(strategy), min_size=1, max_size=3)):
        manifest = _step(steering, manifest, share)
        assert read_sharing([(steering, manifest)], share).carried == (not flaw)
        assert steering_operations(steering, manifest, share) == []
        assert _users(steering, manifest) == before
        if not flaw and _has_room(steering, manifest):
            assert read_sharing([(steering, manifest)], Routing(0)).weight == share.weight


def _has_room(steering: Steering, manifest: Manifest) -> bool:
    """Whether single parts can be told apart in every steered rule."""
    found = look(steering, manifest)
    rules = [found.lists[place.section][found.bare[place.section][place.index].index or 0] for place in found.sharing]
    least = steering.spec.analysis.weight_total
    return bool(rules) and all(sum(weights_in(rule, steering.pair).values()) >= least for rule in rules)


@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_with_services_a_run_that_is_over_leaves_the_object_as_it_was(
    data: st.DataObject, ref: RouteRef, strategy: str
) -> None:
    """Canonical JSON, but for the version; nothing of ours is left to take off."""
    steering, before = _of_services(strategy, ref), data.draw(host_services())
    after = before
    for share in data.draw(st.lists(_shares(strategy), min_size=1, max_size=3)):
        after = _step(steering, after, share)
    after = _step(steering, after, _rest(strategy))
    _assert_as_written(steering, after, before)


@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_with_subsets_a_canary_that_goes_leaves_the_object_but_for_its_weights(
    data: st.DataObject, ref: RouteRef, strategy: str
) -> None:
    """The weights of the two lead to the side that serves; where they did at first, it is the object as it was."""
    steering, before = _of_subsets(strategy, ref), data.draw(subset_services())
    after = before
    for share in data.draw(st.lists(_shares(strategy), min_size=1, max_size=3)):
        after = _step(steering, after, share)
    after = _release(steering, after, _rest(strategy))
    if not route_flaw(steering, before) and all(
        weights_in(rule, steering.pair)[steering.pair.canary] for rule in _steered(steering, before)
    ):
        assert not any(weights_in(rule, steering.pair)[steering.pair.canary] for rule in _steered(steering, after))
    assert _users(steering, after) == _users(steering, before)
    if all(not weights_in(rule, steering.pair)[steering.pair.canary] for rule in _steered(steering, before)):
        assume(all(sum(weights_in(rule, steering.pair).values()) for rule in _steered(steering, before)))
        assume(_sums_are_whole(steering, before))
        assert _told(steering, after) == _told(steering, before)


def _assert_as_written(steering: Steering, after: Manifest, before: Manifest) -> None:
    """At rest; but for the weights of a user who has both Services in a rule, and gives the canary's some requests."""
    assert _users(steering, after) == _users(steering, before)
    if all(part_in(rule, steering.pair, 100) == 0 for rule in _steered(steering, before)):
        assert _canonical(after) == _canonical(before)


def _steered(steering: Steering, manifest: Manifest) -> list[Manifest]:
    found = look(steering, manifest)
    return [found.bare[place.section][place.index].rule for place in found.sharing]


def _told(steering: Steering, manifest: Manifest) -> str:
    """Canonical JSON in which a weight of ours that is 0 is not written."""
    told = copy.deepcopy(manifest)
    for rule in (rule for section in SECTIONS for rule in told["spec"].get(section) or []):
        for route in rule.get("route") or []:
            if steering.pair.side_of(route["destination"]) and route.get("weight") == 0:
                del route["weight"]
    return _canonical(told)


def _sums_are_whole(steering: Steering, manifest: Manifest) -> bool:
    """Whether a rule's sum can stay: the total at least, or one destination alone."""
    rules, least = _steered(steering, manifest), steering.spec.analysis.weight_total
    return all(
        sum(route.get("weight") or 0 for route in rule["route"]) >= least or len(rule["route"]) == 1 for rule in rules
    )


@BOTH
@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_a_reset_in_mid_run_is_found_right_again(
    data: st.DataObject, ref: RouteRef, steered: str, strategy: str
) -> None:
    """Somebody applies the file again: all that we had changed is as in the file, but for our annotation."""
    steering, before = _steering(steered, strategy, ref), data.draw(_services(steered))
    first, second = data.draw(_shares(strategy)), data.draw(_shares(strategy))
    running = _step(steering, before, first)
    reset = {**running, "spec": copy.deepcopy(before["spec"])}
    again = _step(steering, reset, second)
    assert read_sharing([(steering, again)], second).carried == (not route_flaw(steering, before))
    straight = _step(steering, before, second)
    assert again["spec"] == straight["spec"]
    if steered == "services":
        _assert_as_written(steering, _step(steering, again, _rest(strategy)), before)


@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_an_edit_in_mid_run_stays_when_the_run_is_over(data: st.DataObject, ref: RouteRef, strategy: str) -> None:
    """A rule on top, a rule below, and a timeout in every rule."""
    steering, before = _of_services(strategy, ref), data.draw(host_services())
    share = data.draw(_shares(strategy))
    top = {"name": "maintenance", "match": [{"uri": {"exact": "/down"}}], "directResponse": {"status": 503}}

    def edited(manifest: Manifest) -> Manifest:
        after = copy.deepcopy(manifest)
        rules = after["spec"].get("http") or []
        for rule in rules:
            rule["timeout"] = "9s"
        after["spec"]["http"] = [top, *rules, {"name": "last", "route": [{"destination": {"host": "legacy"}}]}]
        return after

    after = _step(steering, edited(_step(steering, before, share)), _rest(strategy))
    _assert_as_written(steering, after, edited(before))


@BOTH
@EACH
@FEW
@given(data=st.data(), ref=REFS)
def test_a_write_does_not_fit_an_object_whose_routes_have_changed(
    data: st.DataObject, ref: RouteRef, steered: str, strategy: str
) -> None:
    """Should a server not look at the version: destinations that are hit, and rules that are, are tested."""
    steering, manifest = _steering(steered, strategy, ref), data.draw(_services(steered))
    operations = steering_operations(steering, manifest, data.draw(_shares(strategy)))
    rules = manifest["spec"].get("http") or []
    paths = [one["path"].split("/") for one in operations]
    places = {int(path[3]) for path in paths if path[1:3] == ["spec", "http"] and len(path) > 4}
    hit = [
        place for place in sorted(places) if place < len(rules) and ("name" in rules[place] or "match" in rules[place])
    ]
    if not hit:
        return  # Nothing to write, or only rules that can't be told apart: there the version alone decides.
    other = copy.deepcopy(manifest)
    other["spec"]["http"].insert(hit[0], {"name": "new", "match": [{"port": 9999}], "redirect": {"uri": "/new"}})
    with pytest.raises((PatchRefused, LookupError)):
        patched(other, operations)
