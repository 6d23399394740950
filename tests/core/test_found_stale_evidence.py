"""Evidence from before an outage of the API server gives no version more traffic after it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollouts.core.measurement import Sample
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import COUNTED, DURATION, SUCCESS, UNREACHED, bad, good, running, seen_at, spec_of


@pytest.mark.parametrize("answers", [good, bad], ids=["good", "bad"])
def test_an_answer_too_old_is_asked_for_again(answers: Callable[[float], tuple[Sample, ...]]) -> None:
    """It was good when the decision could not be written; what was found then may be wrong by now."""
    decision = step(spec_of(), running(10), seen_at(41, route_weight=10, samples=answers(10)))
    assert (decision.event, decision.asks) == (Event.WAITED, (SUCCESS, DURATION, UNREACHED, *COUNTED))
    assert decision.status.desired_weight == 10


def test_an_answer_that_took_its_time_counts() -> None:
    """A metric source that answers slowly is no reason to ask for ever."""
    decision = step(spec_of(), running(10), seen_at(38, route_weight=10, samples=good(10)))
    assert decision.event is Event.ADVANCE
