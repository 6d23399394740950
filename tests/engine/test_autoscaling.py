"""A target with an autoscaler: the primary has one of its own, and both sides are left to those who size them."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from rollouts.api.ownership import Owner
from rollouts.api.resources import AUTOSCALERS, CANARIES, DEPLOYMENTS, SCALED_OBJECTS, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import Value
from rollouts.engine.interest import interested
from rollouts.ports import Apply, Write
from rollouts.testing.garbage import GarbageCollector
from rollouts.workloads.scaled_object import OUR_PAUSE, PAUSED
from tests.engine.leaving import delete, run_until_gone
from tests.engine.scaled_world import (
    COPY,
    HPA,
    autoscaler,
    bounds,
    keda_canary,
    refer,
    scale,
    scaled_canary,
    scaled_object,
    scaled_world,
)
from tests.engine.world import KEY, PRIMARY_KEY, SUCCESS_RATE, World, canary_manifest


def annotated(world: World) -> dict[str, str]:
    """Those of the user's ScaledObject."""
    known: dict[str, str] = world.get(SCALED_OBJECTS, HPA)["metadata"].get("annotations") or {}
    return known


async def halfway(world: World) -> None:
    """A release is at 50 %."""
    world.release()
    await world.run_until(lambda: world.weight == 50)


async def test_the_primary_gets_an_autoscaler_and_the_targets_is_left_alone() -> None:
    """The copy is ours, scales the primary, and has the user's bounds."""
    world = scaled_world()
    before = world.get(AUTOSCALERS, HPA)
    await world.initialize()
    copied = world.get(AUTOSCALERS, COPY)
    assert Owner.of(world.get(CANARIES)).owns(copied)
    assert copied["spec"]["scaleTargetRef"]["name"] == "app-primary"
    assert bounds(world) == (2, 8)
    assert world.get(AUTOSCALERS, HPA) == before
    assert (world.replicas(), world.replicas(PRIMARY_KEY)) == (0, 3)


async def test_it_is_written_once() -> None:
    """What the server adds by default is no difference: an idle Canary writes nothing."""
    world = scaled_world()
    await world.initialize()
    world.cluster.edit(AUTOSCALERS, COPY, {"spec": {"behavior": {"scaleUp": {"selectPolicy": "Max"}}}})
    with world.recorded() as writes:
        await world.run_until_quiet()
    assert writes == []


@pytest.mark.parametrize(
    "patch",
    [{"maxReplicas": 20}, {"metrics": []}, {"minReplicas": None}, {"behavior": {"scaleDown": {"policies": []}}}],
    ids=["changed", "a shorter list", "removed", "added"],
)
async def test_the_users_changes_are_followed(patch: Manifest) -> None:
    """At once: it belongs to the load, not to a revision."""
    world = scaled_world()
    await world.initialize()
    world.cluster.edit(AUTOSCALERS, HPA, {"spec": patch})
    await world.run_until_quiet()
    theirs, ours = (dict(world.get(AUTOSCALERS, key)["spec"]) for key in (HPA, COPY))
    assert ours | {"scaleTargetRef": None} == {"minReplicas": 1} | theirs | {"scaleTargetRef": None}


@pytest.mark.parametrize(
    "patch", [{"spec": {"minReplicas": 1}}, {"metadata": {"labels": None}}], ids=["spec", "labels"]
)
async def test_a_change_of_ours_is_undone(patch: Manifest) -> None:
    """Somebody edits the copy, or takes its labels."""
    world = scaled_world()
    await world.initialize()
    before = world.get(AUTOSCALERS, COPY)
    refused = patch.get("metadata") is not None
    world.cluster.edit(AUTOSCALERS, COPY, patch)
    await world.run_until_quiet()
    known = world.get(AUTOSCALERS, COPY)
    if refused:  # without labels it is nobody's: that is said, and it is left alone
        assert world.condition(ConditionType.READY).reason == "NameTaken"
    else:
        assert known["spec"] == before["spec"]


