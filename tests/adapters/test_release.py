"""What is left of the objects that clients use when a Canary goes."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest
from rollouts.core.routing import Routing
from rollouts.testing.json_patch import patched
from rollouts.traffic.istio import render_virtual_service, route_operations
from rollouts.traffic.release import release_route_operations, release_service_operations

OWNER = Owner("shop", "app", "uid-1")
LEFT = {"app.kubernetes.io/managed-by": "rollouts", "rollouts.dev/canary": "app"}
TARGET: Manifest = {
    "spec": {
        "selector": {"matchLabels": {"app": "app"}},
        "template": {"metadata": {"labels": {"app": "app", "tier": "web"}}},
    }
}
OURS = {"app": "app-primary"}
CLIENTS = {"destination": {"host": "app", "port": {"number": 80}}}
METRIC = {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}


def spec_of(**analysis: Any) -> CanarySpec:
    """A spec in short."""
    whole = {"interval": "10s", "metrics": [METRIC], "stepWeights": [20, 50]} | analysis
    return CanarySpec.model_validate({"targetRef": {"name": "app"}, "service": {"port": 80}, "analysis": whole})


def route_of(spec: CanarySpec, share: Routing) -> Manifest:
    """Our VirtualService as it stands."""
    rendered = render_virtual_service(OWNER, spec, share)
    return rendered | {"metadata": rendered["metadata"] | {"resourceVersion": "7"}}


def released(spec: CanarySpec, route: Manifest) -> Manifest:
    """The VirtualService afterwards; released again, it stays as it is."""
    operations = release_route_operations(OWNER, spec, route)
    assert operations[-1] == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    after: Manifest = patched(route, operations)
    assert release_route_operations(OWNER, spec, after) == []
    return after


@pytest.mark.parametrize(
    ("analysis", "share"),
    [
        ({}, Routing(20)),
        ({"match": [{"headers": {"x-beta": {"exact": "1"}}}]}, Routing(20, matched=True)),
        ({"match": [{"headers": {"x-beta": {"exact": "1"}}}], "iterations": 2}, Routing(100, matched=True)),
        ({"mirror": True}, Routing(0, mirror_percent=100)),
        ({"sessionAffinity": {"cookieName": "side"}}, Routing(20, session="abc")),
    ],
    ids=["weights", "matched weights", "A/B", "mirrored", "session"],
)
def test_every_request_goes_to_the_clients_service(analysis: dict[str, Any], share: Routing) -> None:
    """One rule is left, without matches, copies or cookies, and of our marks the Canary's name."""
    spec = spec_of(**({"stepWeights": None} if "iterations" in analysis else {}), **analysis)

    after = released(spec, route_of(spec, share))

    assert after["spec"]["http"] == [{"name": "rollouts-app", "route": [CLIENTS]}]
    assert (after["metadata"]["labels"], after["metadata"]["annotations"]) == (LEFT, {})


def test_what_others_put_into_the_rules_stays() -> None:
    """Their rules, their destinations with their share, their copies, and every field beside the route."""
    spec = spec_of()
    route = route_of(spec, Routing(20))
    (ours,) = route["spec"]["http"]
    theirs = {"name": "old", "match": [{"uri": {"prefix": "/old"}}], "route": [{"destination": {"host": "old"}}]}
    other = {"destination": {"host": "other"}, "weight": 10}
    ours |= {"timeout": "2s", "mirror": {"host": "audit"}, "mirrorPercentage": {"value": 5}}
    ours["route"] = [*ours["route"], other]
    copies = [{"destination": {"host": "app-canary.shop.svc.cluster.local"}}, {"destination": {"host": "log"}}]
    second = {"name": "second", "mirrors": copies, "route": [{"destination": {"host": "app-primary"}}]}
    route["spec"]["http"] = [theirs, ours, second]

    first, main, last = released(spec, route)["spec"]["http"]

    assert first == theirs
    assert main == {
        "name": "rollouts-app", "timeout": "2s", "mirror": {"host": "audit"}, "mirrorPercentage": {"value": 5},
        "route": [CLIENTS | {"weight": 100}, other],
    }  # fmt: skip
    assert last == {"name": "second", "mirrors": [copies[1]], "route": [CLIENTS]}


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with others"])
def test_to_go_twice_leaves_one_way(*, shared: bool) -> None:
    """A Canary of that name takes up what the one before left, and leaves no second way to the same Service."""
    spec = spec_of()
    other = {"destination": {"host": "other"}, "weight": 10}
    left = route_of(spec, Routing(0))
    if shared:
        left["spec"]["http"][0]["route"].append(other)
    for _ in range(3):
        after = released(spec, left)
        route = after["spec"]["http"][0]["route"]
        assert [one["destination"] for one in route] == [
            CLIENTS["destination"],
            *([other["destination"]] if shared else []),
        ]
        assert shared or route == [CLIENTS]
        taken_up = patched(after, route_operations(OWNER, spec, after, Routing(20)))
        marked = {"labels": OWNER.labels(), "annotations": {}}
        left = taken_up | {"metadata": taken_up["metadata"] | marked}


def test_a_narrower_rule_of_ours_with_a_destination_of_others_stays() -> None:
    """It is not ours alone."""
    spec = spec_of(match=[{"headers": {"x-beta": {"exact": "1"}}}])
    route = route_of(spec, Routing(20, matched=True))
    route["spec"]["http"][0]["route"].append({"destination": {"host": "other"}, "weight": 10})

    names = [rule["name"] for rule in released(spec, route)["spec"]["http"]]

    assert names == ["rollouts-app-match", "rollouts-app"]


def service_of(selector: dict[str, str], kept: str | None = None, **labels: str) -> Manifest:
    """The clients' Service."""
    annotations = {"theirs": "stays"} | ({} if kept is None else {"rollouts.dev/original-selector": kept})
    metadata = {"name": "app", "resourceVersion": "7", "labels": labels, "annotations": annotations}
    return {"metadata": metadata, "spec": {"selector": selector, "ports": [{"port": 80}]}}


@pytest.mark.parametrize(
    ("kept", "selector"),
    [
        ('{"app":"app","tier":"web"}', {"app": "app", "tier": "web"}),
        ('{"tier":"web"}', {"tier": "web"}),
        ('{"tier":"old"}', {"app": "app"}),
        ("{}", {"app": "app"}),
        ("{", {"app": "app"}),
        ("[]", {"app": "app"}),
    ],
)
def test_the_users_selector_comes_back_where_it_still_finds_the_target(kept: str, selector: dict[str, str]) -> None:
    """Else the Service selects the target by its own labels."""
    apex = service_of(OURS, kept)

    after = patched(apex, release_service_operations(apex, OURS, TARGET))

    assert (after["spec"]["selector"], after["metadata"]["annotations"]) == (selector, {"theirs": "stays"})
    assert release_service_operations(after, OURS, TARGET) == []


def test_a_selector_that_is_the_users_by_now_is_left() -> None:
    """Only what we wrote is taken back."""
    apex = service_of({"app": "new"}, '{"app":"app"}')

    after = patched(apex, release_service_operations(apex, OURS, TARGET))

    assert (after["spec"]["selector"], after["metadata"]["annotations"]) == ({"app": "new"}, {"theirs": "stays"})


def test_a_service_of_ours_keeps_the_name_of_its_canary() -> None:
    """So that a Canary of that name takes it up again as its own, ports included."""
    apex = service_of(OURS, None, **OWNER.labels())

    after = patched(apex, release_service_operations(apex, OURS, TARGET))

    assert (after["spec"]["selector"], after["metadata"]["labels"]) == ({"app": "app"}, LEFT)
