from __future__ import annotations

import json

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.client_side import LAST_APPLIED, kept_up, may_change
from tests.embedded.kubectl_objects import config

A, B = ("f:data", "f:a"), ("f:data", "f:b")


def stored(said: str, **data: str) -> Manifest:
    """A ConfigMap with that annotation."""
    return {**config("x", **data), "metadata": {"name": "x", "annotations": {LAST_APPLIED: said}}}


@pytest.mark.parametrize(
    ("said", "paths", "may"),
    [
        (json.dumps(config("x", a="1")), [A], True),
        (json.dumps(config("x", a="1")), [], True),
        (json.dumps(config("x", a="1")), [A, B], False),
        (json.dumps(config("x", a="0")), [A], False),
        ("", [A], False),
        ("{", [A], False),
        ("[]", [A], False),
    ],
)
def test_what_is_as_it_was_applied_may_change(said: str, paths: list[tuple[str, ...]], may: bool) -> None:  # noqa: FBT001
    """A field that somebody has changed since then is another's."""
    assert may_change(stored(said, a="1", b="2"), paths, None) is may


def test_a_new_object_has_nothing_to_take_over() -> None:
    """The apply makes it."""
    assert not may_change(None, [A], None)
    assert kept_up(None, config("x")) == config("x")


def test_the_annotation_is_kept_up() -> None:
    """It holds what is applied, without itself; an object that has none gets none."""
    after = kept_up(stored(json.dumps(config("x", a="1"))), config("x", a="2"))
    assert json.loads(after["metadata"]["annotations"][LAST_APPLIED]) == config("x", a="2")
    again = kept_up(after, after)
    assert json.loads(again["metadata"]["annotations"][LAST_APPLIED]) == config("x", a="2")
    assert kept_up(config("x", a="1"), config("x", a="2")) == config("x", a="2")
