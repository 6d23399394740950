from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from rollouts.api.crd import canary_crd, canary_crd_yaml, template_crd, template_crd_yaml
from rollouts.api.rules import EXTRAS
from rollouts.api.schema import Extras, structural
from rollouts.api.template_rules import TEMPLATE_EXTRAS

CRDS = Path(__file__).parents[2] / "crds"
FILES = {"canary": canary_crd_yaml, "analysistemplate": template_crd_yaml}
DEFINITIONS = {"canary": canary_crd(), "analysistemplate": template_crd()}
FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title", "nullable", "propertyNames"}


def _root(definition: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from _nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _nodes(schema["additionalProperties"], f"{path}{{}}")


def _ours(name: str) -> list[tuple[str, dict[str, Any]]]:
    return [(path, node) for path, node in _nodes(_root(DEFINITIONS[name])) if path.startswith((".spec", ".status"))]


OURS = [(f"{name}{path}", node) for name in DEFINITIONS for path, node in _ours(name)]


@pytest.mark.parametrize("name", FILES)
def test_file_is_what_the_models_say(name: str) -> None:
    """The files in crds/ are up to date; `make crds` writes them."""
    assert (CRDS / f"{name}.yaml").read_text() == FILES[name]()


@pytest.mark.parametrize("name", FILES)
def test_yaml_is_the_object(name: str) -> None:
    """The printed YAML means the same as the object."""
    assert yaml.safe_load(FILES[name]()) == DEFINITIONS[name]


@pytest.mark.parametrize("name", FILES)
def test_size_leaves_room(name: str) -> None:
    """The definition stays under 200 KiB."""
    assert len(FILES[name]().encode()) < 200 * 1024


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_no_default_holds_null(path: str, node: dict[str, Any]) -> None:
    """The server takes none for a field that is not nullable: what is absent is left out."""
    assert "null" not in yaml.safe_dump(node.get("default", {})), path


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_node_is_structural_and_bounded(path: str, node: dict[str, Any]) -> None:
    """Each field has a type, none of JSON Schema's words that a CRD refuses, and an upper bound of its size."""
    assert not FORBIDDEN & node.keys(), path
    assert ("type" in node) != ("x-kubernetes-int-or-string" in node)
    assert "null" not in json.dumps(node.get("default", "set"))
    if node.get("type") == "string":
        assert {"maxLength", "enum"} & node.keys() or node.get("format") == "date-time"
    if node.get("type") == "array":
        assert "maxItems" in node
    if "additionalProperties" in node:
        assert "maxProperties" in node
        assert "properties" not in node


@pytest.mark.parametrize(("path", "node"), OURS, ids=[path for path, _ in OURS])
def test_optional_fields_are_those_with_a_default_or_absence(path: str, node: dict[str, Any]) -> None:
    """A required field never has a default: one of the two would be a lie."""
    for name in node.get("required", ()):
        assert "default" not in node["properties"][name], f"{path}.{name}"


def test_status_has_no_defaults() -> None:
    """The status says only what the controller wrote."""
    assert not [path for path, node in OURS if ".status" in path and ".spec" not in path and "default" in node]


def test_conditions_are_told_apart_by_type() -> None:
    """Two writers of different conditions don't overwrite each other."""
    for name in DEFINITIONS:
        conditions = dict(OURS)[f"{name}.status.conditions"]
        assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


def test_no_rule_is_lost() -> None:
    """Every CEL rule of ours stands in the schema: a renamed model or field does not drop its rules."""
    stated = {rule["rule"] for _, node in OURS for rule in node.get("x-kubernetes-validations", ())}
    wanted = {
        rule.rule
        for extras in (EXTRAS, TEMPLATE_EXTRAS)
        for rules in (*extras.rules.values(), *extras.pattern_rules.values())
        for rule in rules
    }

    assert wanted <= stated


@pytest.mark.parametrize("name", FILES)
def test_columns_show_fields_that_exist(name: str) -> None:
    """Each printer column's path leads to a field of the schema."""
    paths = {path for path, _ in _ours(name)} | {".metadata.creationTimestamp"}
    columns = DEFINITIONS[name]["spec"]["versions"][0]["additionalPrinterColumns"]

    assert [column for column in columns if re.sub(r"\[\?.*\]", "[]", column["jsonPath"]) not in paths] == []


def test_union_without_a_structural_form_is_refused() -> None:
    """A model that no structural schema can describe fails when generating, not at the API server."""

    class Odd(BaseModel):
        value: int | list[int]

    with pytest.raises(TypeError, match=r"Odd\.value"):
        structural(Odd, Extras(), defaults=True)
