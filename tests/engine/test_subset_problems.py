"""What a Canary with subsets can't be acted on for: each names the object and the way out, and nothing is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollouts.api.resources import (
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.api.status import ConditionType, Phase
from tests.engine.swap_world import V1, V2, Swap, routes, service, subsets_rule, swap_canary, version
from tests.engine.test_problems import only_said
from tests.engine.world import KEY, NAMESPACE, canary_manifest

Break = Callable[[Swap], object]


def _route(manifest: Manifest) -> Break:
    return lambda swap: swap.world.cluster.put(VIRTUAL_SERVICES, manifest)


def _without(swap: Swap, key: ObjectKey) -> None:
    swap.world.cluster.delete(DEPLOYMENTS, key)


def _relabelled(swap: Swap) -> None:
    other = service()
    other["spec"]["selector"] = {"app": "other"}
    swap.world.cluster.put(SERVICES, other)


_OTHER_PAIR = [{"name": name, "targetRef": {"name": f"other-{name}"}} for name in ("v1", "v2")]
_TARGET = canary_manifest()["spec"] | {"targetRef": {"name": "app-v2"}}

BROKEN: list[tuple[str, Break, str, str]] = [
    ("no deployment", lambda swap: _without(swap, V2), "TargetNotFound", "Deployment shop/app-v2 does not exist"),
    (
        "no route",
        lambda swap: swap.world.cluster.delete(VIRTUAL_SERVICES, KEY),
        "RouteNotFound",
        "VirtualService shop/app does not exist: create it, or correct spec.routeRefs",
    ),
    ("route of others", _route(routes(v7=100)), "RouteUnusable", "VirtualService shop/app: no route leads"),
    (
        "a tie",
        _route(routes(v1=50, v2=50)),
        "StableUnknown",
        "VirtualService app, so it can't be told which serves: set",
    ),
    (
        "no subset",
        lambda swap: swap.world.cluster.delete(DESTINATION_RULES, KEY),
        "SubsetNotFound",
        "no DestinationRule of host app.shop has the subset v1: add it",
    ),
    (
        "subsets crossed",
        lambda swap: swap.world.cluster.put(DESTINATION_RULES, subsets_rule(v1="v2", v2="v1")),
        "SubsetMismatch",
        "subset v1 of host app.shop does not select the pods of Deployment app-v1: correct its labels version=v2",
    ),
    (
        "subset of both",
        lambda swap: swap.world.cluster.put(
            DESTINATION_RULES,
            {**subsets_rule(), "spec": {"host": "app", "subsets": [{"name": "v1"}, {"name": "v2"}]}},
        ),
        "SubsetMismatch",
        "subset v1 of host app.shop selects also the pods of Deployment app-v2: correct its labels (none)",
    ),
    (
        "no service",
        lambda swap: swap.world.cluster.delete(SERVICES, KEY),
        "HostNotFound",
        "VirtualService shop/app leads to Service shop/app, which does not exist: create it, or correct the host",
    ),
    (
        "service of others",
        _relabelled,
        "NotSelected",
        "Service shop/app does not select the pods of Deployment app-v1: give them the labels app=other",
    ),
]


@pytest.mark.parametrize(("ruin", "reason", "says"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
async def test_nothing_is_touched(ruin: Break, reason: str, says: str) -> None:
    """The conditions say what is wrong, once, and no object of the user's is written."""
    swap = Swap.begin()
    ruin(swap)
    with swap.world.recorded() as writes:
        await swap.world.settle()

    ready = swap.world.condition(ConditionType.READY)
    assert (swap.world.status.phase, ready.status, ready.reason) == (Phase.INITIALIZING, "False", reason)
    assert says in ready.message
    assert only_said(writes)
    assert [told for told, _ in swap.world.events()] == [reason]


