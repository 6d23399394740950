from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rollouts.api.resources import CANARIES, DEPLOYMENTS, SERVICES, Manifest
from rollouts.embedded.field_types import TYPES
from rollouts.embedded.openapi import Documented, documents, index
from rollouts.embedded.schemas import schema_of


def canary_schema() -> Manifest:
    """The one that users install."""
    definition = yaml.safe_load(Path("crds/canary.yaml").read_text())
    schema: Manifest = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


KINDS = [
    Documented(CANARIES, schema=canary_schema(), subresources=("status",)),
    Documented(DEPLOYMENTS),
    Documented(SERVICES),
]


@pytest.mark.parametrize("name", TYPES)
def test_every_type_can_be_read(name: str) -> None:
    """The table names no type that it does not have."""
    schema = schema_of(name)
    assert schema is not None
    assert schema["properties"]


def test_a_document_for_each_group_and_version() -> None:
    """The index says where, and changes when a document does."""
    made = documents(KINDS)
    assert sorted(made) == ["api/v1", "apis/apps/v1", "apis/rollouts.dev/v1beta1"]
    before, after = index(made), index({**made, "api/v1": {"openapi": "3.0.0"}})
    assert before["paths"]["apis/apps/v1"] == after["paths"]["apis/apps/v1"]
    assert before["paths"]["api/v1"] != after["paths"]["api/v1"]


def test_the_definition_of_a_custom_kind_in_full() -> None:
    """With the metadata that its own schema leaves to the server."""
    schemas = documents(KINDS)["apis/rollouts.dev/v1beta1"]["components"]["schemas"]
    shown = schemas["dev.rollouts.v1beta1.Canary"]
    assert shown["properties"]["spec"] == canary_schema()["properties"]["spec"]
    assert shown["properties"]["metadata"]["properties"]["labels"]["additionalProperties"] == {"type": "string"}
    assert shown["x-kubernetes-group-version-kind"] == [
        {"group": "rollouts.dev", "version": "v1beta1", "kind": "Canary"}
    ]


def test_the_operations_say_which_parameters_they_know() -> None:
    """A client asks before it sends a dry run, or leaves the validation to the server."""
    paths = documents(KINDS)["apis/rollouts.dev/v1beta1"]["paths"]
    one = "/apis/rollouts.dev/v1beta1/namespaces/{namespace}/canaries/{name}"
    assert {one, f"{one}/status"} < set(paths)
    names = {parameter["name"] for parameter in paths[one]["patch"]["parameters"]}
    assert names == {"dryRun", "fieldManager", "fieldValidation"}
