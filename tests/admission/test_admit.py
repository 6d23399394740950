from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from pydantic import ValidationError

from rollouts.admission.admit import STATUS, FieldValidation, admit
from rollouts.admission.canaries import admitted_canary, canary_definition, check_canary
from rollouts.api.canary import CanarySpec
from rollouts.errors import Rejected, Retry, SpecInvalid
from tests.admission.rows import ROWS, Row, changed
from tests.api.canaries import good_spec, manifest
from tests.core.chance import specs

CANARY = canary_definition()
THRESHOLD = "spec.analysis.threshold"
EXAMPLES = [
    document
    for file in sorted((Path(__file__).parents[2] / "examples").rglob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
    if document and document["kind"] == "Canary"
]


@given(spec=specs())
def test_any_valid_canary_is_admitted_as_the_model_reads_it(spec: CanarySpec) -> None:
    """Nothing changes but for defaults, which metrics are not given, and a second time nothing at all."""
    sent = manifest(spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    whole = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    if "metrics" in sent["spec"].get("analysis", {}):
        whole["analysis"]["metrics"] = sent["spec"]["analysis"]["metrics"]

    first = admit(CANARY, sent).manifest

    assert first == sent | {"spec": whole}
    assert admit(CANARY, first).manifest == first
    assert admit(CANARY, first, first).manifest == first
    assert check_canary(sent) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_bad_canary_is_refused(row: Row) -> None:
    """With an error that a change of the object can mend; and what was sent stays as it was."""
    sent = row.manifest()
    before = copy.deepcopy(sent)

    with pytest.raises(Rejected) as caught:
        admit(CANARY, sent)

    assert caught.value.retry is Retry.ON_CHANGE
    assert caught.value.status == (422 if caught.value.causes else 400)
    assert sent == before
    assert check_canary(sent)


def test_all_that_is_wrong_is_told_at_once() -> None:
    """In the words that `kubectl apply` prints, and as the causes that it makes them of."""
    bad = manifest(changed(analysis__threshold=0, analysis__interval="x"))
    threshold = f"{THRESHOLD}: Invalid value: 0: {THRESHOLD} in body should be greater than or equal to 1"
    interval = 'spec.analysis.interval: Invalid value: "x": write a duration such as 10s or 1m30s'

    with pytest.raises(Rejected) as caught:
        admit(CANARY, bad)

    assert str(caught.value) == f'Canary.rollouts.dev "app" is invalid: [{threshold}, {interval}]'
    assert [cause["field"] for cause in caught.value.causes] == [THRESHOLD, "spec.analysis.interval"]
    assert check_canary(bad) == [threshold, interval]
    with pytest.raises(SpecInvalid) as told:
        admitted_canary(bad)
    assert str(told.value) == f'The Canary "app" is invalid: \n* {threshold}\n* {interval}'


def test_one_fault_takes_one_line() -> None:
    """As kubectl prints it."""
    with pytest.raises(SpecInvalid, match=r'^The Canary "app" is invalid: spec\.analysis\.stepWeight: Invalid'):
        admitted_canary(manifest(changed(analysis__stepWeight=0)))


def test_unknown_fields() -> None:
    """Strict refuses them, Warn drops them and says so, Ignore drops them."""
    bad = manifest(changed(analysis__stepWieght=5))
    says = 'unknown field "spec.analysis.stepWieght"'

    with pytest.raises(Rejected, match=f"cannot be handled as a Canary: strict decoding error: {says}$") as caught:
        admit(CANARY, bad)
    warned = admit(CANARY, bad, field_validation=FieldValidation.WARN)
    ignored = admit(CANARY, bad, field_validation=FieldValidation.IGNORE)

    assert caught.value.status == 400
    assert warned.warnings == (says,)
    assert ignored.warnings == ()
    assert warned.manifest == ignored.manifest == admit(CANARY, manifest(good_spec())).manifest


def test_each_part_is_written_on_its_own() -> None:
    """A status in a new object is dropped, one in a changed object ignored, and a write of it changes nothing else."""
    stored = admit(CANARY, manifest(good_spec()) | {"status": {"phase": "Failed"}}).manifest
    running = admit(
        CANARY, stored | {"status": {"phase": "Progressing"}, "spec": {}}, stored, subresource=STATUS
    ).manifest
    edited = admit(CANARY, running | {"spec": changed(suspend=True), "status": {}}, running).manifest

    assert "status" not in stored
    assert running == stored | {"status": {"phase": "Progressing"}}
    assert edited["spec"]["suspend"] is True
    assert edited["status"] == running["status"]


def test_what_is_fixed_once_a_release_began() -> None:
    """A rule about change, which asks the old object."""
    stored = admit(CANARY, manifest(good_spec())).manifest
    running = stored | {"status": {"phase": "Progressing"}}
    other = manifest(changed(targetRef__name="other", service__name="app"))

    assert admit(CANARY, other, stored).manifest["spec"]["targetRef"]["name"] == "other"
    with pytest.raises(Rejected, match=r"<nil>: Invalid value: targetRef\.name can't be changed any more"):
        admit(CANARY, other, running)


def test_names_of_both_sorts() -> None:
    """A name may be generated by whoever stores it; its beginning is checked."""
    named = manifest(good_spec())
    generated = named | {"metadata": {"generateName": "app-"}}

    assert admit(CANARY, generated).manifest["metadata"] == {"generateName": "app-"}
    with pytest.raises(Rejected, match=r"metadata\.generateName: Invalid value"):
        admit(CANARY, named | {"metadata": {"generateName": "a_"}})
    with pytest.raises(Rejected, match=r'metadata\.uid: Invalid value: "b": field is immutable'):
        admit(CANARY, named | {"metadata": {"uid": "b"}}, named | {"metadata": {"uid": "a"}})


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        (None, "not nothing"),
        ([], "not a list"),
        ("x", "not a text"),
        ({}, "apiVersion not set, kind not set: a Canary has apiVersion rollouts.dev/v1beta1 and kind Canary"),
        (
            {"apiVersion": "flagger.app/v1beta1", "kind": "Canary"},
            'no matches for kind "Canary" in version "flagger.app',
        ),
        (
            manifest(good_spec()) | {"kind": "Rollout"},
            'no matches for kind "Rollout" in version "rollouts',
        ),
        (manifest(good_spec()) | {"metadata": []}, "metadata.name: Required value"),
        (manifest(good_spec()) | {"metadata": "x"}, "json: cannot unmarshal string"),
    ],
    ids=str,
)
def test_what_is_no_canary_is_named(given_: Any, says: str) -> None:
    """One line that says what is expected."""
    told = check_canary(given_)

    assert says in told[0]
    with pytest.raises(SpecInvalid):
        admitted_canary(given_)


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{number}-{one['metadata']['name']}" for number, one in enumerate(EXAMPLES)]
)
def test_an_example_is_admitted_where_the_model_reads_it(example: dict[str, Any]) -> None:
    """And then the spec that comes out is the model's."""
    try:
        read = CanarySpec.model_validate(example["spec"])
    except ValidationError:
        assert check_canary(example)
    else:
        assert admitted_canary(example) == read


def test_yaml_is_read_as_kubectl_reads_it() -> None:
    """A date is a text, and so is each key."""
    text = "{apiVersion: rollouts.dev/v1beta1, kind: Canary, metadata: {name: app, labels: {2026: 2026-01-02}}}"
    sent = yaml.safe_load(text) | {"spec": good_spec()}

    assert admit(CANARY, sent).manifest["metadata"]["labels"] == {"2026": "2026-01-02"}
