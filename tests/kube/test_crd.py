from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Condition, HoldStatus, MetricResult, Phase, Verdict
from tests.api.canaries import BAD, BadCanary, good_spec, manifest
from tests.kube.kubectl import kubectl_json, run_kubectl

pytestmark = pytest.mark.kube

ROOT = Path(__file__).parents[2]
CRD_FILE = ROOT / "crds" / "canary.yaml"
EXAMPLES = [
    document
    for file in sorted((ROOT / "examples").rglob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
    if document and document["kind"] == "Canary"
]
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
DEADLINE_S = 20.0
COLUMNS = ["NAME", "STATUS", "WEIGHT", "STEP", "STEPS", "FAILED", "CHECKS", "READY", "REASON", "HELD", "SINCE", "AGE"]


@pytest.fixture(scope="module", autouse=True)
def definition() -> None:
    """The CRD, applied and served; it stays, since others in the same lab use it too."""
    applied = run_kubectl("apply", "--server-side", "--force-conflicts", "-f", str(CRD_FILE))
    assert applied.returncode == 0, applied.stderr
    deadline = time.monotonic() + DEADLINE_S
    while (last := _try_create(good_spec())).returncode != 0:
        assert time.monotonic() < deadline, last.stderr
        time.sleep(0.1)


@pytest.fixture
def stored() -> Iterator[dict[str, Any]]:
    """A good Canary that the server has stored."""
    yield kubectl_json("create", "-f", "-", manifest=manifest(good_spec(), "crd-test"))
    assert run_kubectl("delete", "canaries.rollouts.dev", "crd-test", "-n", "default").returncode == 0


def _try_create(spec: dict[str, Any]) -> Any:
    return run_kubectl("create", "--dry-run=server", "-f", "-", manifest=manifest(spec, "crd-dry-run"))


def test_definition_is_established_without_complaint() -> None:
    """The server accepts the names and finds the schema structural and every rule affordable."""
    definition = kubectl_json("get", "crd", "canaries.rollouts.dev")

    conditions = {item["type"]: item["status"] for item in definition["status"]["conditions"]}
    assert conditions["Established"] == "True"
    assert conditions["NamesAccepted"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_canary_is_refused_with_words_that_help(bad: BadCanary) -> None:
    """The server refuses each bad Canary, and says where and what is wrong."""
    answer = _try_create(bad.spec())

    assert answer.returncode != 0, answer.stdout
    place = f"spec.{bad.at}".rstrip(".")
    assert [line for line in answer.stderr.splitlines() if f"{place}:" in line and bad.says in line], answer.stderr


def test_misspelt_field_is_named() -> None:
    """A field that does not exist is refused by name, as kubectl's strict validation asks for."""
    spec = good_spec()
    spec["analysis"]["stepWieght"] = 5

    answer = _try_create(spec)

    assert answer.returncode != 0
    assert 'unknown field "spec.analysis.stepWieght"' in answer.stderr


def test_server_fills_in_the_models_defaults(stored: dict[str, Any]) -> None:
    """What the server stores has every default but those of metrics, and reads as the model reads what was sent."""
    want = CanarySpec.model_validate(good_spec())
    whole = want.model_dump(mode="json", by_alias=True, exclude_none=True)
    whole["analysis"]["metrics"] = good_spec()["analysis"]["metrics"]

    assert stored["spec"] == whole
    assert CanarySpec.model_validate(stored["spec"]) == want


@pytest.mark.parametrize("port", [8080, "http"], ids=["number", "name"])
def test_target_port_is_a_number_or_a_name(port: int | str) -> None:
    """Both forms of targetPort are accepted and come back as they were."""
    spec = good_spec()
    spec["service"]["targetPort"] = port

    answer = kubectl_json("create", "--dry-run=server", "-f", "-", manifest=manifest(spec))

    assert answer["spec"]["service"]["targetPort"] == port


def test_status_is_a_subresource(stored: dict[str, Any]) -> None:
    """A status in a created object is dropped, and one written to the subresource leaves the spec's generation."""
    patch = '{"status": {"phase": "Initialized"}, "spec": {"progressDeadlineSeconds": 5}}'
    through_spec = kubectl_json(
        "patch",
        "canaries.rollouts.dev",
        "crd-test",
        "-n",
        "default",
        "--type=merge",
        "-p",
        '{"status": {"phase": "Failed"}}',
    )
    through_status = _patch_status(patch)

    assert "status" not in through_spec
    assert through_status["status"] == {"phase": "Initialized"}
    assert through_status["spec"] == stored["spec"]
    assert through_status["metadata"]["generation"] == stored["metadata"]["generation"]


@pytest.mark.usefixtures("stored")
def test_whole_status_comes_back_as_written() -> None:
    """Every field of a status survives the server's pruning, and nulls remove."""
    status = _full_status()

    patched = _write_status(status)

    assert CanaryStatus.model_validate(patched["status"]) == status
    cleared = _write_status(CanaryStatus())
    assert CanaryStatus.model_validate(cleared["status"]) == CanaryStatus()


@pytest.mark.usefixtures("stored")
def test_list_shows_the_columns() -> None:
    """`kubectl get rcn` tells phase, weight and step; -o wide why it is not ready."""
    _write_status(_full_status())

    wide = run_kubectl("get", "rcn", "crd-test", "-n", "default", "-o", "wide").stdout.splitlines()

    assert wide[0].split() == COLUMNS
    assert wide[1].split()[:8] == ["crd-test", "Progressing", "20", "2", "5", "1", "True", "Released"]
    assert wide[1].split()[8] == "OutsideWindow"


def test_examples_are_accepted() -> None:
    """There are examples, and the server accepts each."""
    assert EXAMPLES
    for example in EXAMPLES:
        answer = _try_create(example["spec"])
        assert answer.returncode == 0, answer.stderr


def _write_status(status: CanaryStatus) -> dict[str, Any]:
    return _patch_status(yaml.safe_dump({"status": status.to_wire()}))


def _patch_status(patch: str) -> dict[str, Any]:
    return kubectl_json(
        "patch",
        "canaries.rollouts.dev",
        "crd-test",
        "-n",
        "default",
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
    )


def _full_status() -> CanaryStatus:
    return CanaryStatus(
        phase=Phase.PROGRESSING,
        observed_generation=1,
        step_index=2,
        step_count=5,
        desired_weight=20,
        observed_weight=20,
        failed_checks=1,
        last_applied_spec="0123456789abcdef",
        last_promoted_spec="fedcba9876543210",
        canary_replicas=3,
        started_at=NOON,
        last_transition_time=NOON,
        dwell_started_at=NOON,
        last_check_at=NOON,
        not_ready_since=NOON,
        no_data_since=NOON,
        drain_started_at=NOON,
        hold=HoldStatus(reason="OutsideWindow", message="no release window is open", since=NOON, until=NOON),
        overridden_at=NOON,
        metrics=(
            MetricResult(name="request-success-rate", verdict=Verdict.PASS, value=99.9, measured_at=NOON),
            MetricResult(name="request-duration", verdict=Verdict.NO_DATA, measured_at=NOON, message="no requests"),
        ),
        conditions=(
            Condition(type="Ready", status="True", reason="Released", last_transition_time=NOON),
            Condition(type="Stalled", status="False", reason="Moving", last_transition_time=NOON),
        ),
    )
