from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.templates import BAD, QUERY, BadTemplate, manifest
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
DEADLINE_S = 20.0


@pytest.fixture(scope="module", autouse=True)
def definition() -> None:
    """The CRD, applied and served; it stays, since others in the same lab use it too."""
    crd = ROOT / "crds" / "analysistemplate.yaml"
    applied = run_kubectl("apply", "--server-side", "--force-conflicts", "-f", str(crd))
    assert applied.returncode == 0, applied.stderr
    deadline = time.monotonic() + DEADLINE_S
    while (last := _try_create({"query": QUERY})).returncode != 0:
        assert time.monotonic() < deadline, last.stderr
        time.sleep(0.1)


def _try_create(spec: dict[str, Any]) -> Any:
    return run_kubectl("create", "--dry-run=server", "-f", "-", manifest=manifest(spec, namespace="default"))


def test_definition_is_established_without_complaint() -> None:
    """The server accepts the names and finds the schema structural and every rule affordable."""
    found = kubectl_json("get", "crd", "analysistemplates.rollouts.dev")

    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("bad", [bad for bad in BAD if not bad.by_model_alone], ids=lambda bad: bad.name)
def test_bad_template_is_refused_with_words_that_help(bad: BadTemplate) -> None:
    """The server refuses each bad template, and says where and what is wrong."""
    answer = _try_create(bad.spec)

    assert answer.returncode != 0, answer.stdout
    place = f"spec.{bad.at}".rstrip(".")
    assert [line for line in answer.stderr.splitlines() if f"{place}:" in line and bad.says in line], answer.stderr


@pytest.mark.parametrize("file", sorted((ROOT / "analysis-templates").glob("*.yaml")), ids=lambda file: file.stem)
def test_what_is_shipped_is_taken(file: Path) -> None:
    """With strict validation, as kubectl asks for: no field is misspelt."""
    answer = _try_create(yaml.safe_load(file.read_text())["spec"])
    assert answer.returncode == 0, answer.stderr
    assert "warning" not in answer.stderr.lower()
