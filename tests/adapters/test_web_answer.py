from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.metrics.json_path import LOOKS_MAX, PATH_MAX, PathInvalidError, check_path
from rollouts.metrics.web_answer import read_web_answer

INFINITE = Rejected("the answer is infinite, which no limit can judge: it divides by zero, or is too large")
SEVERAL = Rejected("the JSONPath selects several values instead of one: select fewer, or let the server sum")
OBJECT = Rejected("the JSONPath selects an object or a list of them, no number")
TEXT = Rejected("the JSONPath selects a text that is no number")


@pytest.mark.parametrize(
    ("body", "path", "expected"),
    [
        ("3", "$", Value(3.0)), ("-0.5e1", "$", Value(-5.0)), ('"3"', "$", Value(3.0)), ("true", "$", Value(1.0)),
        ("false", "$", Value(0.0)), ('" 1e3 "', "$", Value(1000.0)), ('"-.5"', "$", Value(-0.5)),
        ("[7]", "$", Value(7.0)), ('["7"]', "$", Value(7.0)), ("[7, 8]", "$[1]", Value(8.0)),
        ('{"a": {"b c": 4}}', "$.a['b c']", Value(4.0)), ('{"a": [{"n": "x", "v": 9}]}', "$.a[?@.n=='x'].v", Value(9)),
        ("null", "$", NoData()), ("[]", "$", NoData()), ("[null]", "$", NoData()), ("{}", "$.a", NoData()),
        ('{"a": []}', "$.a[*]", NoData()), ("NaN", "$", NoData()),
        ('"NaN"', "$", NoData()), ('"text"', "$.a", NoData()),
        ("Infinity", "$", INFINITE), ('"-Inf"', "$", INFINITE), ("1e999", "$", INFINITE), ("9" * 400, "$", INFINITE),
        ("[1, 2]", "$", Rejected("the JSONPath selects a list of 2 values instead of one")),
        ("[1, 2]", "$[*]", SEVERAL), ("[[1], [2]]", "$..[0]", SEVERAL),
        ('{"a": 1}', "$", OBJECT), ("[[1]]", "$", OBJECT),
        ('[{"a": 1}]', "$", OBJECT), ('"99 %"', "$", TEXT), ('"1_000"', "$", TEXT), ('"0x10"', "$", TEXT),
        ('""', "$", TEXT),
        ('"\\u0663"', "$", TEXT), ('"{\\"a\\": 1}"', "$.a", NoData()),
    ],
)  # fmt: skip
def test_one_number_is_a_value_and_nothing_else_is(body: str, path: str, expected: Outcome) -> None:
    """Numbers, texts that are numbers, booleans, and a list of one of these."""
    assert read_web_answer(200, body.encode(), path) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"<html>", b"1 2", b"[" * 100_000, b"9" * 5000, b"{'a': 1}"])
def test_what_is_no_json_may_mend(body: bytes) -> None:
    """A proxy's page or half an answer says nothing of the question."""
    assert read_web_answer(200, body, "$") == Unreachable("HTTP 200, but the answer is no JSON, or only a part of one")


@given(st.integers(100, 599), st.binary(max_size=500), st.text(max_size=50))
def test_every_answer_has_a_meaning(status: int, body: bytes, path: str) -> None:
    """Whatever the server and the path are; reasons fit into a status."""
    outcome = read_web_answer(status, body, path)
    assert isinstance(outcome, Value | NoData | Rejected | Unreachable)
    if isinstance(outcome, Rejected | Unreachable):
        assert 0 < len(outcome.reason) <= 256
        assert outcome.reason.isprintable()


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=20,
)
_paths = st.lists(
    st.sampled_from([".a", "..b", "[*]", "[0]", "[-1]", "[0:2]", "[?@.a]", "[?@ > 1]", "['c']", "[?count(@..*) > 2]"]),
    max_size=6,
).map(lambda steps: "$" + "".join(steps))


@given(_json, _paths)
def test_a_value_is_always_finite(document: Any, path: str) -> None:
    """Whatever JSON it comes from, by whatever path."""
    outcome = read_web_answer(200, json.dumps(document).encode(), path)
    assert not isinstance(outcome, Value) or math.isfinite(outcome.number)


def _nested(depth: int) -> Any:
    document: Any = 1
    for _ in range(depth):
        document = [document]
    return document


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("$" + "[*,*]" * 60 + ".n", _nested(60)),
        ("$..x", [[1] * 10] * 2000),
        ("$[?" + " || ".join(["@==$"] * 60) + "]", [{"a": 1}] * 5000),
        ("$[?" + " || ".join(["$[?$[?$[?$.a]]]"] * 20) + "]", [{"b": 1}] * 200),
        ("$..[?count($..*) < -1]", [[1] * 20] * 200),
        ("$..x", _nested(90)),
        ("$..x", {"k" * 5000: [1] * 5000}),
        ("$[?" + "(" * 200 + "@" + ")" * 200 + "]", [1]),
        ("$[?" + "!(" * 100 + "@" + ")" * 100 + "]", [1] * 1000),
    ],
    ids=["doubling", "wide", "equal", "nested filters", "counting", "deep", "long key", "parentheses", "negations"],
)  # fmt: skip
def test_no_path_costs_more_than_a_moment(path: str, document: Any) -> None:
    """A path of a few hundred characters can look at a small document for years."""
    started = time.process_time()
    outcome = read_web_answer(200, json.dumps(document).encode(), path)
    assert time.process_time() - started < 2
    assert outcome in {NoData(), Value(1.0)} or isinstance(outcome, Rejected)


def test_a_path_that_looks_too_often_is_told_so() -> None:
    """With what would mend it."""
    body = json.dumps([1] * (LOOKS_MAX + 1)).encode()
    expected = f"the expression looks at more than {LOOKS_MAX} places of the answer: let it name fewer"
    assert read_web_answer(200, body, "$..x") == Rejected(expected)


@pytest.mark.parametrize(
    "path",
    ["", "a", "$.", "$[", " $", "$ ", "$.a | $.b", "$.a & $.b", "^", "$[?match(@.a, 'a*')]", "$[?search(@.a, 'a*')]",
     "$[?nope(@)]", "$" + ".a" * PATH_MAX, "$\n.", "$[~]"],
)  # fmt: skip
def test_what_is_no_jsonpath_of_the_standard_is_refused_before_it_is_used(path: str) -> None:
    """The library's own additions too, and regular expressions, which can take for ever."""
    with pytest.raises(PathInvalidError):
        check_path(path)
