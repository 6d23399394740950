"""Weights as parts of a total: said anew for another total, and as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus
from rollouts.core.parts import in_parts_of, in_percent
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import running, seen_at, spec_of

TOTALS = st.integers(100, 10_000)


@pytest.mark.parametrize(
    ("weight", "total", "words"), [(0, 100, "0 %"), (50, 100, "50 %"), (5, 1000, "0.5 %"), (1, 10_000, "0.01 %")]
)
def test_people_read_percents(weight: int, total: int, words: str) -> None:
    """Whatever the total, with no more digits than it takes."""
    assert in_percent(weight, total) == words


@given(TOTALS, TOTALS, st.data())
def test_the_same_share_in_other_parts(before: int, after: int, data: st.DataObject) -> None:
    """As near as whole parts can say it; all stays all, nothing stays nothing, and something stays something."""
    weight = data.draw(st.integers(0, before))

    told = in_parts_of(CanaryStatus(weight_total=before, desired_weight=weight), after)

    assert told.weight_total == after
    assert abs(told.desired_weight / after - weight / before) <= 1 / after
    assert (told.desired_weight == 0, told.desired_weight == after) == (weight == 0, weight == before)


def test_more_parts_than_all_can_not_be_asked_for() -> None:
    """The refusal says of how many parts a weight is."""
    asked = (Action(verb=Verb.SET_WEIGHT, id="1", weight=1001),)

    decision = step(
        spec_of(weightTotal=1000), running(10, weight_total=1000), seen_at(5, route_weight=10, actions=asked)
    )

    assert (decision.event, decision.desired.weight) == (Event.REFUSED, 10)
    assert "a weight is a part of weightTotal, which is 1000" in decision.message


def test_another_total_in_mid_run_changes_no_share() -> None:
    """Half stays half: neither the routes nor the schedule jump."""
    spec = spec_of(weightTotal=1000, stepWeights=[100, 500, 1000], stepWeight=None)

    decision = step(spec, running(50), seen_at(1, route_weight=500))

    assert (decision.status.desired_weight, decision.status.weight_total) == (500, 1000)
    assert (decision.desired.share.weight, decision.desired.share.weight_total) == (500, 1000)
