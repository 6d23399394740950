"""The judge of a Canary's end: one as it should be passes, and each fault is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from e2e.play.given_back import GivenBack, judge_given_back, made_for_canary
from e2e.play.seen import PRIMARY, TARGET
from rollouts.api.ownership import CANARY_LABEL, Owner
from tests.lab.first_light_facts import record
from tests.lab.given_back_facts import GONE_S, VERSION, given_back

COPIES = ("Deployment app-primary", "PodDisruptionBudget app-app-primary")
GONE = "Deployment app-primary, PodDisruptionBudget app-app-primary: gone with all else"
ERRORS = "no request fails"
ALONE = f"the target answers alone, with version {VERSION}"


def failed(facts: GivenBack) -> set[str]:
    """What is not as it should be."""
    return {one.expected for one in judge_given_back(facts, COPIES) if not one.ok}


def test_an_end_as_it_should_be_passes() -> None:
    """Every expectation, and there are some."""
    results = list(judge_given_back(given_back(COPIES), COPIES))
    assert [one.ok for one in results] == [True] * 3
    assert results[0].detail == "nothing left of 2, 8.0 s after the deletion"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(lambda facts: replace(facts, left=facts.left | {COPIES[1]}), {GONE}, id="a copy is left"),
        pytest.param(
            lambda facts: replace(facts, left=facts.left | {"Service app-canary"}), {GONE}, id="something else is left"
        ),
        pytest.param(lambda facts: replace(facts, made=facts.made - {COPIES[1]}), {GONE}, id="it was never copied"),
        pytest.param(
            lambda facts: replace(facts, records=(*facts.records, record(2.0, PRIMARY, VERSION, status=503))),
            {ERRORS},
            id="an error",
        ),
        pytest.param(
            lambda facts: replace(facts, records=(*facts.records, record(GONE_S, PRIMARY, VERSION))),
            {ALONE},
            id="the primary answers after its end",
        ),
        pytest.param(
            lambda facts: replace(facts, records=(*facts.records, record(GONE_S, TARGET, "2"))),
            {ALONE},
            id="another version answers",
        ),
        pytest.param(lambda facts: replace(facts, records=()), {ERRORS, ALONE}, id="nobody asked"),
    ],
)
def test_each_fault_is_found(spoil: Callable[[GivenBack], GivenBack], expected: set[str]) -> None:
    """By the expectation that it breaks, and by no other."""
    assert failed(spoil(given_back(COPIES))) == expected


def test_what_was_made_is_known_by_its_label() -> None:
    """Whatever its name; what the user made has none."""
    labels = Owner("default", "app", "uid").labels()
    ours = {"kind": "Service", "metadata": {"name": "app-canary", "labels": labels}}
    theirs = [
        {"kind": "Service", "metadata": {"name": "other"}},
        {"kind": "Service", "metadata": {"name": "x", "labels": None}},
    ]
    assert CANARY_LABEL in labels
    assert made_for_canary([ours, *theirs]) == {"Service app-canary"}
