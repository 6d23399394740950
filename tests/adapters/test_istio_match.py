from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.traffic.istio_match import combined

LONGER = {"prefix": "/a/b"}
PREFIX, EXACT, REGEX = {"prefix": "/a"}, {"exact": "/a/b"}, {"regex": "/a.*"}


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        pytest.param([], ({"uri": EXACT},), [{"uri": EXACT}], id="only ours"),
        pytest.param([{"uri": EXACT}], (), [{"uri": EXACT}], id="only theirs"),
        pytest.param([{"uri": PREFIX}], ({"uri": EXACT},), [{"uri": EXACT}], id="exact within a prefix"),
        pytest.param([{"uri": EXACT}], ({"uri": PREFIX},), [{"uri": EXACT}], id="a prefix around an exact"),
        pytest.param([{"uri": PREFIX}], ({"uri": LONGER},), [{"uri": LONGER}], id="longer prefix"),
        pytest.param([{"uri": REGEX}], ({"uri": REGEX},), [{"uri": REGEX}], id="the same regex"),
        pytest.param(
            [{"headers": {"x": {}}}], ({"headers": {"x": {"regex": "a"}}},), [{"headers": {"x": {"regex": "a"}}}],
            id="any condition within presence",
        ),
        pytest.param(
            [{"headers": {"X-A": {"prefix": "a"}}}],
            ({"headers": {"x-a": {"exact": "ab"}}},),
            [{"headers": {"X-A": {"exact": "ab"}}}],
            id="a header's name in any case",
        ),
        pytest.param(
            [{"uri": PREFIX}, {"port": 8080, "withoutHeaders": {"x": {}}, "gateways": ["mesh"], "statPrefix": "s"}],
            ({"headers": {"y": {"exact": "1"}}}, {"sourceLabels": {"app": "shop"}}),
            [
                {"uri": PREFIX, "headers": {"y": {"exact": "1"}}},
                {"uri": PREFIX, "sourceLabels": {"app": "shop"}},
                {
                    "port": 8080, "withoutHeaders": {"x": {}}, "gateways": ["mesh"], "statPrefix": "s",
                    "headers": {"y": {"exact": "1"}},
                },
                {
                    "port": 8080, "withoutHeaders": {"x": {}}, "gateways": ["mesh"], "statPrefix": "s",
                    "sourceLabels": {"app": "shop"},
                },
            ],
            id="every pair, with all that theirs say",
        ),
        pytest.param(
            [{"sourceLabels": {"app": "shop"}}, {"sourceLabels": {"app": "desk"}}],
            ({"sourceLabels": {"app": "shop", "tier": "1"}},),
            [{"sourceLabels": {"app": "shop", "tier": "1"}}],
            id="pairs that can't hold are left out",
        ),
        pytest.param(
            [{"uri": {"exact": "/A"}, "ignoreUriCase": True}],
            ({"uri": {"exact": "/a"}},),
            [{"uri": {"exact": "/a"}}],
            id="the narrower path keeps its own case rule",
        ),
        pytest.param(
            [{"ignoreUriCase": True, "method": {"exact": "GET"}}],
            ({"uri": PREFIX},),
            [{"method": {"exact": "GET"}, "uri": PREFIX}],
            id="a case rule without a path is no rule for ours",
        ),
        pytest.param(
            [{"gateways": ["mesh", "in"]}], ({"gateways": ["in", "out"]},), [{"gateways": ["in"]}], id="gateways"
        ),
        pytest.param(
            [{"withoutHeaders": {"x": {"exact": "ab"}}}],
            ({"withoutHeaders": {"x": {"prefix": "a"}}},),
            [{"withoutHeaders": {"x": {"prefix": "a"}}}],
            id="of two absences the wider",
        ),
        pytest.param([{"uri": EXACT}, {"uri": PREFIX}], ({"uri": EXACT},), [{"uri": EXACT}], id="each once"),
    ],
)  # fmt: skip
def test_what_both_say_is_said_in_one_match(
    theirs: list[dict[str, Any]], ours: tuple[dict[str, Any], ...], expected: list[dict[str, Any]]
) -> None:
    """All fields of both stand, the narrower where both have a condition."""
    assert combined(theirs, ours) == tuple(expected)


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        pytest.param({"uri": REGEX}, {"uri": PREFIX}, "uri is matched twice", id="regex and prefix"),
        pytest.param({"uri": REGEX}, {"uri": {"regex": ".*b"}}, "regex /a.* and regex .*b", id="two regexes"),
        pytest.param(
            {"headers": {"x": {"exact": "a"}}}, {"headers": {"x": {"exact": "b"}}}, "no request can match: the two "
            "conditions on header x exclude", id="two exacts",
        ),
        pytest.param({"sourceLabels": {"a": "1"}}, {"sourceLabels": {"a": "2"}}, "source label a", id="labels"),
        pytest.param({"port": 1}, {"port": 2}, "conditions on port", id="ports"),
        pytest.param({"method": {"exact": "GET"}}, {"method": {"exact": "PUT"}}, "conditions on method", id="methods"),
        pytest.param({"gateways": ["a"]}, {"gateways": ["b"]}, "conditions on gateways", id="gateways"),
        pytest.param(
            {"withoutHeaders": {"x": {}}}, {"headers": {"x": {"exact": "1"}}}, "header x exclude", id="absent and there"
        ),
        pytest.param(
            {"withoutHeaders": {"x": {"exact": "1"}}}, {"withoutHeaders": {"x": {"exact": "2"}}}, "absence of header x",
            id="two absences",
        ),
        pytest.param({"fresh": 1}, {"fresh": 2}, "fresh is matched twice", id="a field not known here"),
    ],
)  # fmt: skip
def test_what_can_not_be_said_is_named(theirs: dict[str, Any], ours: dict[str, Any], words: str) -> None:
    """The condition stands in the text, and nothing is matched instead."""
    flaw = combined([theirs], (ours,))
    assert isinstance(flaw, str)
    assert words in flaw


