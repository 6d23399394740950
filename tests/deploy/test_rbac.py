from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api import resources
from rollouts.api.resources import Resource
from rollouts.kube.account import BINDING, NAME
from tests.kube.kubectl import run_kubectl

RBAC_FILE = Path(__file__).parents[2] / "deploy" / "base" / "rbac.yaml"
DOCUMENTS: dict[str, dict[str, Any]] = {
    document["kind"]: document for document in yaml.safe_load_all(RBAC_FILE.read_text())
}
READ = {"list", "watch"}
WATCHED = (
    resources.CANARIES,
    resources.DEPLOYMENTS,
    resources.DAEMON_SETS,
    resources.SERVICES,
    resources.VIRTUAL_SERVICES,
    resources.DESTINATION_RULES,
    resources.CONFIG_MAPS,
    resources.AUTOSCALERS,
    *sorted(resources.OPTIONAL, key=str),
)
MADE = (*WATCHED[1:8], resources.POD_DISRUPTION_BUDGETS, resources.SCALED_OBJECTS)
DELETED = {*MADE} - {resources.VIRTUAL_SERVICES}
ACCOUNT = "system:serviceaccount:rollouts-system:rollouts-controller"


def _granted(group: str, plural: str) -> set[str]:
    rules = DOCUMENTS["ClusterRole"]["rules"]
    return {
        verb for rule in rules if group in rule["apiGroups"] and plural in rule["resources"] for verb in rule["verbs"]
    }


def test_nothing_is_a_wildcard() -> None:
    """No group, resource or verb is `*`, and nothing outside the API's resources is granted."""
    for rule in DOCUMENTS["ClusterRole"]["rules"]:
        assert rule.keys() - {"resourceNames"} == {"apiGroups", "resources", "verbs"}
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]


def test_only_what_is_made_may_be_deleted_and_no_secret_is_listed() -> None:
    """The role can neither list nor watch Secrets, nor delete anything but what goes with a Canary."""
    rules = DOCUMENTS["ClusterRole"]["rules"]

    assert not {verb for rule in rules for verb in rule["verbs"]} - READ - {"get", "create", "patch", "delete"}
    deletable = {name for rule in rules if "delete" in rule["verbs"] for name in rule["resources"]}
    assert deletable == {resource.plural for resource in DELETED} | {"secrets", "clusterrolebindings"}
    assert _granted("", "secrets") == {"get", "create", "patch", "delete"}


@pytest.mark.parametrize("resource", WATCHED, ids=str)
def test_what_is_watched_may_be_read(resource: Resource) -> None:
    """Everything that the controller keeps in a store may be listed and watched."""
    assert _granted(resource.group, resource.plural) >= READ


@pytest.mark.parametrize("resource", MADE, ids=str)
def test_what_is_made_may_be_applied(resource: Resource) -> None:
    """Server-side apply needs patch, and create where the object is new."""
    deletion = {"delete"} if resource in DELETED else set()
    by_name = {"get"} if resource is resources.CONFIG_MAPS else set()
    assert _granted(resource.group, resource.plural) == READ | {"create", "patch"} | deletion | by_name


@pytest.mark.parametrize("resource", sorted(resources.OPTIONAL - set(MADE), key=str), ids=str)
def test_others_are_only_looked_at(resource: Resource) -> None:
    """What protects the user's pods is the user's, and so is a template of a check."""
    assert _granted(resource.group, resource.plural) == READ


def test_pods_are_listed_and_no_more() -> None:
    """They are asked why they are not ready: none is watched, made or ended."""
    assert _granted("", "pods") == {"list"}


def test_of_policies_of_admission_one_is_looked_at() -> None:
    """Whether it is in force; the right comes with it, and those of others are nobody's business."""
    policy = RBAC_FILE.parents[1] / "policies" / "intents.yaml"
    shipped = {document["kind"]: document for document in yaml.safe_load_all(policy.read_text())}

    assert [(rule["resourceNames"], rule["verbs"]) for rule in shipped["ClusterRole"]["rules"]] == [
        (["intents.rollouts.dev"], ["get"])
    ]
    assert [one["name"] for one in shipped["ClusterRoleBinding"]["subjects"]] == ["system:serviceaccounts"]
    assert not [
        rule for rule in DOCUMENTS["ClusterRole"]["rules"] if "admissionregistration.k8s.io" in rule["apiGroups"]
    ]


