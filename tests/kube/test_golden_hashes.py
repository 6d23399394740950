"""Hashes of templates as a real API server stores them, with all that it fills in: they never change.

With another one every Canary would release again, after an upgrade of ours, what it has released.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rollouts.core.revision import revision_of
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMESPACE = "golden-hashes"


@pytest.mark.parametrize("words", [("apply",), ("apply", "--server-side")], ids=["client-side", "server-side"])
@pytest.mark.parametrize(
    ("file", "revision"),
    [
        pytest.param("first-light/deployment.yaml", "9667721a18392d12", id="a Deployment"),
        pytest.param("strategies/daemon-set-app.yaml", "9667721a18392d12", id="a DaemonSet of the same pods"),
    ],
)
def test_a_template_has_the_hash_that_it_always_had(file: str, revision: str, words: tuple[str, ...]) -> None:
    """Whoever applied it, and in whichever way."""
    run_kubectl("create", "namespace", NAMESPACE)
    manifest = yaml.safe_load((EXAMPLES / file).read_text(encoding="utf-8"))
    manifest["metadata"]["namespace"] = NAMESPACE
    try:
        applied = run_kubectl(*words, "-f", "-", manifest=manifest)
        assert applied.returncode == 0, applied.stderr
        stored = kubectl_json("get", manifest["kind"], "app", "-n", NAMESPACE)
    finally:
        run_kubectl("delete", manifest["kind"], "app", "-n", NAMESPACE, "--ignore-not-found")
    assert revision_of(stored["spec"]["template"]) == revision


def test_what_the_server_fills_in_is_hashed_as_ever() -> None:
    """Probes, volumes, fields of the pod and a sidecar: all of these get defaults."""
    run_kubectl("create", "namespace", NAMESPACE)
    probe = {"httpGet": {"path": "/", "port": "http"}}
    field = {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    web = {
        "name": "web", "image": "registry.example/web", "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": probe, "livenessProbe": {"tcpSocket": {"port": 8080}}, "env": [field],
        "volumeMounts": [{"name": "config", "mountPath": "/config"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }  # fmt: skip
    pod = {
        "containers": [web], "initContainers": [{"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}],
        "volumes": [{"name": "config", "configMap": {"name": "config"}}], "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
    }  # fmt: skip
    labels = {"app": "rich"}
    manifest = {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "rich", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }  # fmt: skip
    try:
        applied = run_kubectl("apply", "-f", "-", manifest=manifest)
        assert applied.returncode == 0, applied.stderr
        stored = kubectl_json("get", "daemonset", "rich", "-n", NAMESPACE)
    finally:
        run_kubectl("delete", "daemonset", "rich", "-n", NAMESPACE, "--ignore-not-found")
    assert revision_of(stored["spec"]["template"]) == "230d54b0943b4e33"
