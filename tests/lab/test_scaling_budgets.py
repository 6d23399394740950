"""The judge of the PodDisruptionBudget beside the target: a copy as it should be passes, and each fault is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from e2e.play.manifests import example
from e2e.play.seen import TARGET
from e2e.scaling.budgets import (
    BUDGET,
    CHANGED,
    COPY,
    FIRST,
    BudgetSeen,
    Guard,
    as_user_made,
    read_budget,
)
from e2e.scaling.facts import NEEDED, THEIR_LEAST
from e2e.scaling.judge_budgets import (
    COPIES,
    REFUSED,
    Alone,
    Owned,
    judge_alone,
    judge_copied,
    judge_followed,
    judge_left,
)
from rollouts.api.canary import CanarySpec
from rollouts.engine.budgets import copy_name
from tests.lab.given_back_facts import given_back
from tests.lab.scaling_facts import run_facts, scaler, size

NO = f"Error from server (TooManyRequests): Cannot evict pod as it would {REFUSED}."
TWO = "Error from server (InternalError): This pod has more than one PodDisruptionBudget, which is not supported."
AT_HALF_S = 20.0


def seen(says: Any, guarded: int = NEEDED, *, counted: bool = True) -> BudgetSeen:
    """A budget that guards all pods that serve."""
    return BudgetSeen(says, guarded, counted)


COPIED = Guard(0.0, seen(FIRST, 0), seen(FIRST), "")
FOLLOWED = Guard(AT_HALF_S, seen(CHANGED, 2), seen(CHANGED), NO)
LEFT = Guard(20.0, seen(CHANGED), None, NO)
BY_LOAD = scaler(5.0, TARGET, THEIR_LEAST)
ALONE = Alone((size(0.0, TARGET, NEEDED), size(6.0, TARGET, NEEDED + 1)), BY_LOAD)
OWNED = (Owned("autoscaler", {"spec": 1}, {"spec": 1}), Owned("budget", {"spec": 2}, {"spec": 2}))


def test_what_is_as_it_should_be_passes() -> None:
    """Every expectation, and there are some."""
    results = [
        *judge_copied(COPIED),
        *judge_followed(run_facts(promotes=True), FOLLOWED, AT_HALF_S - 1),
        *judge_left(given_back(COPIES), OWNED, LEFT),
        *judge_alone("deleted", ALONE),
    ]
    assert [one for one in results if not one.ok] == []
    assert len(results) == 2 + 3 + 8


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        pytest.param(replace(COPIED, copy=None), [False, True], id="no copy"),
        pytest.param(replace(COPIED, copy=seen(CHANGED)), [False, True], id="it says something else"),
        pytest.param(replace(COPIED, copy=seen(FIRST, NEEDED - 1)), [False, True], id="it guards too few"),
        pytest.param(replace(COPIED, evicted=TWO), [True, False], id="a pod under two"),
        pytest.param(replace(COPIED, evicted=NO), [True, False], id="no drain at all"),
    ],
)
def test_a_copy_that_is_not_one_is_found(guard: Guard, expected: list[bool]) -> None:
    """What it says, of whom, and what comes of that."""
    assert [one.ok for one in judge_copied(guard)] == expected


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        pytest.param(replace(FOLLOWED, copy=seen(FIRST)), [False, True, True], id="it stays as it was"),
        pytest.param(replace(FOLLOWED, copy=seen({**FIRST, **CHANGED})), [False, True, True], id="it says both"),
        pytest.param(replace(FOLLOWED, copy=seen(CHANGED, counted=False)), [False, True, True], id="not counted"),
        pytest.param(replace(FOLLOWED, at_s=46.0), [True, False, True], id="after the run"),
        pytest.param(replace(FOLLOWED, evicted=""), [True, True, False], id="a drain takes a pod"),
        pytest.param(replace(FOLLOWED, evicted=TWO), [True, True, False], id="a pod under two"),
        pytest.param(None, [False], id="it was never changed"),
    ],
)
def test_a_copy_that_does_not_follow_is_found(guard: Guard | None, expected: list[bool]) -> None:
    """In time, and in force."""
    assert [one.ok for one in judge_followed(run_facts(promotes=True), guard, AT_HALF_S - 1)] == expected


def test_an_end_that_takes_something_of_the_users_is_found() -> None:
    """His objects, what they do, and the copies that must not be left."""
    facts = given_back(COPIES)

    def bad(facts: Any = facts, owned: Any = OWNED, guard: Guard = LEFT) -> set[str]:
        return {one.expected for one in judge_left(facts, owned, guard) if not one.ok}

    changed = (OWNED[0], replace(OWNED[1], after={"spec": 3}))
    assert bad(owned=changed) == {"the user's own budget is as it was"}
    assert bad(owned=(Owned("autoscaler", {}, {}), OWNED[1])) == {"the user's own autoscaler is as it was"}
    assert bad(guard=replace(LEFT, own=None)) == {"it guards the pods of the target"}
    assert bad(guard=replace(LEFT, own=seen(CHANGED, 0))) == {"it guards the pods of the target"}
    assert bad(guard=replace(LEFT, evicted="")) == {"so that no drain takes one"}
    left = replace(facts, left=facts.left | {COPIES[1]})
    assert len(bad(facts=left)) == 1


@pytest.mark.parametrize(
    "alone",
    [
        pytest.param(replace(ALONE, sizes=(*ALONE.sizes, size(7.0, TARGET, 4, 3))), id="a pod is taken"),
        pytest.param(replace(ALONE, sizes=()), id="no target"),
        pytest.param(replace(ALONE, scaler=scaler(5.0, TARGET, NEEDED)), id="kept by its least"),
        pytest.param(replace(ALONE, scaler=replace(BY_LOAD, active="FailedGetResourceMetric")), id="no metrics"),
        pytest.param(replace(ALONE, scaler=None), id="no autoscaler"),
    ],
)
def test_a_target_that_is_not_scaled_by_its_load_is_found(alone: Alone) -> None:
    """Too few pods at any time, or as many for another reason."""
    assert [one.ok for one in judge_alone("deleted", alone)] == [False]


def manifest(generation: int, observed: int | None, **spec: Any) -> dict[str, Any]:
    """A budget as the API server has it."""
    metadata = {"name": "app", "uid": "1", "generation": generation, "resourceVersion": "9", "managedFields": [{}]}
    status = {} if observed is None else {"observedGeneration": observed, "expectedPods": 4}
    return {"metadata": metadata, "spec": spec, "status": status}


def test_a_budget_is_read() -> None:
    """A count of before its last change is none of it; nor is one that nobody has made yet."""
    assert read_budget(manifest(2, 2, maxUnavailable=0)) == BudgetSeen({"maxUnavailable": 0}, 4, counted=True)
    assert not read_budget(manifest(2, 1, minAvailable="50%")).counted
    assert read_budget(manifest(1, None, selector={})) == BudgetSeen({}, 0, counted=False)


def test_what_a_user_has_of_an_object_is_not_what_the_server_notes() -> None:
    """Versions and status come and go; another object of the same name is another one."""
    one = as_user_made(manifest(1, 1, minAvailable=1))
    assert one == as_user_made(manifest(2, None, minAvailable=1))
    assert one != as_user_made(manifest(1, 1, minAvailable=2))
    other = manifest(1, 1, minAvailable=1)
    other["metadata"] |= {"uid": "2"}
    assert one != as_user_made(other)


def test_the_example_is_the_one_that_is_expected() -> None:
    """Its name, what it says, and that it is about the pods of the target."""
    budget, target = example("budget", "scaling"), example("deployment", "scaling")
    canary = CanarySpec.model_validate(example("canary", "scaling")["spec"])
    assert budget["metadata"]["name"] == BUDGET
    assert {field: value for field, value in budget["spec"].items() if field != "selector"} == FIRST
    assert budget["spec"]["selector"] == target["spec"]["selector"]
    assert example("autoscaler", "scaling")["spec"]["minReplicas"] == THEIR_LEAST
    assert copy_name(BUDGET, canary.target.name) == COPY