def test_a_pair_that_never_holds_hides_what_can_not_be_said_of_it() -> None:
    """It takes no request either way."""
    theirs: list[dict[str, Any]] = [{"uri": REGEX, "port": 1}, {"method": {"exact": "GET"}}]
    assert combined(theirs, ({"uri": PREFIX, "port": 2},)) == ({"method": {"exact": "GET"}, "uri": PREFIX, "port": 2},)


_WORDS = st.sampled_from(["a", "A", "ab", "aB", "abc", "b"])
_TEXT = st.one_of(
    st.just({}),
    st.builds(lambda way, value: {way: value}, st.sampled_from(["exact", "prefix", "regex"]), _WORDS),
)
_SAID = st.builds(lambda way, value: {way: value}, st.sampled_from(["exact", "prefix", "regex"]), _WORDS)
_MATCH = st.fixed_dictionaries(
    {},
    optional={
        "uri": _SAID,
        "ignoreUriCase": st.booleans(),
        "method": _SAID,
        "headers": st.dictionaries(st.sampled_from(["x", "X", "y"]), _TEXT, min_size=1, max_size=1),
        "withoutHeaders": st.dictionaries(st.sampled_from(["x", "y"]), _TEXT, min_size=1, max_size=2),
        "queryParams": st.dictionaries(st.sampled_from(["q", "Q"]), _TEXT, min_size=1, max_size=2),
        "sourceLabels": st.dictionaries(st.sampled_from(["app", "tier"]), _WORDS, min_size=1, max_size=2),
        "gateways": st.lists(st.sampled_from(["mesh", "in"]), min_size=1, max_size=2, unique=True),
        "port": st.sampled_from([80, 81]),
    },
)
_REQUEST = st.fixed_dictionaries(
    {
        "uri": _WORDS,
        "method": _WORDS,
        "headers": st.dictionaries(st.sampled_from(["x", "y"]), _WORDS),
        "queryParams": st.dictionaries(st.sampled_from(["q", "Q"]), _WORDS),
        "sourceLabels": st.dictionaries(st.sampled_from(["app", "tier"]), _WORDS),
        "gateway": st.sampled_from(["mesh", "in"]),
        "port": st.sampled_from([80, 81]),
    }
)


def _takes(condition: dict[str, str], value: str | None, *, any_case: bool = False) -> bool:
    if value is None:
        return False
    if not condition:
        return True
    ((way, wanted),) = condition.items()
    if way == "regex":
        return re.fullmatch(wanted, value) is not None
    if any_case:
        wanted, value = wanted.lower(), value.lower()
    return value == wanted if way == "exact" else value.startswith(wanted)


def _matches(match: dict[str, Any], request: dict[str, Any]) -> bool:
    """As Istio has Envoy compare a request with one match."""
    headers = request["headers"]
    return all(
        [
            "uri" not in match or _takes(match["uri"], request["uri"], any_case=match.get("ignoreUriCase", False)),
            "method" not in match or _takes(match["method"], request["method"]),
            all(_takes(text, headers.get(name.lower())) for name, text in match.get("headers", {}).items()),
            not any(_takes(text, headers.get(name.lower())) for name, text in match.get("withoutHeaders", {}).items()),
            all(_takes(text, request["queryParams"].get(name)) for name, text in match.get("queryParams", {}).items()),
            match.get("sourceLabels", {}).items() <= request["sourceLabels"].items(),
            "gateways" not in match or request["gateway"] in match["gateways"],
            match.get("port", request["port"]) == request["port"],
        ]
    )


@given(st.lists(_MATCH, max_size=2), st.lists(_MATCH, max_size=2), st.lists(_REQUEST, min_size=1, max_size=5))
def test_a_request_matches_the_combination_if_it_matches_both_sides(
    theirs: list[dict[str, Any]], ours: list[dict[str, Any]], requests: list[dict[str, Any]]
) -> None:
    """And where the flaw is that no request can, none does."""
    said = combined(theirs, tuple(ours))
    if isinstance(said, str) and not said.startswith("no request"):
        return
    for request in requests:
        both = all(any(_matches(one, request) for one in side) for side in (theirs, ours) if side)
        taken = isinstance(said, tuple) and (not said or any(_matches(one, request) for one in said))
        assert taken == both