def test_of_roles_and_accounts_its_own_are_held() -> None:
    """Each by its name: the account and the role are patched, and one binding of the two is made and taken away."""
    named = {
        (plural, verb, *rule["resourceNames"])
        for rule in DOCUMENTS["ClusterRole"]["rules"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
        if "resourceNames" in rule
    }
    assert named == {
        ("serviceaccounts", "patch", NAME),
        ("clusterroles", "patch", NAME),
        *(("clusterrolebindings", verb, BINDING) for verb in ("create", "patch", "delete")),
    }
    assert NAME == DOCUMENTS["ServiceAccount"]["metadata"]["name"] == DOCUMENTS["ClusterRole"]["metadata"]["name"]
    rbac = [rule for rule in DOCUMENTS["ClusterRole"]["rules"] if "rbac.authorization.k8s.io" in rule["apiGroups"]]
    assert all("resourceNames" in rule for rule in rbac)


def test_canaries_are_only_judged_and_held() -> None:
    """Of a Canary the controller writes the status and the finalizer: it can neither make nor delete one."""
    assert _granted(resources.GROUP, "canaries") == READ | {"patch"}
    assert _granted(resources.GROUP, "canaries/status") == {"patch"}


def test_of_a_template_the_status_is_written() -> None:
    """Whether its source takes its question is told on itself."""
    assert _granted(resources.GROUP, "analysistemplates/status") == {"patch"}


def test_binding_names_what_the_file_makes() -> None:
    """The binding joins the role and the account of this file."""
    binding, account = DOCUMENTS["ClusterRoleBinding"], DOCUMENTS["ServiceAccount"]["metadata"]

    assert binding["roleRef"]["name"] == DOCUMENTS["ClusterRole"]["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account["name"], "namespace": account["namespace"]}
    ]
    assert account["namespace"] == DOCUMENTS["Namespace"]["metadata"]["name"]


def test_leases_are_kept_in_the_own_namespace_alone() -> None:
    """Each replica's; nothing is asked about those of others in the cluster."""
    role, binding = DOCUMENTS["Role"], DOCUMENTS["RoleBinding"]

    assert role["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
         "verbs": ["list", "watch", "create", "patch", "delete"]},
    ]  # fmt: skip
    assert role["metadata"]["namespace"] == DOCUMENTS["Namespace"]["metadata"]["name"]
    assert binding["metadata"]["namespace"] == role["metadata"]["namespace"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == DOCUMENTS["ClusterRoleBinding"]["subjects"]
    assert _granted("coordination.k8s.io", "leases") == set()


@pytest.mark.kube
@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("patch", "deployments.apps", "-n", "default"), "yes"),
        (("create", "services", "-n", "default"), "yes"),
        (("create", "selfsubjectrulesreviews.authorization.k8s.io"), "yes"),
        (("delete", "deployments.apps", "-n", "default"), "yes"),
        (("delete", "daemonsets.apps", "-n", "default"), "yes"),
        (("delete", "virtualservices.networking.istio.io", "-n", "default"), "no"),
        (("delete", "canaries.rollouts.dev", "-n", "default"), "no"),
        (("get", "secrets", "-n", "default"), "yes"),
        (("list", "secrets", "-n", "default"), "no"),
        (("watch", "secrets", "-n", "default"), "no"),
        (("delete", "configmaps", "-n", "default"), "yes"),
        (("list", "pods", "-n", "default"), "yes"),
        (("watch", "networkpolicies.networking.k8s.io", "-n", "default"), "yes"),
        (("patch", "networkpolicies.networking.k8s.io", "-n", "default"), "no"),
        (("delete", "poddisruptionbudgets.policy", "-n", "default"), "yes"),
        (("patch", "leases.coordination.k8s.io", "-n", "rollouts-system"), "yes"),
        (("watch", "leases.coordination.k8s.io", "-n", "rollouts-system"), "yes"),
        (("create", "leases.coordination.k8s.io", "-n", "default"), "no"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_server_agrees(words: tuple[str, ...], answer: str) -> None:
    """A real API server grants the account what the file says, and nothing else."""
    applied = run_kubectl("apply", "--server-side", "-f", str(RBAC_FILE))
    assert applied.returncode == 0, applied.stderr

    groups = ("--as-group=system:authenticated", "--as-group=system:serviceaccounts")
    asked = run_kubectl("auth", "can-i", *words, f"--as={ACCOUNT}", *groups)

    assert asked.stdout.strip() == answer, asked.stderr