@pytest.mark.parametrize(("ruin", "says"), [(case[1], case[3]) for case in BROKEN[:3]], ids=[c[0] for c in BROKEN[:3]])
async def test_a_release_is_held_while_something_is_broken(ruin: Break, says: str) -> None:
    """In mid-run nothing goes on, and what is left of the traffic's order stays."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)
    kept = swap.world.get(DEPLOYMENTS, V1)
    ruin(swap)
    await swap.world.settle()

    assert says in swap.world.condition(ConditionType.READY).message
    assert swap.world.get(DEPLOYMENTS, V1)["spec"] == kept["spec"]


async def test_a_tie_is_broken_by_the_spec() -> None:
    """InitialStable says who serves where the weights do not."""
    swap = await Swap.initialized(routes(v1=50, v2=50), swap_canary(initialStable="v2"))

    assert (swap.world.status.stable_subset, swap.weights, swap.replicas()) == ("v2", {"v1": 0, "v2": 100}, (0, 3, 3))


async def test_the_larger_weight_goes_before_the_spec() -> None:
    """What serves now is never taken out of service by a first look."""
    swap = await Swap.initialized(routes(v1=60, v2=40), swap_canary(initialStable="v2"))

    assert swap.world.status.stable_subset == "v1"


async def test_hosts_may_be_written_in_full() -> None:
    """Short or qualified, in either object, it is the same Service."""
    route = routes(v1=90, v2=10)
    for item in route["spec"]["http"][1]["route"]:
        item["destination"]["host"] = f"app.{NAMESPACE}.svc.cluster.local"
    swap = await Swap.initialized(route)

    assert swap.weights == {"v1": 100, "v2": 0}


async def test_a_host_that_is_no_service_needs_its_subsets_all_the_same() -> None:
    """Such as one of a ServiceEntry: no Service selects its pods, but a DestinationRule has to know the subsets."""
    route = routes(v1=90, v2=10)
    for item in route["spec"]["http"][1]["route"]:
        item["destination"]["host"] = "api.example.com"
    swap = Swap.begin(route)
    await swap.world.settle()

    assert "no DestinationRule of host api.example.com has" in swap.world.condition(ConditionType.READY).message
    swap.world.cluster.put(
        DESTINATION_RULES, {**subsets_rule(), "spec": subsets_rule()["spec"] | {"host": "api.example.com"}}
    )
    await swap.world.initialize()
    assert swap.weights == {"v1": 100, "v2": 0}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (_TARGET, "Canary shop/older, which is older, releases the same target app-v2: delete one of the two"),
        (
            swap_canary(subsets=_OTHER_PAIR)["spec"],
            (
                "Canary shop/older, which is older, shares the requests of VirtualService shop/app by the same rules: "
                "name different rules in the routeRefs of both, or delete one of the two"
            ),
        ),
    ],
    ids=["a workload", "rules"],
)
async def test_of_two_canaries_that_want_the_same_the_older_has_it(spec: Manifest, says: str) -> None:
    """In whichever mode the other one is."""
    swap = Swap.begin(older=spec)
    with swap.world.recorded() as writes:
        await swap.world.settle()

    ready = swap.world.condition(ConditionType.READY)
    assert (ready.reason, ready.message) == ("TargetContested", says)
    assert only_said(writes)


@pytest.mark.parametrize(
    "refs",
    [[{"name": "app", "rules": ["other"]}], [{"name": "another"}]],
    ids=["different rules", "different objects"],
)
async def test_two_canaries_may_have_subsets_of_the_same_names(refs: list[Manifest]) -> None:
    """Rules that do not meet are no contest."""
    swap = Swap.begin(
        canary=swap_canary(routeRefs=[{"name": "app", "rules": ["default"]}]),
        older=swap_canary(subsets=_OTHER_PAIR, routeRefs=refs)["spec"],
    )
    await swap.world.initialize()

    assert swap.world.condition(ConditionType.READY).status == "True"


async def test_a_version_that_lost_its_label_is_told() -> None:
    """A template that its subset would not select gets no weight."""
    swap = await Swap.initialized()
    template = version(V2, "app:2")["spec"]["template"]
    template["metadata"]["labels"]["version"] = "new"
    swap.world.cluster.edit(DEPLOYMENTS, V2, {"spec": {"template": template}})
    await swap.world.settle()

    assert swap.world.condition(ConditionType.READY).reason == "SubsetMismatch"
    assert swap.weights == {"v1": 100, "v2": 0}
