"""The ConfigMap rollouts-policy: what it means, and that what can't be read is never taken for nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rollouts.core.observed import Hold
from rollouts.engine.policy import POLICY, hold_of_flaws, hold_of_freeze, read_policy

NOW = datetime(2026, 3, 30, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 2, 6, tzinfo=UTC)


def _holds(data: dict[str, str] | None, namespace: str = "shop") -> tuple[Hold | None, Hold | None]:
    """Of a freeze, and of what can't be read."""
    policy = read_policy(POLICY, None if data is None else {"data": data})
    return hold_of_freeze(policy, namespace, NOW, steps=True), hold_of_flaws(policy)


@pytest.mark.parametrize(
    ("data", "frozen", "until"),
    [
        (None, False, None),
        ({}, False, None),
        ({"freeze": ""}, False, None),
        ({"freeze": "false"}, False, None),
        ({"freeze": " No "}, False, None),
        ({"freeze": "off", "freezeUntil": "2026-04-02T06:00:00Z"}, False, None),
        ({"freeze": "true"}, True, None),
        ({"freeze": "True"}, True, None),
        ({"freeze": "quarter end"}, True, None),
        ({"freeze": "ture"}, True, None),
        ({"freeze": "true", "freezeUntil": "2026-04-02T08:00:00+02:00"}, True, LATER),
        ({"freeze": "true", "freezeUntil": "2026-03-30T12:00:00Z"}, False, None),
        ({"freezeUntil": "2026-04-02T06:00:00Z"}, True, LATER),
        ({"freeze": "true", "freezeNamespaces": "shop"}, True, None),
        ({"freeze": "true", "freezeNamespaces": "a, shop\nb"}, True, None),
        ({"freeze": "true", "freezeNamespaces": "a b"}, False, None),
        ({"freeze": "true", "freezeNamespaces": " "}, True, None),
        ({"maxConcurrent": "5"}, False, None),
    ],
    ids=str,
)
def test_a_freeze_is_what_was_meant(data: dict[str, str] | None, *, frozen: bool, until: datetime | None) -> None:
    """Any text but a plain no freezes, and is said; until its time, in its namespaces."""
    freeze, flaws = _holds(data)
    assert (freeze is not None) == frozen
    assert freeze is None or (freeze.reason, freeze.until, freeze.steps) == ("Frozen", until, True)
    assert flaws is None


def test_why_and_until_when_is_said() -> None:
    """With the object that says so, and the way out."""
    freeze, _ = _holds({"freeze": "quarter end, ask #releases", "freezeUntil": "2026-04-02T06:00:00Z"})
    assert freeze is not None
    assert freeze.message == (
        "releases are frozen until 2026-04-02 06:00 UTC by ConfigMap rollouts-system/rollouts-policy: quarter end, ask "
        "#releases; a release that must go on now takes the action override"
    )


@pytest.mark.parametrize(
    ("data", "says", "frozen"),
    [
        ({"frozen": "true"}, "frozen is no key of it: freeze, freezeNamespaces, freezeUntil, maxConcurrent are", False),
        ({"freezeUntil": "Thursday"}, "freezeUntil is 'Thursday': write a time with its zone, such as", False),
        ({"freeze": "true", "freezeUntil": "2026-04-02"}, "freezeUntil is '2026-04-02'", True),
        ({"freeze": "true", "freezeNamespaces": "Shop"}, "freezeNamespaces has 'Shop'", True),
        ({"maxConcurrent": "0"}, "maxConcurrent is '0': write a whole number from 1 on, or leave it out", False),
        ({"maxConcurrent": "five"}, "maxConcurrent is 'five'", False),
        ({"maxConcurrent": "-1"}, "maxConcurrent is '-1'", False),
        ({"maxConcurrent": "1.5"}, "maxConcurrent is '1.5'", False),
    ],
    ids=str,
)
def test_what_can_not_be_read_holds_starts_and_names_its_key(data: dict[str, str], says: str, *, frozen: bool) -> None:
    """Whoever wrote it means to keep something from happening. A release that has begun goes on, unless frozen too."""
    freeze, flaws = _holds(data)
    assert flaws is not None
    assert (flaws.reason, flaws.steps) == ("PolicyInvalid", False)
    assert flaws.message.startswith("ConfigMap rollouts-system/rollouts-policy: ")
    assert says in flaws.message
    assert (freeze is not None) == frozen
    assert freeze is None or freeze.until is None


def test_the_limit_is_a_number() -> None:
    """Or there is none."""
    assert read_policy(POLICY, {"data": {"maxConcurrent": " 5 "}}).max_concurrent == 5
    assert read_policy(POLICY, {"data": {"maxConcurrent": ""}}).max_concurrent is None
    assert read_policy(POLICY, {"metadata": {}}).max_concurrent is None
