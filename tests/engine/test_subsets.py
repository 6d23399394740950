"""Two Deployments of the user that swap their roles, through the Reconciler, judged by the state of the world."""

from __future__ import annotations

from itertools import count

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Signal, Value
from tests.engine.swap_world import V1, V2, Swap, routes, swap_canary
from tests.engine.test_crash import Executioner
from tests.engine.world import KEY


async def test_a_fresh_canary_leads_everything_to_the_side_with_the_weight() -> None:
    """The other one goes to zero, nothing is made, and nothing else of the user's is changed."""
    swap = Swap.begin()
    before, places = swap.users_objects(), set(swap.world.cluster.server.places())
    await swap.world.initialize()

    assert (swap.weights, swap.replicas()) == ({"v1": 100, "v2": 0}, (3, 0, 3))
    assert (swap.world.status.stable_subset, swap.users_objects()) == ("v1", before)
    assert {place for place in swap.world.cluster.server.places() if place[0].kind != "Event"} == places
    assert swap.world.condition(ConditionType.READY).status == "True"


async def test_a_good_release_swaps_the_roles() -> None:
    """Each weight once, then all on the new version; the old one is kept for scaleDownDelay, and goes to zero."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until_phase(Phase.FINALISING)

    assert swap.replicas() == (3, 3, 3)
    swapped_at_s = swap.world.clock.elapsed_s
    await swap.world.run_until(lambda: swap.world.replicas(V1) == 0)
    await swap.world.run_until_quiet()

    assert swap.world.clock.elapsed_s - swapped_at_s >= 60
    assert swap.shares == [{"v1": 80, "v2": 20}, {"v1": 50, "v2": 50}, {"v1": 0, "v2": 100}]
    status = swap.world.status
    assert (status.phase, status.stable_subset, status.desired_weight) == (Phase.SUCCEEDED, "v2", 0)
    assert (swap.replicas(), swap.users_objects()) == ((0, 3, 3), before)
    reasons = [reason for reason, _ in swap.world.events()]
    assert reasons == ["Initialized", "NewRevision", *["Advance"] * 3, "Promoting", "Swapped", "Succeeded"]


async def test_the_next_release_goes_the_other_way_round() -> None:
    """What was out of service is scaled up to the size of what serves, and takes its place again."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until_quiet()
    swap.shares.clear()
    swap.release(V1, "app:3")
    await swap.world.run_until_quiet()

    assert swap.shares == [{"v1": 20, "v2": 80}, {"v1": 50, "v2": 50}, {"v1": 100, "v2": 0}]
    assert (swap.world.status.stable_subset, swap.replicas()) == ("v1", (3, 0, 3))


async def test_a_bad_release_is_rolled_back() -> None:
    """All traffic returns at once, the bad version goes to zero, the roles stay."""
    swap = await Swap.initialized()
    swap.release(V2, "app:bad")
    before = swap.users_objects()
    await swap.world.run_until(lambda: swap.weights["v2"] == 20)
    swap.measure("app-v2", Signal.SUCCESS_RATE, Value(50.0))
    await swap.world.run_until_phase(Phase.FAILED)
    await swap.world.run_until_quiet()

    assert swap.shares == [{"v1": 80, "v2": 20}, {"v1": 100, "v2": 0}]
    assert (swap.world.status.stable_subset, swap.replicas(), swap.users_objects()) == ("v1", (3, 0, 3), before)
    assert "subset v1" in swap.world.condition(ConditionType.PROMOTED).message


