from __future__ import annotations

import time
from typing import Any

import pytest

from rollouts.admission.correlation import ABSENT
from rollouts.admission.expressions import Failed, compiled
from rollouts.admission.rules import check_rules
from rollouts.errors import SpecInvalid

DIGITS = "[0,1,2,3,4,5,6,7,8,9]"
BOMB_S = 2.0


def said(value: Any, schema: Any, old: Any = ABSENT, **rule: Any) -> list[str]:
    """What the rules of `schema`, and one more, say of a field `f`."""
    rules = [{"message": "no", **rule}] if rule else []
    return [str(one) for one in check_rules(value, schema | {"x-kubernetes-validations": rules}, old, "f")]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.isSorted()", ["a", "b"]),
        ("self.indexOf('b') == 1 && self.lastIndexOf('a') == 2 && self.indexOf('z') == -1", ["a", "b", "a"]),
        ("self.indexOf(2) == 1 && self.sum() == 6 && self.min() == 1 && self.max() == 3", [1, 2, 3]),
        ("self.all(x, self.indexOf(x) == self.lastIndexOf(x))", [{"a": 1}, {"a": 2}]),
        ("self.lowerAscii() == 'aé' && self.upperAscii() == 'Aé'", "Aé"),
        ("self.indexOf('b') == 1 && self.lastIndexOf('a') == 2 && self.size() == 3", "aba"),
        ("self.substring(1) == 'bc' && self.substring(0, 1) == 'a' && self.charAt(2) == 'c'", "abc"),
        ("self.trim().split(',').join('-') == 'a-b' && self.replace('a', 'c').reverse() == ' b,c '", " a,b "),
        ("duration(self) >= duration('90s')", "1m30s"),
        ("self == 1 && self < 1.5", 1),
        ("timestamp(self) > timestamp('2026-01-01T00:00:00Z')", "2026-06-01T00:00:00Z"),
    ],
)
def test_the_functions_of_kubernetes_are_there(rule: str, value: Any) -> None:
    """With lists and with texts."""
    assert said(value, {}, rule=rule) == []


def test_numbers_are_of_the_schemas_type() -> None:
    """An integer in JSON is a number where the schema says so, and arithmetic knows it."""
    schema = {"type": "object", "properties": {"n": {"type": "number"}, "i": {"type": "integer"}}}

    assert said({"n": 1, "i": 2.0}, schema, rule="self.n + 0.5 == 1.5 && self.i + 1 == 3") == []


def test_names_that_cel_cannot_spell() -> None:
    """As Kubernetes spells them, and only where the schema names them."""
    schema: dict[str, Any] = {"properties": {"in": {}, "a-b": {}}, "additionalProperties": {}}

    assert (
        said({"in": 1, "a-b": 2, "c-d": 3}, schema, rule="self.__in__ == 1 && self.a__dash__b == 2 && 'c-d' in self")
        == []
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "f: Invalid value: 1: no"),
        ({"message": ""}, "f: Invalid value: 1: failed rule: self > 5"),
        ({"messageExpression": "'not ' + string(self)"}, "f: Invalid value: 1: not 1"),
        ({"messageExpression": "self.nope"}, "f: Invalid value: 1: no"),
        ({"fieldPath": ".g", "reason": "FieldValueForbidden"}, "f.g: Forbidden: no"),
        ({"reason": "FieldValueRequired"}, "f: Required value: no"),
        ({"reason": "FieldValueDuplicate"}, "f: Duplicate value: 1"),
    ],
    ids=str,
)
def test_what_is_said_of_a_broken_rule(more: dict[str, str], words: str) -> None:
    """Message, reason and place are the rule's."""
    assert said(1, {}, rule="self > 5", **more) == [words]


def test_rules_about_change() -> None:
    """They need an old value, unless the rule takes it as optional; others are not asked of what has not changed."""
    assert said(1, {}, rule="self >= oldSelf") == []
    assert said(1, {}, 2, rule="self >= oldSelf") == ["f: Invalid value: 1: no"]
    assert said(1, {}, rule="oldSelf.hasValue()", optionalOldSelf=True) == ["f: Invalid value: 1: no"]
    assert said(1, {}, 3, rule="self >= oldSelf.orValue(0)", optionalOldSelf=True) == ["f: Invalid value: 1: no"]
    assert said(1, {}, rule="self >= oldSelf.orValue(0)", optionalOldSelf=True) == []
    assert said(1, {}, 1, rule="self > 5") == []
    assert said("oldSelf", {}, rule="self == 'oldSelf x'") == ['f: Invalid value: "oldSelf": no']


def test_a_rule_that_has_no_value_is_a_complaint() -> None:
    """Whether it can't be read or can't be answered."""
    assert said({}, {"type": "object"}, rule="self.x") == [
        'f: Invalid value: "object": no such key: x evaluating rule: no'
    ]
    assert "rule compile error" in said(1, {}, rule="self ==")[0]
    assert "undeclared reference to 'nope'" in said(1, {}, rule="nope(self)")[0]


def _nested(depth: int, macro: str) -> str:
    inner = "false"
    for level in range(depth):
        inner = f"{DIGITS}.{macro}(a{level}, {inner})"
    return inner


@pytest.mark.parametrize(
    "text",
    [
        _nested(7, "exists"),
        _nested(7, "map"),
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 400 + "]" * 400,
        "'" + "a" * 3000 + "b'.matches('^(a+)+$')",
        "x.all(a, x.all(b, x.all(c, a + b + c > 0)))",
    ],
    ids=["loops", "growth", "depth", "lists", "backtracking", "loops over data"],
)
def test_an_expression_cannot_keep_the_program_busy(text: str) -> None:
    """It ends at once, one way or the other."""
    began_s = time.monotonic()
    try:
        told = compiled(text, ("x",)).evaluate({"x": list(range(1, 1000))})
    except SpecInvalid as refused:
        told = refused

    assert isinstance(told, SpecInvalid | Failed) or told is False
    assert time.monotonic() - began_s < BOMB_S


def test_an_expression_has_a_length() -> None:
    """One that is longer is not even read."""
    with pytest.raises(SpecInvalid, match="at most 10000 characters"):
        compiled("1+" * 6000 + "1", ())


@pytest.mark.parametrize("text", ["1/0 == 1", "x.zz", "9223372036854775807 + 1", "x.matches('(')", "duration('x')"])
def test_what_has_no_value_is_told_and_not_raised(text: str) -> None:
    """A message for a person, without the library's codes."""
    told = compiled(text, ("x",)).evaluate({"x": {}})

    assert isinstance(told, Failed)
    assert told.message
    assert "INVALID_ARGUMENT" not in told.message
