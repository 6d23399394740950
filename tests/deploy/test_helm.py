"""The chart, rendered by helm: with no values it is what Kustomize renders, and each value does what it says."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from e2e.manifests import INSTALL
from tests.deploy.manifests import DEPLOY, Manifest, documents, find

pytestmark = pytest.mark.kube

CHART = DEPLOY / "helm" / "rollouts"
BY_HELM_ALONE = "rollouts.dev/settings"


def _helm(*words: str) -> subprocess.CompletedProcess[str]:
    helm = shutil.which("helm")
    if helm is None:
        pytest.fail("needs the lab's helm: run `make test-kube`")
    return subprocess.run([helm, *words], capture_output=True, text=True, check=False, timeout=60)


def render_chart(*words: str, namespace: str = "rollouts-system", version: str = "1.36.1") -> list[Manifest]:
    """What helm makes of it, and of the kinds."""
    done = _helm(
        "template", "r", str(CHART), f"--namespace={namespace}", "--include-crds", f"--kube-version={version}", *words
    )
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def _key(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def test_without_values_it_is_what_kustomize_renders() -> None:
    """Object by object, but for the namespace, the pull policy, and the mark of the settings."""
    made = render_chart()
    container = find(made, "Deployment")["spec"]["template"]
    assert len(container["metadata"]["annotations"].pop(BY_HELM_ALONE)) == 16
    assert container["spec"]["containers"][0].pop("imagePullPolicy") == "IfNotPresent"
    expected = [one for one in documents(INSTALL.read_text(encoding="utf-8")) if one["kind"] != "Namespace"]

    assert sorted(made, key=_key) == sorted(expected, key=_key)


def test_without_secrets_there_is_no_right_to_any() -> None:
    """secrets.enabled=false takes away the one rule, and nothing else."""
    with_them, without = (
        find(render_chart(*words), "ClusterRole")["rules"] for words in ((), ("--set=secrets.enabled=false",))
    )

    assert without == [rule for rule in with_them if "secrets" not in rule["resources"]]
    assert len(without) == len(with_them) - 1


@pytest.mark.parametrize(
    ("words", "verbs", "setting"),
    [
        ((), {"get", "create", "patch", "delete"}, None),
        (("--set=secrets.watch=true",), {"get", "list", "watch", "create", "patch", "delete"}, "watch"),
        (("--set=secrets.enabled=false",), set(), "none"),
    ],
    ids=["get", "watch", "none"],
)
def test_rights_to_secrets_are_what_the_process_is_told(words: tuple[str, ...], verbs: set[str], setting: str) -> None:
    """Neither has the other half alone; all other rules stay as they are."""
    made, plain = render_chart(*words), render_chart()
    rules, others = (
        [
            [rule for rule in find(one, "ClusterRole")["rules"] if ("secrets" in rule["resources"]) is of_secrets]
            for one in (made, plain)
        ]
        for of_secrets in (True, False)
    )
    assert {verb for rule in rules[0] for verb in rule["verbs"]} == verbs
    assert others[0] == others[1]
    assert find(made, "ConfigMap", "rollouts-settings")["data"].get("ROLLOUTS_SECRETS") == setting


def test_of_one_namespace_it_has_no_right_elsewhere() -> None:
    """The role is bound in the release's namespace, that alone is watched, and the policies know the account."""
    made = render_chart("--set=scope=namespace", namespace="shop")

    # What may be seen of the policy for all is granted with the policy.
    assert {one["metadata"]["name"] for one in made if one["kind"].startswith("ClusterRole")} == {
        "intents.rollouts.dev"
    }
    assert find(made, "RoleBinding")["metadata"]["namespace"] == "shop"
    assert find(made, "RoleBinding")["roleRef"]["kind"] == "Role"
    assert {"clusterroles", "clusterrolebindings"}.isdisjoint(
        plural for rule in find(made, "Role")["rules"] for plural in rule["resources"]
    )
    assert {one["metadata"].get("namespace", "shop") for one in made} == {"shop"}
    assert "rollouts-system" not in json.dumps(made)
    container = find(made, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert "ROLLOUTS_WATCH_NAMESPACE" in {one["name"] for one in container["env"]}


def test_an_older_cluster_gets_no_kind_that_it_lacks() -> None:
    """MutatingAdmissionPolicy is served from Kubernetes 1.36 on."""
    kinds = {one["kind"] for one in render_chart(version="1.33.0")}
    assert "MutatingAdmissionPolicy" not in kinds
    assert "ValidatingAdmissionPolicy" in kinds


def test_what_is_switched_off_is_not_there() -> None:
    """Policies, network policy, budget."""
    parts = ("policies", "networkPolicy", "podDisruptionBudget")
    kinds = {one["kind"] for one in render_chart(*(f"--set={part}.enabled=false" for part in parts))}
    assert not {kind for kind in kinds if "Policy" in kind or "Budget" in kind}


def test_settings_reach_the_process() -> None:
    """They are variables; another value is another mark, so that the pods are replaced."""
    words = ("--set=metrics.server=http://thanos:9090", "--set=settings.ROLLOUTS_LOG_LEVEL=debug", "--set=replicas=2")
    made, plain = render_chart(*words), render_chart()

    assert find(made, "ConfigMap", "rollouts-settings")["data"] == {
        "ROLLOUTS_METRICS_SERVER": "http://thanos:9090",
        "ROLLOUTS_LOG_LEVEL": "debug",
    }
    deployment = find(made, "Deployment")["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"type": "RollingUpdate"}
    named = {"name": "ROLLOUTS_IDENTITY", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    assert named in deployment["template"]["spec"]["containers"][0]["env"]
    marks = [
        find(one, "Deployment")["spec"]["template"]["metadata"]["annotations"][BY_HELM_ALONE] for one in (made, plain)
    ]
    assert marks[0] != marks[1]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("scope=everywhere", "scope"),
        ("metrics.server=prometheus", "server"),
        ("secrets.watch=perhaps", "watch"),
        ("secrets.enabled=false,secrets.watch=true", "secrets"),
        ("settings.ROLLOUTS_SECRETS=none", "ROLLOUTS_SECRETS"),
        ("settings.LOG_LEVEL=debug", "LOG_LEVEL"),
        ("settings.ROLLOUTS_METRICS_SERVER=http://x", "ROLLOUTS_METRICS_SERVER"),
        ("replicas=many", "replicas"),
        ("replica=2", "replica"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(value: str, named: str) -> None:
    """The schema names it."""
    refused = _helm("template", "r", str(CHART), f"--set={value}")
    assert refused.returncode != 0
    assert named in refused.stderr


def test_helm_finds_no_fault() -> None:
    """`helm lint --strict`."""
    done = _helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout
