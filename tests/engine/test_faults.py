"""A fault that somebody puts into the routes in mid-run, through the Reconciler: whose it is decides what follows."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import VIRTUAL_SERVICES, Manifest
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Subject, Value
from rollouts.metrics.istio import Services, render_query
from tests.engine.swap_world import V2, Swap, routes, swap_canary
from tests.engine.test_user_routes import EDGE, default, edge, world_of
from tests.engine.world import INTERVAL_S, KEY, NAMESPACE, World, canary_manifest

ABORT = {"abort": {"percentage": {"value": 34}, "httpStatus": 500}}
SLOW = {"delay": {"percentage": {"value": 50}, "fixedDelay": "7s"}}
TESTERS = {"name": "testers", "match": [{"headers": {"x-test": {"exact": "1"}}}]}


def heard(world: World, workload: str, side: Subject, services: Services, outcome: Outcome) -> None:
    """What callers count from now on."""
    query = render_query(Probe(Signal.UNREACHED, side, INTERVAL_S), NAMESPACE, workload, services)
    world.metrics.answers[query] = outcome


def put(world: World, rule: str, fault: Manifest | None, *, kept: str = "") -> None:
    """Somebody gives a rule a fault, or takes it away; no other has one then but that which is kept."""
    route, rules = KEY, world.get(VIRTUAL_SERVICES, KEY)["spec"]["http"]
    bare = [{key: value for key, value in one.items() if key != "fault" or one.get("name") == kept} for one in rules]
    after = [{**one, "fault": fault} if fault and one.get("name") == rule else one for one in bare]
    world.cluster.edit(VIRTUAL_SERVICES, route, {"spec": {"http": after}})


def with_testers() -> Manifest:
    """The user's VirtualService with a rule for testers, who get the version that serves between releases."""
    route = routes(v1=90, v2=10)
    route["spec"]["http"].insert(0, {**TESTERS, "route": [{"destination": {"host": "app", "subset": "v1"}}]})
    return route


def canary_with_testers(**analysis: Any) -> Manifest:
    """Whose canary rule that is."""
    canary = swap_canary(routeRefs=[{"name": "app", "canaryRules": ["testers"]}])
    canary["spec"]["analysis"] |= analysis
    return canary


async def _released(swap: Swap) -> None:
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == 20)


async def test_a_fault_for_both_holds_the_release_and_names_the_rule() -> None:
    """However long it lasts; the user's rule keeps all that it says, and when it is gone the release goes on."""
    swap = await Swap.initialized(with_testers(), canary_with_testers())
    await _released(swap)
    put(swap.world, "default", ABORT)
    heard(swap.world, "app-v2", Subject.BOTH, Services(("app",), shared=True), Value(34.0))
    mine = swap.users_objects()
    held_until_s = swap.world.clock.elapsed_s + 10 * INTERVAL_S
    await swap.world.run_until(lambda: swap.world.clock.elapsed_s >= held_until_s)

    ready = swap.world.condition(ConditionType.READY)
    assert (swap.weights["v2"], swap.world.status.failed_checks) == (20, 0)
    assert (ready.status, ready.reason) == ("False", "SharedBreach")
    assert "http rule default of VirtualService shop/app, which leads to both versions, aborts 34 %" in ready.message
    assert "34.00 % of the requests to Service app failed" in ready.message
    assert [reason for reason, _ in swap.world.events()].count("SharedBreach") == 1
    assert swap.users_objects() == mine

    put(swap.world, "default", None)
    swap.world.metrics.answers = {
        query: answer for query, answer in swap.world.metrics.answers.items() if "destination_service_name" not in query
    }
    await swap.world.run_until_phase(Phase.SUCCEEDED)
    assert swap.world.status.stable_subset == "v2"