async def test_undo_within_the_delay_switches_back_at_once() -> None:
    """The old pods still run: no step, no pod to wait for; the regretted version goes to zero."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until_phase(Phase.FINALISING)
    asked_at_s = swap.world.clock.elapsed_s
    swap.ask("undo")
    await swap.world.settle()

    assert (swap.weights, swap.world.clock.elapsed_s) == ({"v1": 100, "v2": 0}, asked_at_s)
    await swap.world.run_until_quiet()
    assert (swap.world.status.phase, swap.world.status.stable_subset) == (Phase.SUCCEEDED, "v1")
    assert swap.replicas() == (3, 0, 3)


async def test_undo_after_the_delay_brings_the_old_pods_first() -> None:
    """No request is led to a version without pods; a second undo brings the newer version back."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until_quiet()
    assert swap.replicas() == (0, 3, 3)
    swap.world.pods_follow = False
    swap.ask("undo")
    await swap.world.settle()
    assert (swap.replicas(), swap.weights) == ((3, 3, 3), {"v1": 0, "v2": 100})
    swap.world.pods_follow = True
    await swap.world.run_until_quiet()
    assert (swap.world.status.stable_subset, swap.replicas(), swap.weights["v1"]) == ("v1", (3, 0, 3), 100)

    swap.ask("undo", "2")
    await swap.world.run_until_quiet()
    assert (swap.world.status.stable_subset, swap.replicas(), swap.weights["v2"]) == ("v2", (0, 3, 3), 100)


async def test_undo_of_a_version_that_is_gone_is_refused() -> None:
    """A version that never served is none to go back to."""
    swap = await Swap.initialized()
    swap.ask("undo")
    await swap.world.run_until_quiet()

    assert (swap.weights, swap.world.status.stable_subset) == ({"v1": 100, "v2": 0}, "v1")
    assert swap.world.status.actions[0].outcome == "Refused"


