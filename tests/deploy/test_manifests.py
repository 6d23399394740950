from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.manifests import HEAD, INSTALL
from rollouts.settings import PREFIX, Settings
from tests.deploy.manifests import DEPLOY, OVERLAYS, ROOT, Manifest, documents, find, names, render

RENDERED = documents(INSTALL.read_text(encoding="utf-8"))
WORDS = "deploy/[-a-z0-9_./]*[a-z0-9]"


def _pod(manifests: list[Manifest]) -> dict[str, Any]:
    spec: dict[str, Any] = find(manifests, "Deployment")["spec"]["template"]["spec"]
    return spec


@pytest.mark.kube
def test_install_yaml_is_what_kustomize_renders() -> None:
    """The rendered file and `kubectl apply -k deploy/` install the same; `make manifests` writes it."""
    assert render(DEPLOY) == RENDERED
    assert INSTALL.read_text(encoding="utf-8").startswith(HEAD)


def test_everything_that_is_needed_is_there() -> None:
    """The kinds, the account and its role, the process with what protects it, and every policy of the folder."""
    installed = names(RENDERED)

    assert {kind for kind, _ in installed} >= {
        "Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "ConfigMap",
        "Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget",
    }  # fmt: skip
    for folder in (ROOT / "crds", DEPLOY / "policies"):
        files = [file for file in folder.glob("*.yaml") if file.name != "kustomization.yaml"]
        assert names(one for file in files for one in documents(file.read_text(encoding="utf-8"))) <= installed