async def test_the_stable_side_keeps_its_size_while_a_run_lasts() -> None:
    """From the first news of a version until the canary has drained; then the least is the user's again."""
    world = scaled_world()
    await world.initialize()
    scale(world, 6)
    await world.run_until_quiet()
    least: list[tuple[Phase | None, int | None, int]] = []
    before = world.cluster.on_change

    def noted(resource: Any, key: Any) -> None:
        before(resource, key)
        if world.cluster.stored(AUTOSCALERS, COPY) is not None:
            seen = (world.status.phase, world.weight, bounds(world)[0])
            if not least or least[-1] != seen:
                least.append(seen)

    world.cluster.on_change = noted
    await halfway(world)
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    with_weight = {low for _, weight, low in least if weight}
    assert with_weight == {6}
    assert {low for phase, _, low in least if phase in {Phase.PROMOTING, Phase.FINALISING}} == {6}
    assert bounds(world) == (2, 8)
    assert world.replicas(PRIMARY_KEY) == 6


async def test_a_rollback_keeps_it_until_all_traffic_is_back() -> None:
    """The first request that comes back meets what there was."""
    world = scaled_world()
    await world.initialize()
    scale(world, 6)
    await world.run_until_quiet()
    world.metrics.set(SUCCESS_RATE, Value(10.0))
    world.release()
    await world.run_until_phase(Phase.FAILED)
    assert bounds(world) == (6, 8)
    await world.run_until_quiet()
    assert bounds(world) == (2, 8)


async def test_the_floor_never_exceeds_the_users_most() -> None:
    """A most that is lowered in mid-run is an order."""
    world = scaled_world()
    await world.initialize()
    scale(world, 6)
    await halfway(world)
    world.cluster.edit(AUTOSCALERS, HPA, {"spec": {"maxReplicas": 4}})
    await world.settle()
    assert bounds(world) == (4, 4)


async def test_a_promotion_does_not_touch_the_size() -> None:
    """At no moment, though the apply that made it has named a size and this one names none."""
    world = scaled_world()
    await world.initialize()
    sizes: list[int] = []
    before = world.cluster.on_change

    def noted(resource: Any, key: Any) -> None:
        before(resource, key)
        if resource == DEPLOYMENTS and key == PRIMARY_KEY:
            sizes.append(world.replicas(PRIMARY_KEY))

    world.cluster.on_change = noted
    await halfway(world)
    scale(world, 1, KEY)  # the canary's autoscaler, which is no business of the primary's
    await world.run_until_quiet()
    assert (world.status.phase, world.image(PRIMARY_KEY)) == (Phase.SUCCEEDED, "app:2")
    assert set(sizes) == {3}
    scale(world, 5)
    world.release("app:3")
    await world.run_until_quiet()
    assert (world.image(PRIMARY_KEY), world.replicas(PRIMARY_KEY)) == ("app:3", 5)


async def test_a_primary_that_is_made_again_has_a_size() -> None:
    """There is none to be kept then."""
    world = scaled_world()
    await world.initialize()
    world.cluster.delete(DEPLOYMENTS, PRIMARY_KEY)
    await world.run_until_quiet()
    assert world.replicas(PRIMARY_KEY) == 3


async def test_an_autoscaler_may_come_later() -> None:
    """A Canary that had none: its primary's size is handed over at the next promotion, without a dip."""
    world = World()
    await world.initialize()
    world.cluster.put(AUTOSCALERS, autoscaler())
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "AutoscalerNotNamed"
    refer(world, {"kind": AUTOSCALERS.kind, "name": "web"})
    await world.run_until_quiet()
    assert world.condition(ConditionType.READY).status == "True"
    scale(world, 7)
    world.release()
    await world.run_until_quiet()
    assert (world.image(PRIMARY_KEY), world.replicas(PRIMARY_KEY)) == ("app:2", 7)


async def test_and_it_may_go() -> None:
    """The copy goes with the reference, and the primary keeps its size until it is promoted."""
    world = scaled_world()
    await world.initialize()
    scale(world, 6)
    world.cluster.delete(AUTOSCALERS, HPA)
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "AutoscalerNotFound"
    assert bounds(world) == (2, 8)
    refer(world, None)
    await world.run_until_quiet()
    assert world.cluster.stored(AUTOSCALERS, COPY) is None
    assert world.replicas(PRIMARY_KEY) == 6


