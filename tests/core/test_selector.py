from __future__ import annotations

from typing import Any

import pytest

from rollouts.core.selector import SelectorLabel, selector_label


@pytest.mark.parametrize(
    ("demanded", "carried", "key"),
    [
        ({"app": "shop"}, {"app": "shop"}, "app"),
        ({"name": "shop", "app": "shop"}, {"name": "shop", "app": "shop"}, "app"),
        ({"app": "shop", "name": "shop"}, {"name": "shop"}, "name"),
        ({"tier": "web"}, {"tier": "web", "app": "shop"}, None),
        (None, None, None),
    ],
)
def test_label_that_tells_the_copies_apart(demanded: Any, carried: Any, key: str | None) -> None:
    """The first known label that the selector demands and the pods carry; none is an answer."""
    manifest = {"spec": {"selector": {"matchLabels": demanded}, "template": {"metadata": {"labels": carried}}}}

    label = selector_label(manifest)

    assert label == (SelectorLabel(key, "shop") if key is not None else None)


def test_services_select_one_side_each() -> None:
    """The canary keeps its label, and the copy has another value of the same."""
    label = SelectorLabel("app", "shop")

    assert (label.canary(), label.primary()) == ({"app": "shop"}, {"app": "shop-primary"})


def test_long_value_of_the_copy_is_fixed() -> None:
    """A long value is shortened by a hash that never changes: another would be a new selector, which is immutable."""
    assert SelectorLabel("app", "a" * 63).primary_value == "a" * 46 + "-7d3e74a0-primary"
