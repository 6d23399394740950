from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.selector import SelectorLabel, selector_label


def _deployment(demanded: dict[str, str] | None, carried: dict[str, str] | None) -> dict[str, Any]:
    selector = {} if demanded is None else {"matchLabels": demanded}
    metadata = {} if carried is None else {"labels": carried}
    return {"spec": {"selector": selector, "template": {"metadata": metadata}}}


@pytest.mark.parametrize(
    ("demanded", "carried", "expected"),
    [
        pytest.param({"app": "a"}, {"app": "a"}, SelectorLabel("app", "a"), id="app"),
        pytest.param({"name": "n", "app": "a"}, {"name": "n", "app": "a"}, SelectorLabel("app", "a"), id="app first"),
        pytest.param({"name": "n"}, {"name": "n"}, SelectorLabel("name", "n"), id="name"),
        pytest.param(
            {"app.kubernetes.io/name": "k"},
            {"app.kubernetes.io/name": "k", "app": "a"},
            SelectorLabel("app.kubernetes.io/name", "k"),
            id="recommended label",
        ),
        pytest.param(
            {"app": "a", "name": "n"}, {"app": "b", "name": "n"}, SelectorLabel("name", "n"), id="disagreeing"
        ),
        pytest.param({"tier": "web"}, {"tier": "web", "app": "a"}, None, id="no such label in the selector"),
        pytest.param(None, {"app": "a"}, None, id="match expressions only"),
        pytest.param({"app": "a"}, None, None, id="pods without labels"),
    ],
)
def test_the_first_label_that_selector_and_pods_share_is_taken(
    demanded: dict[str, str] | None, carried: dict[str, str] | None, expected: SelectorLabel | None
) -> None:
    """app, then name, then app.kubernetes.io/name; one that the pods do not carry does not count."""
    assert selector_label(_deployment(demanded, carried)) == expected


@given(st.from_regex(r"[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?", fullmatch=True))
def test_the_copys_value_is_another_and_a_valid_label(value: str) -> None:
    """Whatever the target's value, the copy's differs from it and fits into a label."""
    primary = SelectorLabel("app", value).primary_value
    assert primary != value
    assert primary.endswith("-primary")
    assert len(primary) <= 63


def test_long_values_with_the_same_beginning_stay_apart() -> None:
    """Two applications whose names differ only at the end get two different copies' values."""
    values = {SelectorLabel("app", "a" * 60 + end).primary_value for end in ("x", "y")}
    assert len(values) == 2