async def test_another_one_takes_its_place() -> None:
    """The copy of the one before goes before the new one comes: two would fight."""
    world = scaled_world()
    await world.initialize()
    world.cluster.delete(AUTOSCALERS, HPA)
    world.cluster.put(AUTOSCALERS, autoscaler(name="other"))
    refer(world, {"kind": AUTOSCALERS.kind, "name": "other"})
    await world.run_until_quiet()
    names = {manifest["metadata"]["name"] for manifest in world.cluster.server.all_of(AUTOSCALERS)}
    assert names == {"other", "other-primary"}


@pytest.mark.parametrize("phase", [Phase.INITIALIZED, Phase.PROGRESSING, Phase.SUCCEEDED], ids=str)
async def test_deleted_it_leaves_the_target_to_its_autoscaler(phase: Phase) -> None:
    """The copy is gone; the target has as many pods as served, within its own bounds."""
    world = scaled_world(autoscaler(maxReplicas=5), scaled_canary({"primaryScalerReplicas": {"maxReplicas": 10}}))
    garbage = GarbageCollector(world.cluster.server, Random(1))
    await world.initialize()
    scale(world, 7)
    if phase is not Phase.INITIALIZED:
        await halfway(world)
    if phase is Phase.SUCCEEDED:
        await world.run_until_quiet()
    delete(world)
    await run_until_gone(world, garbage.collect)
    assert world.cluster.stored(AUTOSCALERS, COPY) is None
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None
    assert world.replicas() == 5
    assert world.get(AUTOSCALERS, HPA)["spec"]["maxReplicas"] == 5


