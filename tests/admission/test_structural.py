from __future__ import annotations

from typing import Any

import pytest

from rollouts.admission.complaint import number, quoted
from rollouts.admission.correlation import ABSENT
from rollouts.admission.defaults import defaulted
from rollouts.admission.lists import check_lists
from rollouts.admission.place import Place
from rollouts.admission.pruning import pruned
from rollouts.admission.structural import check

INTEGER = {"type": "integer"}
NAMED = {"type": "object", "properties": {"a": INTEGER}, "required": ["a"]}
OTHER = {"type": "object", "properties": {"b": INTEGER}, "required": ["b"]}
PLACE = Place("f", "f")


def said(value: Any, schema: Any, old: Any = ABSENT) -> list[str]:
    """What is said of a field `f`."""
    return [str(one) for one in check(value, schema, PLACE, old).found]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (1, INTEGER),
        (1.0, INTEGER),
        (1, {"type": "number"}),
        ("x", {"x-kubernetes-int-or-string": True}),
        (None, {"type": "string", "nullable": True}),
        (3, {"type": "integer", "minimum": 3, "maximum": 3}),
        ("é" * 3, {"type": "string", "maxLength": 3, "minLength": 3}),
        ("a\n", {"type": "string", "pattern": "a"}),
        ([1, 2], {"type": "array", "items": INTEGER, "uniqueItems": True}),
        ({"a": 1}, {"anyOf": [NAMED, OTHER]}),
        ({"a": 1}, {"oneOf": [NAMED, OTHER]}),
        ({"x": {"y": 1}}, {"type": "object", "additionalProperties": {"additionalProperties": INTEGER}}),
        ("2026-01-02T03:04:05.6Z", {"type": "string", "format": "date-time"}),
        ("10s", {"type": "string", "format": "duration"}),
        ("whatever", {"type": "string", "format": "of-ours"}),
        (6, {"type": "integer", "multipleOf": 3}),
        ({}, {"type": "object", "properties": {"a": {"default": 1}}, "required": ["a"]}),
    ],
    ids=str,
)
def test_what_fits_is_let_through(value: Any, schema: Any) -> None:
    """Nothing is said of it."""
    assert said(value, schema) == []


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        (5, {"exclusiveMaximum": True, "maximum": 5}, ["Invalid value: 5: f in body should be less than 5"]),
        (5.5, {"exclusiveMinimum": True, "minimum": 5.5}, ["Invalid value: 5.5: f in body should be greater than 5.5"]),
        (7, {"multipleOf": 3}, ["Invalid value: 7: f in body should be a multiple of 3"]),
        ([1, 1], {"uniqueItems": True}, ['Invalid value: "": f in body shouldn\'t contain duplicates']),
        ({}, {"minProperties": 1}, ['Invalid value: "": f in body should have at least 1 properties']),
        (3, {"enum": [1, 2]}, ['Unsupported value: 3: supported values: "1", "2"']),
        (2**31, {"type": "integer", "format": "int32"}, ["Checked value must be of type integer (int32 format) in f"]),
        ("a\n", {"type": "string", "pattern": "^a$"}, ["f in body should match '^a$'"]),
        ("2026-13-02T03:04:05Z", {"type": "string", "format": "date-time"}, ["must be of type date-time"]),
        ("soon", {"type": "string", "format": "duration"}, ["must be of type duration"]),
        ("300.1.1.1", {"type": "string", "format": "ipv4"}, ["must be of type ipv4"]),
        ("!", {"type": "string", "format": "byte"}, ["must be of type byte"]),
        ({"a": 1}, {"not": NAMED}, ['<nil>: Invalid value: "": "f" must not validate the schema (not)']),
        ({}, {"anyOf": [NAMED, OTHER]}, ['"f" must validate at least one schema (anyOf)', "f.a: Required value"]),
        ({}, {"oneOf": [NAMED, OTHER]}, ["one and only one schema (oneOf). Found none valid", "f.a: Required value"]),
        ({"a": 1, "b": 1}, {"oneOf": [NAMED, OTHER]}, ["(oneOf). Found 2 valid alternatives"]),
        ({"b": "x"}, {"allOf": [NAMED, OTHER]}, ["f.a: Required value", "f.b: Invalid value"]),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(value: Any, schema: Any, words: list[str]) -> None:
    """Each complaint, in its order."""
    told = said(value, schema)

    assert len(told) == len(words)
    assert all(word in one for word, one in zip(words, told, strict=True)), told


def test_what_an_update_leaves_alone_is_not_looked_at() -> None:
    """An old fault does not stand in the way of another change; a new one is told."""
    schema = {"type": "object", "properties": {"a": INTEGER, "b": INTEGER}}

    assert said({"a": "x", "b": 1}, schema, {"a": "x", "b": 2}) == []
    assert len(said({"a": "y", "b": 1}, schema, {"a": "x", "b": 1})) == 1


def test_items_of_a_map_go_on_under_their_keys() -> None:
    """Another order is no change."""
    item = {"type": "object", "properties": {"k": {"type": "string"}, "v": INTEGER}}
    schema = {"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}

    assert said([{"k": "b", "v": 1}, {"k": "a", "v": "x"}], schema, [{"k": "a", "v": "x"}]) == []
    assert next(check_lists([{"k": "a"}, {"k": "a"}], schema, "f")).message == 'Duplicate value: {"k":"a"}'
    assert [one.field for one in check_lists([1, 2, 1], {"x-kubernetes-list-type": "set"}, "f")] == ["f[2]"]


def test_defaults_go_in_at_every_depth() -> None:
    """Of objects in lists and maps too; a null that must not be is as if it were left out."""
    inner = {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}}
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": inner},
            "map": {"type": "object", "additionalProperties": inner},
            "made": {**inner, "default": {}},
            "none": {"type": "string", "nullable": True, "default": "x"},
            "gone": {"type": "string"},
        },
    }
    given: dict[str, Any] = {"list": [{}], "map": {"k": {"a": None}}, "none": None, "gone": None}

    assert defaulted(given, schema) == {"list": [{"a": 1}], "map": {"k": {"a": 1}}, "none": None, "made": {"a": 1}}
    assert given["list"] == [{}]


def test_what_the_schema_does_not_know_is_dropped_and_named() -> None:
    """But for what it says it keeps."""
    schema = {
        "properties": {
            "spec": {"properties": {"a": {}, "open": {"x-kubernetes-preserve-unknown-fields": True}}},
            "list": {"items": {"properties": {"b": {}}}},
        }
    }
    given = {
        "kind": "X",
        "metadata": {"name": "x", "nmae": 1},
        "spec": {"a": 1, "open": {"c": 1}, "d": 1},
        "list": [{"b": 1, "e": 1}],
    }

    kept, unknown = pruned(given, schema)

    assert unknown == ["list[0].e", "metadata.nmae", "spec.d"]
    assert kept == {
        "kind": "X",
        "metadata": {"name": "x"},
        "spec": {"a": 1, "open": {"c": 1}},
        "list": [{"b": 1}],
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.5, "0.5"),
        (1e6, "1e+06"),
        (12345.0, "12345"),
        (1e-5, "1e-05"),
        (-2e30, "-2e+30"),
        (0.0, "0"),
    ],
)
def test_numbers_are_written_as_go_does(value: float, text: str) -> None:
    """As `%v` has it."""
    assert number(value) == text


def test_texts_are_quoted_as_go_does() -> None:
    """As `%q` has it."""
    assert quoted('a"\\\n\x00\x7fé\u200b') == r'"a\"\\\n\x00\x7fé\u200b"'
