"""A release that has to wait for its window, in the instant in which the pods of the run before fall silent."""

from __future__ import annotations

from rollouts.api.status import Phase
from rollouts.core.observed import Hold
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE
from rollouts.core.step import step
from tests.core.given import EPOCH, pods, sample, seen_at, spec_of, status_in

WINDOW = Hold("OutsideWindow", "no release window is open", steps=True)


def test_a_hold_that_is_news_delays_no_drain() -> None:
    """The silent pods go in the same step as ever; what holds the next release is told right after."""
    waiting = status_in(Phase.WAITING, last_applied_spec="c", drained=False, drain_started_at=EPOCH)
    seen = seen_at(10, target=pods("c"), samples=(sample(SILENCE, 9, 0.0),), holds=(WINDOW,))

    drained = step(spec_of(), waiting, seen)
    told = step(spec_of(), drained.status, seen)

    assert (drained.event, drained.status.drained) == (Event.DRAINED, True)
    assert told.event is Event.HELD
    assert told.status.hold is not None
    assert told.status.hold.reason == "OutsideWindow"