@pytest.mark.parametrize(
    ("sources", "ref", "reason", "says"),
    [
        ([autoscaler()], None, "AutoscalerNotNamed",
         ["HorizontalPodAutoscaler shop/web", "spec.autoscalerRef to HorizontalPodAutoscaler web"]),
        ([], {}, "AutoscalerNotFound", ["HorizontalPodAutoscaler shop/web", "create it"]),
        ([autoscaler("other")], {}, "AutoscalerElsewhere", ["shop/web scales other, not Deployment app"]),
        ([autoscaler()], {"primaryScalerReplicas": {"minReplicas": 9}}, "AutoscalerBounds",
         ["least of 9 and a most of 8", "primaryScalerReplicas"]),
        ([autoscaler(minReplicas=0)], {}, "AutoscalerBounds", ["may scale to zero", "minReplicas to 1"]),
        ([autoscaler(), autoscaler(name="too")], {}, "AutoscalerNotNamed", ["shop/too", "delete it"]),
        ([autoscaler(), autoscaler("app-primary", "mine")], {}, "AutoscalerOnPrimary", ["shop/mine", "app-primary"]),
        ([autoscaler(), autoscaler("else", "web-primary")], {}, "NameTaken", ["shop/web-primary", "delete or rename"]),
    ],
    ids=["unnamed", "absent", "elsewhere", "bounds", "to zero", "a second one", "the primary's", "name taken"],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_nothing_touched(
    sources: list[Manifest], ref: Manifest | None, reason: str, says: list[str]
) -> None:
    """Each names the object and the way out; mended, it goes on."""
    canary = canary_manifest() if ref is None else scaled_canary(ref)
    world = World(canary=canary, others=[(AUTOSCALERS, source) for source in sources])
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", reason)
    assert all(words in ready.message for words in says), ready.message
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None
    for source in sources:
        world.cluster.delete(AUTOSCALERS, ObjectKey.of(source))
    world.cluster.put(AUTOSCALERS, autoscaler())
    refer(world, {"kind": AUTOSCALERS.kind, "name": "web", "primaryScalerReplicas": None})
    await world.run_until_quiet()
    assert world.status.phase is Phase.INITIALIZED


async def test_kinds_that_cannot_be_read_are_told() -> None:
    """Without the right to see autoscalers nobody knows who sizes the target; KEDA's concern those who name one."""
    world = World()
    world.cluster.troubles[SCALED_OBJECTS] = "scaledobjects.keda.sh do not exist"
    await world.initialize()
    world.cluster.troubles[AUTOSCALERS] = "horizontalpodautoscalers.autoscaling: forbidden"
    world.release()
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "KindUnavailable"
    named = World(canary=keda_canary())
    named.cluster.troubles[SCALED_OBJECTS] = "scaledobjects.keda.sh do not exist"
    await named.settle()
    assert named.condition(ConditionType.READY).message == "scaledobjects.keda.sh do not exist"


async def test_kedas_is_copied_and_paused_between_releases() -> None:
    """At rest KEDA would give the target pods again; in a run it sizes the canary."""
    world = scaled_world(scaled_object())
    await world.initialize()
    copied = world.get(SCALED_OBJECTS, COPY)
    assert copied["spec"]["scaleTargetRef"] == {"name": "app-primary"}
    assert copied["spec"]["triggers"][0]["metadata"]["query"] == 'sum(rate(x{app="app-primary"}[1m]))'
    assert annotated(world) == {PAUSED: "0", OUR_PAUSE: "true"}
    scale(world, 5)
    await halfway(world)
    assert annotated(world) == {}
    assert world.get(SCALED_OBJECTS, COPY)["spec"]["minReplicaCount"] == 5
    await world.run_until_quiet()
    assert world.status.phase is Phase.SUCCEEDED
    assert annotated(world) == {PAUSED: "0", OUR_PAUSE: "true"}
    assert world.get(SCALED_OBJECTS, COPY)["spec"]["minReplicaCount"] == 1
    assert world.get(SCALED_OBJECTS, HPA)["spec"] == scaled_object()["spec"]
    assert world.replicas(PRIMARY_KEY) == 5


async def test_keda_is_paused_before_the_target_rests_and_let_loose_before_it_starts() -> None:
    """In the other order it would work against each of the two."""
    world = scaled_world(scaled_object())
    order: list[tuple[str, Any]] = []

    def noted(write: Write) -> None:
        if isinstance(write, Apply) and write.field_manager == "rollouts-pause":
            order.append(("paused", "annotations" in write.manifest["metadata"]))
        elif isinstance(write, Apply) and write.manifest["metadata"]["name"] == "app" and write.resource == DEPLOYMENTS:
            order.append(("replicas", write.manifest["spec"]["replicas"]))

    world.cluster.before = noted
    await world.initialize()
    await halfway(world)
    await world.run_until_quiet()
    once = [("paused", True), ("replicas", 0)]
    assert order == [*once, ("paused", False), ("replicas", 3), *once]


async def test_a_pause_of_the_users_is_not_taken_away() -> None:
    """It is said, since KEDA would hold the canary there; annotations of others stay in any case."""
    source = scaled_object()
    source["metadata"]["annotations"] = {PAUSED: "2", "note": "mine"}
    world = scaled_world(source)
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.reason, PAUSED in ready.message) == ("AutoscalerPaused", True)
    world.cluster.edit(SCALED_OBJECTS, HPA, {"metadata": {"annotations": {PAUSED: None}}})
    await world.initialize()
    assert annotated(world) == {PAUSED: "0", OUR_PAUSE: "true", "note": "mine"}
    await halfway(world)
    assert annotated(world) == {"note": "mine"}


async def test_a_pause_that_somebody_has_loosened_is_put_back() -> None:
    """As it is ours."""
    world = scaled_world(scaled_object())
    await world.initialize()
    world.cluster.edit(SCALED_OBJECTS, HPA, {"metadata": {"annotations": {PAUSED: "4"}}})
    await world.run_until_quiet()
    assert annotated(world)[PAUSED] == "0"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"minReplicaCount": 0}, "AutoscalerBounds"), ({"idleReplicaCount": 0}, "AutoscalerBounds"),
        ({"scaleTargetRef": {"name": "other"}}, "AutoscalerElsewhere"),
    ],
    ids=["to zero", "idle at zero", "elsewhere"],
)  # fmt: skip
async def test_a_scaled_object_that_does_not_fit_is_told(spec: Manifest, reason: str) -> None:
    """KEDA's own least is zero: that would take a canary its last pod before its first request."""
    world = scaled_world(scaled_object(**spec))
    await world.settle()
    assert world.condition(ConditionType.READY).reason == reason
    assert annotated(world) == {}


