from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.resources import CANARIES, DAEMON_SETS, DEPLOYMENTS, RULES_REVIEWS
from rollouts.core.measurement import Rejected, Value
from rollouts.engine.rights import Right, judge_rights, render_review, rights_to_copy


def rule(verbs: str, groups: str, resources: str, **more: Any) -> dict[str, Any]:
    """One rule as a review lists it; words are parted by spaces, `core` means the core group."""
    named = ["" if group == "core" else group for group in groups.split()]
    return {"verbs": verbs.split(), "apiGroups": named, "resources": resources.split(), **more}


COPIED = rights_to_copy(DEPLOYMENTS)
SHIPPED = [
    rule("get list watch patch", "rollouts.dev", "canaries"),
    rule("get patch", "rollouts.dev", "canaries/status"),
    rule("get list watch create patch delete", "apps", "deployments"),
    rule("get list watch create patch delete", "core", "services"),
    rule("get list watch create patch delete", "networking.istio.io", "virtualservices destinationrules"),
    rule("create patch", "core", "events"),
]


def judged(*rules: dict[str, Any], **status: Any) -> str:
    """What is missing; empty if nothing is."""
    outcome = judge_rights({"status": {"resourceRules": list(rules), "incomplete": False, **status}}, "shop", COPIED)
    match outcome:
        case Value(1.0):
            return ""
        case Rejected(reason):
            return reason
        case _:
            raise AssertionError(outcome)


def without(place: int, *others: dict[str, Any]) -> list[dict[str, Any]]:
    """The shipped rules but for one, and others in its place."""
    return [*SHIPPED[:place], *SHIPPED[place + 1 :], *others]


@pytest.mark.parametrize(
    "rules",
    [
        SHIPPED,
        [rule("*", "*", "*")],
        [rule("create patch delete", "*", "*")],
        [rule("*", "rollouts.dev apps core networking.istio.io", "*")],
        without(1, rule("patch", "rollouts.dev", "*")),
        without(2, rule("create", "apps", "deployments"), rule("patch delete", "apps", "deployments")),
        [*SHIPPED, rule("delete", "core", "secrets", resourceNames=["x"])],
    ],
    ids=["shipped", "all", "verbs of all", "all of groups", "all of a group", "in two rules", "more than needed"],
)
def test_what_is_granted_is_enough(rules: list[dict[str, Any]]) -> None:
    """However a Role says it."""
    assert judged(*rules) == ""


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (without(1), "patch canaries.rollouts.dev/status"),
        (without(1, rule("patch", "rollouts.dev", "canaries")), "patch canaries.rollouts.dev/status"),
        (without(2, rule("patch delete", "apps", "deployments")), "create deployments.apps"),
        (without(2, rule("create patch", "apps", "deployments/scale")),
         "create deployments.apps, patch deployments.apps, delete deployments.apps"),
        (without(2, rule("create patch", "apps", "deployments", resourceNames=["app"])),
         "create deployments.apps, patch deployments.apps, delete deployments.apps"),
        (without(3, rule("create patch", "apps", "services")), "create services, patch services, delete services"),
        (without(2, rule("create patch", "apps", "deployments")), "delete deployments.apps"),
        (without(4, rule("create patch", "networking.istio.io", "virtualservices")),
         ", ".join(f"{verb} destinationrules.networking.istio.io" for verb in ("create", "patch", "delete"))),
        (without(5, rule("patch", "core", "events")), "create events"),
        (without(5, rule("create", "events.k8s.io", "events")), "create events"),
    ],
    ids=["no subresource", "the resource is not its subresource", "one verb", "the subresource is not its resource",
         "some names only", "another group", "no deletion", "one of two kinds", "no Events",
         "Events of the other group"],
)  # fmt: skip
def test_what_is_missing_is_named(rules: list[dict[str, Any]], missing: str) -> None:
    """Verb and resource as RBAC writes them, the namespace, and where to find what to grant."""
    account = "the controller's account may not"
    assert judged(*rules) == f"{account} {missing} in namespace shop: grant it, see deploy/base/rbac.yaml"


def test_without_any_rule_everything_is_named() -> None:
    """Fourteen rights, each once."""
    missing = judged().removeprefix("the controller's account may not ").partition(" in namespace")[0].split(", ")
    assert len(missing) == len(set(missing)) == 14


def test_a_kind_of_workload_is_needed_where_it_is_the_targets() -> None:
    """Whoever releases Deployments alone need not be allowed DaemonSets, nor the other way round."""
    review = {"status": {"resourceRules": SHIPPED, "incomplete": False}}
    outcome = judge_rights(review, "shop", rights_to_copy(DAEMON_SETS))
    assert isinstance(outcome, Rejected)
    assert "create daemonsets.apps, patch daemonsets.apps, delete daemonsets.apps in" in outcome.reason


@pytest.mark.parametrize("status", [None, {}, {"resourceRules": None}, {"resourceRules": [{}]}])
def test_an_empty_answer_grants_nothing(status: Any) -> None:
    """Absent fields are empty lists."""
    assert isinstance(judge_rights({"status": status}, "shop", COPIED), Rejected)


def test_what_cannot_be_listed_is_not_judged() -> None:
    """An authorizer that can't say all it grants: then the write itself will tell."""
    assert judged(incomplete=True, evaluationError="webhook authorizer does not support user rule resolution") == ""


def test_the_question_is_about_one_namespace() -> None:
    """A review that every account may ask for."""
    write = render_review("shop")
    assert (write.resource, write.manifest["spec"]) == (RULES_REVIEWS, {"namespace": "shop"})


def test_a_right_reads_as_rbac_writes_it() -> None:
    """For messages."""
    assert str(Right("patch", CANARIES, "status")) == "patch canaries.rollouts.dev/status"
    assert str(Right("create", DEPLOYMENTS)) == "create deployments.apps"
