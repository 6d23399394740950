"""The kind AlertProvider: what its model takes, what the API server's rules take, and its definition."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from rollouts.admission.admit import admit
from rollouts.admission.definition import definitions_of
from rollouts.api.alert import ALERT_NAMES
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.alert_provider_rules import PROVIDER_EXTRAS
from rollouts.api.canary import CanarySpec
from rollouts.api.crd import canary_crd, provider_crd, provider_crd_yaml
from rollouts.errors import Rejected
from tests.api.alert_providers import BAD, GOOD, BadProvider
from tests.api.canaries import good_spec
from tests.api.test_crd import FORBIDDEN, _nodes

CRD_FILE = Path(__file__).parents[2] / "crds" / "alertprovider.yaml"
DEFINITION = definitions_of(provider_crd())[0]
ROOT = provider_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
OURS = [(path, node) for path, node in _nodes(ROOT) if path.startswith((".spec", ".status"))]


def manifest(spec: dict[str, Any]) -> dict[str, Any]:
    """An AlertProvider."""
    metadata = {"name": "chat", "namespace": "shop"}
    return {"apiVersion": "rollouts.dev/v1beta1", "kind": "AlertProvider", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("spec", GOOD, ids=[f"{place} {spec['type']}" for place, spec in enumerate(GOOD)])
def test_good_ones_are_taken_by_both(spec: dict[str, Any]) -> None:
    """By the model, and by the schema with its rules; with the defaults of the schema the model reads the same."""
    stored = admit(DEFINITION, manifest(spec)).manifest["spec"]

    assert AlertProviderSpec.model_validate(stored) == AlertProviderSpec.model_validate(spec)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_bad_ones_are_refused_by_both_in_words_that_help(bad: BadProvider) -> None:
    """The model and the schema's rules agree."""
    with pytest.raises(ValidationError) as refused:
        AlertProviderSpec.model_validate(bad.spec)
    with pytest.raises(Rejected) as rejected:
        admit(DEFINITION, manifest(bad.spec))

    assert (bad.model_says or bad.says) in str(refused.value)
    assert bad.says in str(rejected.value)


def test_an_alert_has_a_name_of_its_own() -> None:
    """In the model and in the rules of the Canary."""
    twice = {"name": "chat", "providerRef": {"name": "chat"}}
    spec = good_spec()
    spec["analysis"]["alerts"] = [twice, twice]
    canary = {
        "apiVersion": "rollouts.dev/v1beta1", "kind": "Canary", "metadata": {"name": "a", "namespace": "b"},
        "spec": spec,
    }  # fmt: skip
    with pytest.raises(ValidationError, match=ALERT_NAMES):
        CanarySpec.model_validate(spec)
    with pytest.raises(Rejected, match=ALERT_NAMES):
        admit(definitions_of(canary_crd())[0], canary)
    spec["analysis"]["alerts"] = [twice, twice | {"name": "other", "severity": "error"}]
    assert (
        admit(definitions_of(canary_crd())[0], canary).manifest["spec"]["analysis"]["alerts"][0]["severity"] == "info"
    )


def test_file_is_what_the_models_say() -> None:
    """crds/alertprovider.yaml is up to date; `make crds` writes it."""
    assert CRD_FILE.read_text() == provider_crd_yaml()
    assert yaml.safe_load(provider_crd_yaml()) == provider_crd()


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_node_is_structural_and_bounded(path: str, node: dict[str, Any]) -> None:
    """As for the Canary."""
    assert not FORBIDDEN & node.keys(), path
    if node["type"] == "string":
        assert {"maxLength", "enum"} & node.keys() or node.get("format") == "date-time"
    if node["type"] == "array":
        assert "maxItems" in node
    for name in node.get("required", ()):
        assert "default" not in node["properties"][name], f"{path}.{name}"


def test_no_rule_is_lost_and_columns_exist() -> None:
    """A renamed field drops neither its rules nor its column."""
    stated = {rule["rule"] for _, node in OURS for rule in node.get("x-kubernetes-validations", ())}
    kept = [*PROVIDER_EXTRAS.rules.values(), *PROVIDER_EXTRAS.pattern_rules.values()]
    assert {rule.rule for rules in kept for rule in rules} <= stated
    paths = {path for path, _ in OURS} | {".metadata.creationTimestamp"}
    columns = provider_crd()["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column for column in columns if re.sub(r"\[\?.*\]", "[]", column["jsonPath"]) not in paths] == []


def test_a_secret_is_in_no_repr() -> None:
    """There is none in the spec: only where it is."""
    assert "hooks.test" not in repr(AlertProviderSpec.model_validate(GOOD[0]))