async def test_a_fault_for_the_canary_alone_is_its_failure() -> None:
    """A rehearsal of a bad release: rolled back at the threshold, though its pods answer all that they get."""
    swap = await Swap.initialized(with_testers(), canary_with_testers(threshold=2))
    await _released(swap)
    put(swap.world, "testers", ABORT)
    heard(swap.world, "app-v2", Subject.CANARY, Services(("app",), shared=True, codes=(500,)), Value(34.0))
    await swap.world.run_until_phase(Phase.FAILED)

    assert (swap.weights, swap.world.status.failed_checks) == ({"v1": 100, "v2": 0}, 2)
    message = swap.world.condition(ConditionType.PROMOTED).message
    assert "http rule testers of VirtualService shop/app, which leads to the canary alone, aborts 34 %" in message


async def test_a_fault_of_the_stable_side_does_not_hide_the_canarys() -> None:
    """What they answer tells them apart."""
    route = with_testers()
    fault = {"abort": {**ABORT["abort"], "httpStatus": 555}}
    old = {"name": "old", "match": [{"uri": {"prefix": "/v1"}}], "fault": fault}
    route["spec"]["http"].insert(0, {**old, "route": [{"destination": {"host": "app", "subset": "v1"}}]})
    swap = await Swap.initialized(route, canary_with_testers(threshold=1))
    await _released(swap)
    put(swap.world, "testers", ABORT, kept="old")
    heard(swap.world, "app-v2", Subject.CANARY, Services(("app",), shared=True, codes=(500,)), Value(34.0))
    await swap.world.run_until_phase(Phase.FAILED)

    assert "http rule testers of VirtualService shop/app" in swap.world.condition(ConditionType.PROMOTED).message


async def test_requests_of_a_canary_with_a_service_of_its_own_need_no_fault() -> None:
    """Whatever keeps them from its pods, they were meant for it."""
    world = World(canary=canary_manifest(threshold=1, stepWeights=[20, 50]))
    await world.initialize()
    heard(world, "app", Subject.CANARY, Services(("app-canary",)), Value(3.0))
    world.release()
    await world.run_until_phase(Phase.FAILED)

    assert "3.00 % of the canary's requests failed before they reached a pod" in world.status.metrics[0].message


@pytest.mark.parametrize("fault", [ABORT, SLOW], ids=["abort", "delay"])
async def test_a_fault_in_the_rule_that_is_made_is_seen(fault: Manifest) -> None:
    """Others may put it there, and it stays theirs."""
    metrics = [
        {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}},
        {"name": "request-duration", "interval": "10s", "thresholdRange": {"max": 500}},
    ]
    world = World(canary=canary_manifest(metrics=metrics, stepWeights=[20, 50]))
    for signal, outcome in ((Signal.DURATION, 20.0), (Signal.CALLERS_DURATION, 7000.0)):
        world.metrics.set(Probe(signal, window_s=INTERVAL_S), Value(outcome))
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.weight == 20)
    put(world, "rollouts-app", fault)
    both = Services(("app", "app-primary", "app-canary"))
    heard(world, "app", Subject.BOTH, both, Value(34.0) if fault == ABORT else NoData())
    await world.run_until(lambda: world.condition(ConditionType.READY).reason == "SharedBreach")

    message = world.condition(ConditionType.READY).message
    assert "http rule rollouts-app of VirtualService shop/app, which leads to both versions" in message
    assert (world.weight, world.get(VIRTUAL_SERVICES)["spec"]["http"][-1]["fault"]) == (20, fault)


async def test_a_fault_in_the_users_rule_with_target_ref_is_seen() -> None:
    """It leads to the clients' Service, and in mid-run to the canary's too."""
    world = world_of(edge(default(fault=ABORT)))
    await world.initialize()
    both = Services(("app", "app-primary", "app-canary"))
    heard(world, "app", Subject.BOTH, both, Value(34.0))
    world.release()
    await world.run_until(lambda: world.condition(ConditionType.READY).reason == "SharedBreach")

    assert "http rule default of VirtualService shop/edge" in world.condition(ConditionType.READY).message
    assert world.get(VIRTUAL_SERVICES, EDGE)["spec"]["http"][-1]["fault"] == ABORT
