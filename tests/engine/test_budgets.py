"""Disruption budgets of the target: its copy, which serves, is never left without, and no pod gets two."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import CANARIES, DEPLOYMENTS, POD_DISRUPTION_BUDGETS, Manifest, ObjectKey
from rollouts.api.status import ConditionType, Phase
from rollouts.core.label_selector import selects
from rollouts.engine.budgets import copy_name
from rollouts.errors import NotFound
from rollouts.ports import Delete
from tests.engine.test_problems import named, only_said
from tests.engine.world import KEY, NAMESPACE, World, canary_manifest, deployment_manifest

COPY = ObjectKey(NAMESPACE, "web-app-primary")
APP = {"matchLabels": {"app": "app"}}
SHARED = {"matchLabels": {"tier": "web"}}
TIERED = {"app": "app", "tier": "web"}


def budget(name: str = "web", selector: Manifest | None = None, **spec: Any) -> Manifest:
    """A user's PodDisruptionBudget."""
    return named(POD_DISRUPTION_BUDGETS, name, selector=APP if selector is None else selector, **spec)


def tiered_world(**more: Any) -> World:
    """The pods have a label of their own beside the one by which the copy parts."""
    template = deployment_manifest()["spec"]["template"] | {"metadata": {"labels": TIERED}}
    return World(deployment=deployment_manifest(template=template), **more)


def world_with(*budgets: Manifest) -> World:
    """Nothing made yet; the user has these budgets."""
    return tiered_world(others=[(POD_DISRUPTION_BUDGETS, one) for one in budgets])


def guarding(world: World, labels: dict[str, str]) -> list[str]:
    """The budgets of a pod with those labels."""
    budgets = world.cluster.list_all(POD_DISRUPTION_BUDGETS)
    return sorted(one["metadata"]["name"] for one in budgets if selects(one["spec"].get("selector"), labels))