async def test_a_deleted_canary_leaves_the_routes_to_the_user() -> None:
    """In mid-run all requests go to the side that serves, and no mark of ours stays; the workloads stay as they are."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)

    assert (swap.weights, swap.users_objects()) == ({"v1": 100, "v2": 0}, before)
    assert swap.world.get(VIRTUAL_SERVICES)["metadata"]["annotations"] == {"team": "shop"}
    assert swap.replicas() == (3, 3, 3)


async def test_two_of_three_subsets_leave_the_third_alone() -> None:
    """It keeps its share and its pods; the two share what they had together."""
    swap = await Swap.initialized(routes(v3=20, v1=80, v2=0))
    swap.release(V2, "app:2")
    before = swap.users_objects()
    await swap.world.run_until_quiet()

    assert [dict(shares) for shares in swap.shares] == [
        {"v3": 20, "v1": 64, "v2": 16}, {"v3": 20, "v1": 40, "v2": 40}, {"v3": 20, "v1": 0, "v2": 80},
    ]  # fmt: skip
    assert (swap.replicas(), swap.users_objects()) == ((0, 3, 3), before)


async def test_a_lone_destination_becomes_two_for_a_release() -> None:
    """At rest it stays as it was; when the Canary goes, what was added goes too, if it has nothing."""
    swap = await Swap.initialized(routes(v1=None))
    route = swap.world.get(VIRTUAL_SERVICES)["spec"]
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights.get("v2") == 50)
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)

    assert swap.world.get(VIRTUAL_SERVICES)["spec"] == route


@pytest.mark.parametrize("weight", [20, 50])
async def test_weights_that_somebody_resets_are_put_back(weight: int) -> None:
    """As an apply of the file does in mid-run; what else that changed stays."""
    swap = await Swap.initialized()
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == weight)
    mine = routes(v1=90, v2=10)
    mine["spec"]["http"][1]["timeout"] = "9s"
    swap.world.cluster.put(VIRTUAL_SERVICES, mine)
    await swap.world.settle()

    assert swap.weights == {"v1": 100 - weight, "v2": weight}
    assert swap.world.get(VIRTUAL_SERVICES)["spec"]["http"][1]["timeout"] == "9s"


async def test_weights_are_kept_at_rest_too() -> None:
    """The file still says 90/10: a version without pods would get a tenth of the requests."""
    swap = await Swap.initialized()
    swap.world.cluster.put(VIRTUAL_SERVICES, routes(v1=90, v2=10))
    await swap.world.settle()

    assert swap.weights == {"v1": 100, "v2": 0}


async def test_an_autoscaler_of_the_canary_is_not_fought() -> None:
    """From zero it gets the size of the side that serves; from then on its size is its own business."""
    swap = await Swap.initialized()
    swap.world.cluster.edit(DEPLOYMENTS, V1, {"spec": {"replicas": 5}})
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == 20)
    assert swap.replicas() == (5, 5, 3)
    swap.world.cluster.edit(DEPLOYMENTS, V2, {"spec": {"replicas": 2}})
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)
    assert swap.replicas() == (5, 2, 3)
    swap.world.cluster.edit(DEPLOYMENTS, V2, {"spec": {"replicas": 7}})
    await swap.world.run_until_quiet()

    assert swap.replicas() == (0, 7, 3)


async def test_a_version_that_was_never_judged_is_released_when_somebody_scales_it_up() -> None:
    """Without any change of its template."""
    swap = await Swap.initialized()
    swap.world.cluster.edit(DEPLOYMENTS, V2, {"spec": {"replicas": 4}})
    await swap.world.run_until_quiet()

    assert (swap.world.status.phase, swap.world.status.stable_subset) == (Phase.SUCCEEDED, "v2")
    assert swap.replicas() == (0, 4, 3)


async def test_a_change_of_the_side_that_serves_is_told() -> None:
    """Kubernetes rolls it out: nobody judges it, no release starts, and people hear of it once."""
    swap = await Swap.initialized()
    swap.release(V1, "app:hot-fix")
    await swap.world.run_until_quiet()

    told = [(reason, message) for reason, message in swap.world.events() if reason == "StableChanged"]
    assert len(told) == 1
    assert "subset v1, which serves" in told[0][1].lower()
    assert (swap.weights, swap.world.status.phase) == ({"v1": 100, "v2": 0}, Phase.INITIALIZED)


async def test_several_routes_are_steered_together() -> None:
    """One VirtualService for the gateway and one for the mesh: each is written, and both count."""
    refs = [{"name": "app"}, {"name": "inner"}]
    swap = Swap.begin(canary=swap_canary(routeRefs=refs))
    inner = routes(v1=9, v2=1)
    inner["metadata"] = {"name": "inner", "namespace": KEY.namespace}
    swap.world.cluster.put(VIRTUAL_SERVICES, inner)
    await swap.world.initialize()
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.weights["v2"] == 50)

    key = ObjectKey(KEY.namespace, "inner")
    rule = swap.world.get(VIRTUAL_SERVICES, key)["spec"]["http"][1]
    assert [item["weight"] for item in rule["route"]] == [50, 50]
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)
    assert not swap.world.get(VIRTUAL_SERVICES, key)["metadata"].get("annotations")


@pytest.mark.parametrize("promoted", [False, True], ids=["first side", "other side"])
async def test_a_canary_that_is_deleted_at_rest_leaves_the_side_that_serves(promoted: bool) -> None:  # noqa: FBT001
    """Not the weights that were there at first: they might lead to a version that has no pods."""
    swap = await Swap.initialized()
    if promoted:
        swap.release(V2, "app:2")
        await swap.world.run_until_quiet()
    weights = swap.weights
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)

    assert swap.weights == weights
    assert swap.world.get(VIRTUAL_SERVICES)["metadata"]["annotations"] == {"team": "shop"}


async def test_a_deletion_goes_on_without_the_route() -> None:
    """What is gone holds up nobody."""
    swap = await Swap.initialized()
    swap.world.cluster.delete(VIRTUAL_SERVICES, KEY)
    swap.world.cluster.delete(CANARIES, KEY)
    await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)

    assert swap.replicas() == (3, 0, 3)


async def test_missing_rights_are_few() -> None:
    """Nothing is made and nothing deleted: patch of workloads and routes, and Events."""
    swap = Swap.begin()
    swap.world.cluster.rules = [
        {"verbs": ["patch"], "apiGroups": ["*"], "resources": ["canaries", "canaries/status"]},
        {"verbs": ["create"], "apiGroups": ["*"], "resources": ["events"]},
    ]
    await swap.world.settle()

    message = swap.world.condition(ConditionType.READY).message
    assert "may not patch deployments.apps, patch virtualservices.networking.istio.io in namespace shop" in message


@pytest.mark.parametrize("effect", [False, True], ids=["before the write", "after it"])
async def test_a_crash_at_any_write_changes_no_outcome(*, effect: bool) -> None:
    """Release, promotion, undo and deletion, with a death at each write in turn: the same shares in the same order."""
    for place in count():
        swap = Swap.begin()
        Executioner(swap.world, place, effect=effect)
        await swap.world.initialize()
        swap.shares.clear()
        swap.release(V2, "app:2")
        await swap.world.run_until_quiet()
        assert [shares["v2"] for shares in swap.shares] == [20, 50, 100]
        assert (swap.world.status.stable_subset, swap.replicas()) == ("v2", (0, 3, 3))
        swap.ask("undo")
        await swap.world.run_until_quiet()
        assert (swap.weights, swap.replicas()) == ({"v1": 100, "v2": 0}, (3, 0, 3))
        swap.world.cluster.delete(CANARIES, KEY)
        await swap.world.run_until(lambda: swap.world.cluster.stored(CANARIES, KEY) is None)  # noqa: B023
        assert swap.world.get(VIRTUAL_SERVICES)["metadata"]["annotations"] == {"team": "shop"}
        if swap.world.crashes == 0:
            return


def _with_testers() -> Manifest:
    """The user's routes, with a rule that leads some to v2 whatever happens."""
    route = routes(v1=90, v2=10)
    testers = {
        "name": "testers",
        "match": [{"headers": {"x-canary": {"exact": "true"}}}],
        "route": [{"destination": {"host": "app", "subset": "v2"}}],
    }
    route["spec"]["http"].insert(0, testers)
    return route