async def test_the_autoscalers_that_keda_makes_are_known() -> None:
    """Of the one that is named, and of its copy; for another one the ScaledObject is to be named."""
    world = scaled_world(scaled_object())
    for target, owner in (("app", "web"), ("app-primary", "web-primary")):
        made = autoscaler(target, f"keda-hpa-{owner}")
        made["metadata"]["ownerReferences"] = [{"kind": "ScaledObject", "name": owner}]
        world.cluster.put(AUTOSCALERS, made)
    await world.initialize()
    unnamed = World(others=[(AUTOSCALERS, world.get(AUTOSCALERS, ObjectKey.of(autoscaler(name="keda-hpa-web"))))])
    await unnamed.settle()
    assert "set spec.autoscalerRef to ScaledObject web" in unnamed.condition(ConditionType.READY).message


@pytest.mark.parametrize("running", [False, True], ids=["at rest", "in a run"])
async def test_deleted_it_leaves_the_target_to_keda(*, running: bool) -> None:
    """The pause goes before the target gets its pods, else KEDA would take them at once."""
    world = scaled_world(scaled_object())
    garbage = GarbageCollector(world.cluster.server, Random(1))
    await world.initialize()
    if running:
        await halfway(world)

    def kept(write: Write) -> None:
        if world.replicas() == 0 and not isinstance(write, Apply) and write.resource == DEPLOYMENTS:
            assert annotated(world) == {}

    world.cluster.before = kept
    delete(world)
    await run_until_gone(world, garbage.collect)
    assert annotated(world) == {}
    assert world.cluster.stored(SCALED_OBJECTS, COPY) is None
    assert world.replicas() == 3


async def test_a_new_process_goes_on() -> None:
    """The floor stands in the status: whoever comes next keeps it."""
    world = scaled_world()
    await world.initialize()
    scale(world, 6)
    await halfway(world)
    world.restart()
    world.cluster.edit(AUTOSCALERS, COPY, {"spec": {"minReplicas": 1}})
    await world.settle()
    assert bounds(world) == (6, 8)


@pytest.mark.parametrize(
    ("canary", "asked"),
    [
        (canary_manifest(), set()), (scaled_canary(), {str(AUTOSCALERS)}), (keda_canary(), {str(SCALED_OBJECTS)}),
    ],
    ids=["none", "Kubernetes'", "KEDA's"],
)  # fmt: skip
async def test_only_the_rights_that_are_needed_are_asked_for(canary: Manifest, asked: set[str]) -> None:
    """Before anything is touched: what is missing is named."""
    world = World(canary=canary, others=[(AUTOSCALERS, autoscaler("app" if asked == {str(AUTOSCALERS)} else "other"))])
    world.cluster.put(SCALED_OBJECTS, scaled_object())
    kinds = ["deployments", "services", "canaries", "canaries/status", "events", "virtualservices", "destinationrules"]
    verbs = ["create", "patch", "delete"]
    world.cluster.rules = [{"verbs": verbs, "apiGroups": ["*"], "resources": kinds}]
    await world.settle()
    if not asked:
        await world.initialize()
        return
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "Forbidden"
    assert all(f"{verb} {kind}" in ready.message for verb in verbs for kind in asked)
    assert world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY) is None


@pytest.mark.parametrize("resource", [AUTOSCALERS, SCALED_OBJECTS], ids=str)
def test_any_autoscaler_of_the_namespace_wakes_those_with_a_target(resource: Any) -> None:
    """It may begin to scale the target, or cease to; subsets have none of ours, and a mangled spec harms nobody."""
    world = scaled_world()
    for name, spec in (("swap", {"subsets": []}), ("odd", "text"), ("odder", {"targetRef": "app"})):
        metadata = {"name": name, "namespace": KEY.namespace}
        world.cluster.put(CANARIES, {**canary_manifest(), "metadata": metadata, "spec": spec})
    assert list(interested(world.cluster, resource, HPA)) == [KEY]
    assert list(interested(world.cluster, resource, ObjectKey("elsewhere", "web"))) == []