@pytest.mark.parametrize(
    "spec",
    [{"minAvailable": 2}, {"maxUnavailable": "25%"}, {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"}],
    ids=str,
)
@pytest.mark.parametrize(
    "selector",
    [APP, {"matchExpressions": [{"key": "app", "operator": "In", "values": ["app", "other"]}]}],
    ids=["by a label", "by an expression"],
)
async def test_the_copy_gets_a_budget_of_its_own(spec: dict[str, Any], selector: Manifest) -> None:
    """The same demands, for the copy's pods and no others; each pod has one budget."""
    world = world_with(budget(selector=selector, **spec))
    await world.initialize()
    copy = world.get(POD_DISRUPTION_BUDGETS, COPY)
    assert copy["spec"] == {"selector": {"matchLabels": {"app": "app-primary"}}, **spec}
    assert copy["metadata"]["labels"]["rollouts.dev/canary"] == "app"
    assert guarding(world, TIERED) == ["web"]
    assert guarding(world, TIERED | {"app": "app-primary"}) == ["web-app-primary"]
    assert guarding(world, {"app": "other"}) == (["web"] if selector is not APP else [])


@pytest.mark.parametrize("selector", [SHARED, {}], ids=["by a label of both", "everything"])
async def test_a_budget_of_both_needs_no_copy(selector: Manifest) -> None:
    """A second one on a pod would block its eviction."""
    world = world_with(budget(selector=selector, minAvailable=2))
    await world.initialize()
    assert len(world.cluster.list_all(POD_DISRUPTION_BUDGETS)) == 1


async def test_a_copy_of_the_users_own_is_enough() -> None:
    """Somebody has made one for the copy by hand: ours goes, and theirs stays."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    mine = budget("mine", {"matchLabels": {"app": "app-primary"}}, minAvailable=1)
    world.cluster.put(POD_DISRUPTION_BUDGETS, mine)
    await world.run_until_quiet()
    assert guarding(world, TIERED | {"app": "app-primary"}) == ["mine"]


async def test_a_copy_follows_its_original() -> None:
    """Another demand, and then none: the copy has it too, and goes with it."""
    world = world_with(budget(minAvailable=2, unhealthyPodEvictionPolicy="AlwaysAllow"))
    await world.initialize()
    world.cluster.put(POD_DISRUPTION_BUDGETS, budget(maxUnavailable=1))
    await world.run_until_quiet()
    copy = world.get(POD_DISRUPTION_BUDGETS, COPY)
    assert copy["spec"] == {"selector": {"matchLabels": {"app": "app-primary"}}, "maxUnavailable": 1}
    with world.recorded() as writes:
        await world.run_until_quiet()
    assert writes == []
    world.cluster.delete(POD_DISRUPTION_BUDGETS, ObjectKey(NAMESPACE, "web"))
    await world.run_until_quiet()
    assert not world.cluster.list_all(POD_DISRUPTION_BUDGETS)


async def test_what_others_do_to_the_copy_is_put_right() -> None:
    """Edited or deleted, it comes back."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    world.cluster.edit(POD_DISRUPTION_BUDGETS, COPY, {"spec": {"minAvailable": 0}})
    await world.run_until_quiet()
    assert world.get(POD_DISRUPTION_BUDGETS, COPY)["spec"]["minAvailable"] == 2
    world.cluster.delete(POD_DISRUPTION_BUDGETS, COPY)
    await world.run_until_quiet()
    assert guarding(world, TIERED | {"app": "app-primary"}) == ["web-app-primary"]


async def test_a_release_leaves_the_budgets_alone() -> None:
    """Each side keeps its one budget through a whole release."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    before = world.get(POD_DISRUPTION_BUDGETS, COPY)
    template = deployment_manifest("app:2")["spec"]["template"] | {"metadata": {"labels": TIERED}}
    world.cluster.edit(DEPLOYMENTS, KEY, {"spec": {"template": template}})
    await world.run_until_phase(Phase.SUCCEEDED)
    assert world.get(POD_DISRUPTION_BUDGETS, COPY) == before


async def test_a_deleted_canary_takes_the_copy_along() -> None:
    """The user's own stays."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    world.cluster.delete(CANARIES, KEY)
    await world.run_until_quiet()
    assert world.cluster.stored(CANARIES, KEY) is None
    assert guarding(world, TIERED) == ["web"]
    assert world.cluster.stored(POD_DISRUPTION_BUDGETS, COPY) is None


async def test_two_budgets_on_the_same_pods_are_told_and_nothing_is_touched() -> None:
    """Both are named, and the way out; with one of them gone the Canary goes on."""
    world = world_with(budget("a", minAvailable=1), budget("b", maxUnavailable=1))
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.status, ready.reason) == ("False", "BudgetsOverlap")
    assert ready.message == (
        "the PodDisruptionBudgets shop/a and shop/b guard the same pods of Deployment app, and a pod under two can't "
        "be evicted: delete one of them"
    )
    assert only_said(world.cluster.writes)
    world.cluster.delete(POD_DISRUPTION_BUDGETS, ObjectKey(NAMESPACE, "b"))
    await world.initialize()
    assert guarding(world, TIERED | {"app": "app-primary"}) == ["a-app-primary"]


async def test_a_second_budget_later_on_leaves_the_copys_as_it_is() -> None:
    """Not Ready says it; what guards the copy goes on doing so."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    world.cluster.put(POD_DISRUPTION_BUDGETS, budget("zweb", minAvailable=1))
    await world.run_until_quiet()
    assert world.condition(ConditionType.READY).reason == "BudgetsOverlap"
    assert guarding(world, TIERED | {"app": "app-primary"}) == ["web-app-primary"]


async def test_a_name_that_is_taken_is_told() -> None:
    """By a budget that has nothing to do with it."""
    world = world_with(budget(minAvailable=2), budget("web-app-primary", {"matchLabels": {"app": "x"}}))
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert ready.reason == "NameTaken"
    assert ready.message.startswith("PodDisruptionBudget shop/web-app-primary exists and was not made by this Canary: ")
    assert only_said(world.cluster.writes)


async def test_budgets_that_cannot_be_seen_are_told() -> None:
    """A role of an older release lacks the right."""
    world = World()
    world.cluster.troubles[POD_DISRUPTION_BUDGETS] = "the controller's account lacks the right to list pdbs: grant it"
    await world.settle()
    ready = world.condition(ConditionType.READY)
    assert (ready.reason, ready.message) == ("KindUnavailable", world.cluster.troubles[POD_DISRUPTION_BUDGETS])


async def test_two_canaries_keep_their_own() -> None:
    """The copy of another Canary is nobody's original, and stays."""
    other = budget("other-web-primary", {"matchLabels": {"app": "app"}}, minAvailable=1)
    other["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "rollouts", "rollouts.dev/canary": "other"}
    world = world_with(other)
    world.cluster.put(CANARIES, canary_manifest("other") | {"spec": {**canary_manifest()["spec"], "suspend": True,
                                                             "targetRef": {"name": "other"}}})  # fmt: skip
    await world.initialize()
    assert guarding(world, TIERED) == ["other-web-primary"]


async def test_a_budget_that_is_gone_already_holds_up_nothing() -> None:
    """Its deletion meets nobody: the next look finds that all is done."""
    world = world_with(budget(minAvailable=2))
    await world.initialize()
    gone: list[object] = []

    def vanish(write: object) -> None:
        if isinstance(write, Delete) and write.resource == POD_DISRUPTION_BUDGETS and not gone:
            gone.append(write)
            world.cluster.delete(POD_DISRUPTION_BUDGETS, write.key)

    world.cluster.before = vanish
    world.cluster.delete(POD_DISRUPTION_BUDGETS, ObjectKey(NAMESPACE, "web"))
    with pytest.raises(NotFound):
        await world.settle()
    await world.run_until_quiet()
    assert gone
    assert not world.cluster.list_all(POD_DISRUPTION_BUDGETS)


def test_long_names_stay_apart_and_are_names() -> None:
    """Two that differ at the end only keep different copies, within what a name may have."""
    one, other = copy_name("b" * 240 + "x", "app"), copy_name("b" * 240 + "y", "app")
    assert one != other
    assert {len(one) <= 253, len(other) <= 253, one.endswith("-primary")} == {True}
    assert copy_name("web", "app") == "web-app-primary"