def _testers(swap: Swap) -> set[str]:
    """Where they are led."""
    rule = swap.world.get(VIRTUAL_SERVICES)["spec"]["http"][0]
    return {item["destination"]["subset"] for item in rule["route"] if item.get("weight", 100)}


REFS = [{"name": "app", "rules": ["default"], "canaryRules": ["testers"]}]


async def test_testers_get_the_canary_from_the_first_step_on() -> None:
    """Before its pods are ready, and at rest, they get what everybody gets."""
    swap = await Swap.initialized(_with_testers(), swap_canary(routeRefs=REFS))
    assert _testers(swap) == {"v1"}
    swap.world.pods_follow = False
    swap.release(V2, "app:2")
    await swap.world.settle()
    assert _testers(swap) == {"v1"}
    swap.world.pods_follow = True
    await swap.world.run_until(lambda: swap.weights["v2"] == 20)
    assert _testers(swap) == {"v2"}
    swap.measure("app-v2", Signal.SUCCESS_RATE, Value(50.0))
    await swap.world.run_until_phase(Phase.FAILED)

    assert (_testers(swap), swap.weights) == ({"v1"}, {"v1": 100, "v2": 0})


async def test_testers_alone_judge_a_version_that_nobody_else_sees() -> None:
    """With iterations: that many checks on their requests, then everybody gets it; after the swap all are led to it."""
    metric = {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}
    analysis = {"interval": "10s", "iterations": 3, "metrics": [metric]}
    swap = await Swap.initialized(_with_testers(), swap_canary(routeRefs=REFS, analysis=analysis))
    swap.release(V2, "app:2")
    await swap.world.run_until(lambda: swap.world.status.iterations == 2)
    assert (_testers(swap), swap.weights) == ({"v2"}, {"v1": 100, "v2": 0})
    await swap.world.run_until_quiet()

    assert (_testers(swap), swap.weights, swap.replicas()) == ({"v2"}, {"v1": 0, "v2": 100}, (0, 3, 3))
    swap.world.pods_follow = False
    swap.ask("undo")
    await swap.world.settle()
    assert _testers(swap) == {"v2"}
    swap.world.pods_follow = True
    await swap.world.run_until_quiet()
    assert (_testers(swap), swap.world.status.stable_subset) == ({"v1"}, "v1")
