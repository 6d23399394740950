from __future__ import annotations

import json

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.client_side import LAST_APPLIED, kept_up, of_others
from rollouts.testing.memory_apply import Manager
from tests.embedded.kubectl_objects import config

SOMEBODY = Manager("somebody", "Update")
A, B = ("f:data", "f:a"), ("f:data", "f:b")


def stored(said: str, **data: str) -> Manifest:
    """A ConfigMap with that annotation."""
    return {**config("x", **data), "metadata": {"name": "x", "annotations": {LAST_APPLIED: said}}}


@pytest.mark.parametrize(
    ("said", "paths", "others"),
    [
        (json.dumps(config("x", a="1")), [A], []),
        (json.dumps(config("x", a="1")), [], []),
        (json.dumps(config("x", a="1")), [A, B], [B]),
        (json.dumps(config("x", a="0")), [A], [A]),
        ("", [A], [A]),
        ("{", [A], [A]),
        ("[]", [A], [A]),
    ],
)
def test_what_is_as_it_was_applied_may_change(
    said: str, paths: list[tuple[str, ...]], others: list[tuple[str, ...]]
) -> None:
    """A field that somebody has changed since then is another's."""
    found = of_others(stored(said, a="1", b="2"), [(SOMEBODY, path) for path in paths], None)
    assert found == [(SOMEBODY, path) for path in others]


def test_a_new_object_has_nothing_to_take_over() -> None:
    """The apply makes it."""
    assert of_others(None, [(SOMEBODY, A)], None) == [(SOMEBODY, A)]
    assert kept_up(None, config("x")) == config("x")


def test_the_annotation_is_kept_up() -> None:
    """It holds what is applied, without itself; an object that has none gets none."""
    after = kept_up(stored(json.dumps(config("x", a="1"))), config("x", a="2"))
    assert json.loads(after["metadata"]["annotations"][LAST_APPLIED]) == config("x", a="2")
    again = kept_up(after, after)
    assert json.loads(again["metadata"]["annotations"][LAST_APPLIED]) == config("x", a="2")
    assert kept_up(config("x", a="1"), config("x", a="2")) == config("x", a="2")