@pytest.mark.parametrize("folder", ["crds", "deploy/base", "deploy/policies"])
def test_no_file_is_left_out(folder: str) -> None:
    """Each file beside a kustomization is one of its resources."""
    listed = yaml.safe_load((ROOT / folder / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    beside = {file.name for file in (ROOT / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == beside


def test_the_pod_asks_for_nothing_that_restricted_refuses() -> None:
    """Not root, nothing to gain, nothing to write to but /tmp; and the namespace demands as much of every pod."""
    pod = _pod(RENDERED)
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [one["mountPath"] for one in container["volumeMounts"]] == ["/tmp"]  # noqa: S108 - a mount, not a file
    labels = find(RENDERED, "Namespace", "rollouts-system")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_settings_are_known_to_the_program() -> None:
    """Each variable that the manifests set is a setting, and each value is one that it takes."""
    (container,) = _pod(RENDERED)["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    told |= find(RENDERED, "ConfigMap", "rollouts-settings")["data"]

    fields = {name.removeprefix(PREFIX).lower(): value for name, value in told.items()}

    assert fields.keys() <= Settings.model_fields.keys()
    assert Settings.model_validate(fields).metrics_server == fields["metrics_server"]


def test_probes_and_service_lead_to_where_it_listens() -> None:
    """One port, by its name, everywhere."""
    (container,) = _pod(RENDERED)["containers"]
    (port,) = container["ports"]

    assert {one["httpGet"]["port"] for one in (container["livenessProbe"], container["readinessProbe"])} == {"http"}
    assert {probe: container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("liveness", "readiness")} == {
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert port == {"name": "http", "containerPort": 8080}
    assert find(RENDERED, "Service")["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_all_that_select_pods_select_these() -> None:
    """Service, budget and network policy mean the pods of the Deployment."""
    labels = find(RENDERED, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    service, budget, network = (
        find(RENDERED, one)["spec"] for one in ("Service", "PodDisruptionBudget", "NetworkPolicy")
    )
    for selector in (
        service["selector"], budget["selector"]["matchLabels"], network["podSelector"]["matchLabels"],
    ):  # fmt: skip
        assert selector
        assert selector.items() <= labels


def test_nothing_leads_to_the_credentials_of_a_machine() -> None:
    """What Canaries name is asked by this process: the link-local networks are closed to it, but for DNS."""
    to_anywhere, to_dns = find(RENDERED, "NetworkPolicy")["spec"]["egress"]

    assert {one["ipBlock"]["cidr"]: one["ipBlock"]["except"] for one in to_anywhere["to"]} == {
        "0.0.0.0/0": ["169.254.0.0/16"],
        "::/0": ["fe80::/10"],
    }
    assert {one["port"] for one in to_dns["ports"]} == {53}


def test_policies_know_the_account() -> None:
    """The account that keep-weights lets through is the one that is installed."""
    account = find(RENDERED, "ServiceAccount")["metadata"]
    condition = find(RENDERED, "MutatingAdmissionPolicy", "keep-weights.rollouts.dev")["spec"]["matchConditions"][0]

    here = f"'system:serviceaccount:{account['namespace']}:{account['name']}'"
    assert here in condition["expression"]
    condition = find(RENDERED, "ValidatingAdmissionPolicy", "intents.rollouts.dev")["spec"]["matchConditions"][0]
    assert here in condition["expression"]


@pytest.mark.kube
def test_the_namespaced_overlay_has_no_right_elsewhere(tmp_path: Path) -> None:
    """In a namespace of the user's choice: all is in there, bound in there, and the policies know that account."""
    for part in ("crds", "deploy"):
        shutil.copytree(ROOT / part, tmp_path / part)
    overlay = tmp_path / "deploy" / "overlays" / "namespaced"
    file = overlay / "controller" / "kustomization.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("namespace: rollouts-system\nres", "namespace: shop\nres"))

    made = render(overlay)

    # What may be seen of the policy for all is granted with the policy.
    assert {one["metadata"]["name"] for one in made if one["kind"].startswith("ClusterRole")} == {
        "intents.rollouts.dev"
    }
    assert {
        plural for rule in find(made, "Role")["rules"] if "rbac.authorization.k8s.io" in rule["apiGroups"]
        for plural in rule["resources"]
    } == {"roles", "rolebindings"}  # fmt: skip
    assert find(made, "RoleBinding")["roleRef"]["kind"] == "Role"
    assert "Namespace" not in {one["kind"] for one in made}
    assert {one["metadata"].get("namespace", "shop") for one in made} == {"shop"}
    for name in ("rollouts-controller", "rollouts-controller-leases"):
        assert {one["namespace"] for one in find(made, "RoleBinding", name)["subjects"]} == {"shop"}
    for kind, policy, accounts in (
        ("MutatingAdmissionPolicy", "keep-weights.rollouts.dev", {"controller"}),
        ("ValidatingAdmissionPolicy", "intents.rollouts.dev", {"controller", "server"}),
        ("ValidatingAdmissionPolicy", "own-account.rollouts.dev", {"controller"}),
    ):
        expression = find(made, kind, policy)["spec"]["matchConditions"][0]["expression"]
        assert set(re.findall("system:serviceaccount:shop:rollouts-([a-z]+)'", expression)) == accounts
    assert "rollouts-system" not in str(made)
    watched = next(one for one in _pod(made)["containers"][0]["env"] if one["name"] == "ROLLOUTS_WATCH_NAMESPACE")
    assert watched["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}


@pytest.mark.kube
def test_the_ha_overlay_adds_a_second_process_and_no_more() -> None:
    """Two that are kept apart, replaced one by one; all else as cluster-wide, which is what deploy/ is."""
    several, one = render(OVERLAYS / "ha"), render(OVERLAYS / "cluster-wide")
    spec = find(several, "Deployment")["spec"]

    assert one == RENDERED
    assert spec["replicas"] == 2
    assert spec["strategy"]["type"] == "RollingUpdate"
    env = {one["name"]: one for one in spec["template"]["spec"]["containers"][0]["env"]}
    assert env["ROLLOUTS_IDENTITY"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert env.keys() == {"ROLLOUTS_LISTEN", "ROLLOUTS_IDENTITY"}
    assert {one["topologyKey"] for one in spec["template"]["spec"]["topologySpreadConstraints"]} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert [one for one in several if one["kind"] != "Deployment"] == [
        one for one in RENDERED if one["kind"] != "Deployment"
    ]


def test_every_path_in_deploy_that_is_named_exists() -> None:
    """Messages, docs and comments send people to files that are there."""
    texts = [
        *ROOT.glob("docs/**/*.md"), *ROOT.glob("rollouts/**/*.py"), *ROOT.glob("e2e/**/*.py"), *ROOT.glob("*.md"),
        *DEPLOY.glob("**/*.yaml"), ROOT / "Makefile",
    ]  # fmt: skip
    named = {
        (word, str(file.relative_to(ROOT)))
        for file in texts
        if file.name not in {"README.md", "CHANGELOG.md"}
        for word in re.findall(WORDS, file.read_text(encoding="utf-8"))
    }
    assert {(word, file) for word, file in named if not (ROOT / word).exists()} == set()
