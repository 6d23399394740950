"""What a Canary can't be acted on for: said in the conditions and once in an Event, and nothing else is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    EVENTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import ConditionType, Phase
from rollouts.core.measurement import NoData, Unreachable, Value
from rollouts.core.patience import PATIENCE
from rollouts.ports import Create, PatchStatus, Write
from tests.engine.leaving import take_away
from tests.engine.world import CANARY_KEY, KEY, NAMESPACE, PRIMARY_KEY, World, canary_manifest, deployment_manifest

Break = Callable[[World], object]


def only_said(writes: list[Write]) -> bool:
    """Whether nothing but statuses and Events was written."""
    return all(
        isinstance(write, PatchStatus) or (isinstance(write, Create) and write.resource == EVENTS) for write in writes
    )


def named(resource: Resource, name: str, **spec: object) -> Manifest:
    """Somebody else's object of that name."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def take(resource: Resource, key: ObjectKey) -> Break:
    """Somebody has an object of a name that we need."""
    spec = deployment_manifest()["spec"] if resource == DEPLOYMENTS else {}
    return lambda world: world.cluster.put(resource, named(resource, key.name, **spec))


def rework(**spec: Any) -> Break:
    """The user changes the Deployment."""
    return lambda world: world.cluster.put(DEPLOYMENTS, deployment_manifest(**spec))


def trouble(world: World) -> None:
    """Istio is not installed."""
    world.cluster.troubles[VIRTUAL_SERVICES] = "virtualservices are not served: install Istio's CRDs"


UNFIT = {"selector": {"matchLabels": {"tier": "web"}}}
NO_PORT = named(SERVICES, "app", selector={"app": "app"}, ports=[{"name": "x", "port": 81}])
PROBLEMS = [
    pytest.param(lambda world: world.cluster.delete(DEPLOYMENTS, KEY), "TargetNotFound", "Deployment shop/app does not "
                 "exist: create it, or correct spec.targetRef.name", id="no target"),
    pytest.param(rework(**UNFIT), "SelectorUnsupported", "none of the labels app, name", id="no label to part by"),
    pytest.param(rework(strategy={"type": "Recreate"}), "StrategyUnsupported", "change it to RollingUpdate",
                 id="pods stopped before others start"),
    pytest.param(lambda world: world.cluster.put(SERVICES, NO_PORT), "PortNotFound", "Service shop/app has no port 80 "
                 "(it has [81])", id="port not on the Service"),
    pytest.param(lambda world: world.cluster.edit(CANARIES, KEY, {"spec": {"service": {"targetPort": "web"}}}),
                 "PortNotFound", 'service.targetPort "web": no container', id="port not on the pods"),
    *(pytest.param(take(resource, key), "NameTaken", f"{resource.kind} {key} exists and was not made by this Canary",
                   id=f"{resource.kind} {key.name} taken")
      for resource, key in ((DEPLOYMENTS, PRIMARY_KEY), (SERVICES, PRIMARY_KEY), (SERVICES, CANARY_KEY),
                            (DESTINATION_RULES, PRIMARY_KEY), (DESTINATION_RULES, CANARY_KEY),
                            (VIRTUAL_SERVICES, KEY))),
]  # fmt: skip


@pytest.mark.parametrize(("break_it", "reason", "words"), PROBLEMS)
async def test_a_problem_is_told_and_nothing_is_touched(break_it: Break, reason: str, words: str) -> None:
    """Ready is False with the object and the way out; one Event; no wake-up of its own, nothing on spurious ones."""
    world = World()
    break_it(world)
    assert await world.settle() is None
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", reason)
    assert words in ready.message
    assert world.condition(ConditionType.STALLED).status == "True"
    assert world.events() == [(reason, ready.message)]
    assert only_said(world.cluster.writes)
    with world.recorded() as writes:
        world.clock.advance(3600.0)
        await world.settle()
    assert writes == []


async def test_a_kind_that_cannot_be_watched_is_told_when_it_has_lasted() -> None:
    """The conditions say it at once; one Event half a minute later, for which it wakes by itself, and nothing more."""
    world = World()
    trouble(world)
    told_at = world.clock.now() + PATIENCE
    assert await world.settle() == told_at
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason, world.events()) == ("False", "KindUnavailable", [])
    assert "install Istio's CRDs" in ready.message
    world.clock.advance(PATIENCE.total_seconds())
    assert await world.settle() is None
    assert world.events() == [("KindUnavailable", ready.message)]
    assert only_said(world.cluster.writes)
    with world.recorded() as writes:
        world.clock.advance(3600.0)
        await world.settle()
    assert writes == []


async def test_a_watch_that_breaks_again_and_again_says_nothing() -> None:
    """Neither in a minute of troubles of a second each."""
    world = World()
    await world.initialize()
    before = world.events()
    for _ in range(60):
        trouble(world)
        await world.settle()
        assert world.condition(ConditionType.READY).reason == "KindUnavailable"
        world.clock.advance(1.0)
        world.cluster.troubles.clear()
        await world.settle()
        assert world.condition(ConditionType.READY).status == "True"
    assert world.events() == before


@pytest.mark.parametrize(
    ("break_it", "mend"),
    [
        (rework(strategy={"type": "Recreate"}), rework()),
        (rework(**UNFIT), rework()),
        (trouble, lambda world: world.cluster.troubles.clear()),
        (take(SERVICES, CANARY_KEY), lambda world: world.cluster.delete(SERVICES, CANARY_KEY)),
    ],
    ids=["strategy", "selector", "kind", "name"],
)
async def test_what_is_mended_goes_on(break_it: Break, mend: Break) -> None:
    """The next wake-up prepares the Canary as if nothing had been."""
    world = World()
    break_it(world)
    await world.settle()
    mend(world)
    await world.initialize()
    assert world.condition(ConditionType.READY).status == "True"


async def test_a_problem_in_mid_run_holds_the_release() -> None:
    """Nothing is advanced while a target has become unfit; mended, the release goes on to its end."""
    world = World()
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"strategy": {"type": "Recreate"}}})
    await world.run_until(lambda: world.clock.elapsed_s > 60.0)
    assert (world.weight, world.condition(ConditionType.READY).reason) == (20, "StrategyUnsupported")
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"strategy": {"type": "RollingUpdate"}}})
    await world.run_until_phase(Phase.SUCCEEDED)


async def test_of_two_canaries_on_one_target_the_older_has_it() -> None:
    """The younger is told who has it and writes nothing; when the older is taken away in mid-run, it takes
    over what that one made: the proven copy serves on, and the release begins anew.
    """
    world = World()
    world.clock.advance(5.0)
    world.cluster.put(CANARIES, canary_manifest("younger"))
    younger = ObjectKey(NAMESPACE, "younger")
    await world.initialize()

    with world.recorded() as writes:
        assert await world.reconciler.reconcile(younger) is None
    assert only_said(writes)
    ready = world.get(CANARIES, younger)["status"]["conditions"][0]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "TargetContested")
    assert ready["message"] == "Canary shop/app, which is older, releases the same target app: delete one of the two"

    world.release()
    await world.run_until(lambda: world.weight == 20)
    primary = world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["uid"]
    take_away(world)
    await world.reconciler.reconcile(younger)
    assert world.get(CANARIES, younger)["status"]["phase"] == Phase.PROGRESSING
    assert world.image(PRIMARY_KEY) == "app:1"
    assert world.get(DEPLOYMENTS, PRIMARY_KEY)["metadata"]["uid"] == primary
    assert world.get(SERVICES)["metadata"]["labels"]["rollouts.dev/canary"] == "younger"


async def test_of_two_canaries_of_one_second_the_smaller_uid_has_it() -> None:
    """Creation times have whole seconds: on a tie the uid decides, the same way for both."""
    world = World()
    world.cluster.put(CANARIES, canary_manifest("twin"))
    twin = ObjectKey(NAMESPACE, "twin")
    await world.reconciler.reconcile(twin)
    await world.settle()
    first, second = world.get(CANARIES)["metadata"]["uid"], world.get(CANARIES, twin)["metadata"]["uid"]
    assert first < second
    assert world.get(CANARIES, twin)["status"]["conditions"][0]["reason"] == "TargetContested"
    assert world.condition(ConditionType.READY).status == "True"


async def test_a_missing_right_is_found_before_anything_is_touched() -> None:
    """The review names it; it is asked for again every 30 s, and once granted the Canary is prepared."""
    world = World()
    everything, world.cluster.rules = (
        world.cluster.rules,
        [{"verbs": ["create"], "apiGroups": ["*"], "resources": ["*"]}],
    )
    wake_at = await world.settle()
    assert wake_at is not None
    assert (wake_at - world.clock.now()).total_seconds() == 30.0
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "Forbidden"
    assert (
        "may not patch canaries.rollouts.dev, patch canaries.rollouts.dev/status, patch deployments.apps"
        in ready.message
    )
    for _ in range(3):
        world.clock.advance(30.0)
        await world.settle()
    assert [reason for reason, _ in world.events()] == ["Forbidden"]
    world.cluster.rules = everything
    await world.initialize()
    assert world.condition(ConditionType.READY).status == "True"


@pytest.mark.parametrize(
    "outcome", [Unreachable("no connection"), NoData(), Value(1.0)], ids=["away", "empty", "there"]
)
async def test_nothing_is_made_without_a_metric_source(outcome: Unreachable | NoData | Value) -> None:
    """A source that does not answer is found before anything is touched; one that answers will do."""
    world = World()
    world.metrics.answers["vector(1)"] = outcome
    await world.settle()
    away = isinstance(outcome, Unreachable)
    made = world.cluster.stored(DEPLOYMENTS, PRIMARY_KEY)
    assert (made is None) == away
    reason = "MetricsUnavailable" if away else "Initializing"
    assert world.condition(ConditionType.READY).reason in {reason, "Initialized"}
