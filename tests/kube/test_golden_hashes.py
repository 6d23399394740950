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
        pytest.param("first-light/deployment.yaml", "?", id="a Deployment"),
        pytest.param("strategies/daemon-set-app.yaml", "?", id="a DaemonSet"),
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
