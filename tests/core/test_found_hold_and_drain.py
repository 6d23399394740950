"""A release that has to wait for its window, in the instant in which the pods of the run before fall silent."""

from __future__ import annotations

from rollouts.api.status import Phase
from rollouts.core.measurement import NoData
from rollouts.core.observed import Hold
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE
from rollouts.core.step import step
from tests.core.given import EPOCH, at, pods, sample, seen_at, spec_of, status_in

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


def _next_s(now_s: float, *, grid_s: float, asked_s: float | None = None, told: float | NoData = 5.0) -> float | None:
    """When to ask next whether the canary of a drain from second 0.3 on is silent; None if that is now."""
    draining = status_in(Phase.SUCCEEDED, drained=False, drain_started_at=at(0.3))
    samples = () if asked_s is None else (sample(SILENCE, asked_s, told),)
    found = step(spec_of(), draining, seen_at(now_s, target=pods("a"), samples=samples, grid_s=grid_s))
    if found.asks:
        return None
    assert found.wake_at is not None
    return (found.wake_at - EPOCH).total_seconds()


def test_what_drains_in_one_second_asks_at_one_instant() -> None:
    """Each asked at a time of its own: 24 queries for 100 releases."""
    assert _next_s(1, grid_s=0) == 2.3
    assert _next_s(1, grid_s=5) == 2.5
    assert _next_s(2.4, grid_s=5) == 2.5
    assert _next_s(2.5, grid_s=5) is None
    assert _next_s(2.6, grid_s=5, asked_s=2.55) == 3.5
    assert _next_s(2.6, grid_s=5, asked_s=2.55, told=NoData()) == 4.5
    assert _next_s(2.6, grid_s=0, asked_s=2.55) == 4.55
