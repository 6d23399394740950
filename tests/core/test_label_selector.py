"""Which pods a label selector means: as Kubernetes evaluates it. tests/kube asks a real server the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.label_selector import in_query, selects
from rollouts.embedded.selecting import by_labels

POD = {"app": "web", "tier": "front", "empty": ""}


def term(key: str, operator: str, *values: str) -> dict[str, Any]:
    """One of matchExpressions."""
    return {"key": key, "operator": operator} | ({"values": list(values)} if values else {})


def expressed(*terms: dict[str, Any]) -> dict[str, Any]:
    """A selector of expressions alone."""
    return {"matchExpressions": list(terms)}


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "front"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchLabels": {"absent": ""}}, False),
        ({"matchLabels": {"empty": ""}}, True),
        (expressed(term("app", "In", "web", "api")), True),
        (expressed(term("app", "In", "api")), False),
        (expressed(term("absent", "In", "api")), False),
        (expressed(term("app", "NotIn", "web")), False),
        (expressed(term("app", "NotIn", "api")), True),
        (expressed(term("absent", "NotIn", "api")), True),
        (expressed(term("empty", "Exists")), True),
        (expressed(term("absent", "Exists")), False),
        (expressed(term("app", "DoesNotExist")), False),
        (expressed(term("absent", "DoesNotExist")), True),
        (expressed(term("app", "Exists"), term("tier", "In", "back")), False),
        ({"matchLabels": {"app": "web"}, **expressed(term("tier", "NotIn", "back"))}, True),
        ({"matchLabels": {"app": "api"}, **expressed(term("tier", "NotIn", "back"))}, False),
        (expressed(term("app", "Gt", "1")), False),
    ],
    ids=str,
)
def test_a_selector_selects(selector: dict[str, Any] | None, *, selected: bool) -> None:
    """All terms hold; absent is nothing and empty is everything; an operator of no LabelSelector selects nothing."""
    assert selects(selector, POD) is selected


KEYS, VALUES = st.sampled_from(["app", "tier", "track"]), st.sampled_from(["a", "b", "c"])
EXPRESSIONS = st.one_of(
    st.builds(term, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(
        lambda key, operator, values: term(key, operator, *values),
        KEYS, st.sampled_from(["In", "NotIn"]), st.lists(VALUES, min_size=1, max_size=3, unique=True),
    ),
)  # fmt: skip
SELECTORS = st.builds(
    lambda labels, terms: {"matchLabels": labels, "matchExpressions": terms},
    st.dictionaries(KEYS, VALUES, max_size=2), st.lists(EXPRESSIONS, max_size=3),
)  # fmt: skip
LABELS = st.dictionaries(KEYS, VALUES)


@given(SELECTORS, LABELS)
def test_the_query_means_the_same(selector: dict[str, Any], labels: dict[str, str]) -> None:
    """What a list request is given selects the same pods."""
    assert by_labels(in_query(selector))({"metadata": {"labels": labels}}) is selects(selector, labels)


@given(SELECTORS, LABELS, EXPRESSIONS)
def test_a_term_only_takes_away(selector: dict[str, Any], labels: dict[str, str], more: dict[str, Any]) -> None:
    """Whatever is added to a selector, it selects no pod that it did not select before."""
    narrower = {**selector, "matchExpressions": [*selector["matchExpressions"], more]}
    assert selects(selector, labels) or not selects(narrower, labels)


@given(KEYS, st.lists(VALUES, min_size=1), LABELS)
def test_opposites_never_agree(key: str, values: list[str], labels: dict[str, str]) -> None:
    """In and NotIn, Exists and DoesNotExist: exactly one of each holds."""
    for one, other in ((term(key, "In", *values), term(key, "NotIn", *values)),
                       (term(key, "Exists"), term(key, "DoesNotExist"))):  # fmt: skip
        assert selects(expressed(one), labels) is not selects(expressed(other), labels)


def test_a_query_is_written_as_kubectl_writes_it() -> None:
    """Every operator; nothing for everything."""
    terms = term("tier", "In", "a", "b"), term("track", "NotIn", "c"), term("app", "Exists"), term("x", "DoesNotExist")
    assert in_query({"matchLabels": {"app": "web"}, **expressed(*terms)}) == (
        "app=web,tier in (a,b),track notin (c),app,!x"
    )
    assert in_query({}) == ""
