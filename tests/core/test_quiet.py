"""Judgements without news: made each interval, written once a minute, and never missed by what counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision
from rollouts.core.dues import Dues
from rollouts.core.measurement import NoData, Sample, Unreachable
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.outlook import outlook
from rollouts.core.phases import Event
from rollouts.core.plan import Step
from rollouts.core.step import step
from tests.core.given import (
    COUNTED,
    DURATION,
    SUCCESS,
    at,
    callers,
    good,
    hook,
    running,
    sample,
    seen_at,
    spec_of,
    told,
)

SPEC = spec_of()
"""Judged every 10 s, held for as long."""
LONG = spec_of(stepDwells=["200s"])


def _nothing(second: float, *, stable_rps: float = 0.0) -> tuple[Sample, ...]:
    """No request of the canary was measured."""
    both = (sample(SUCCESS, second, NoData()), sample(DURATION, second, NoData()))
    return (*both, *callers(second), *(sample(one, second, NoData()) for one in COUNTED),
            sample(STABLE_RATE, second, stable_rps))  # fmt: skip


def _held(second: float = 10) -> CanaryStatus:
    """As the first judgement without data left it."""
    return step(SPEC, running(10), seen_at(second, route_weight=10, samples=_nothing(second))).status


def _told(status: CanaryStatus, second: float, samples: tuple[Sample, ...], **seen: Any) -> Any:
    return step(SPEC, status, seen_at(second, route_weight=10, samples=samples, **seen))


def test_no_data_once_more_is_no_news() -> None:
    """Nothing is written or said; the next judgement is due an interval later, and the last of a minute is written."""
    held = _held()

    quiet, late = _told(held, 20, _nothing(20)), _told(held, 70, _nothing(70))

    assert (quiet.event, quiet.status, quiet.announcement) == (Event.WAITED, held, None)
    assert (quiet.judged_at, quiet.wake_at) == (at(20), at(30))
    assert (late.event, late.announcement, late.judged_at) == (Event.UNDECIDED, None, None)
    assert late.status.last_check_at == late.status.metrics[0].measured_at == at(70)


def test_answers_that_took_longer_than_an_interval_are_judged_and_the_next_are_asked_for_at_once() -> None:
    """Nobody is told to call again at a time that has come: whoever does what he is told would do nothing else."""
    late = _told(_held(), 31, _nothing(20))

    assert (late.event, late.judged_at, late.wake_at) == (Event.WAITED, at(20), None)
    assert SUCCESS in late.asks


def test_what_was_judged_is_not_asked_again_before_it_is_due() -> None:
    """Also where the world has changed meanwhile: the look-back would reach into what was before."""
    early = _told(_held(), 29, _nothing(20), judged_at=at(20))
    due = _told(_held(), 30, _nothing(20), judged_at=at(20))

    assert (early.event, early.asks, early.wake_at) == (Event.WAITED, (), at(30))
    assert SUCCESS in due.asks


def test_a_new_process_judges_at_once_what_another_one_may_have_missed() -> None:
    """At the newest instant; then it goes on at the next, as the other one would have."""
    held = _held()

    asks = _told(held, 34, (), looked_since=at(34))
    judged = _told(held, 34, _nothing(34), looked_since=at(34))

    assert (SUCCESS in asks.asks, judged.judged_at, judged.wake_at) == (True, at(30), at(40))


@pytest.mark.parametrize(
    ("samples", "event"),
    [
        pytest.param((*good(20), sample(STABLE_RATE, 20, 0.0)), Event.ADVANCE, id="it passes"),
        pytest.param((sample(SUCCESS, 20, 50.0), sample(DURATION, 20, NoData()), *callers(20),
                      sample(STABLE_RATE, 20, 0.0)), Event.ROLLBACK, id="it fails"),
        pytest.param((sample(SUCCESS, 20, Unreachable("down")), sample(DURATION, 20, NoData()), *callers(20)),
                     Event.UNDECIDED, id="the source is down"),
        pytest.param(_nothing(20, stable_rps=5.0), Event.UNDECIDED, id="the stable side has requests"),
    ],
)  # fmt: skip
def test_news_is_written_at_once(samples: tuple[Sample, ...], event: Event) -> None:
    """Another verdict, or the beginning of a deadline."""
    found = _told(_held(), 20, samples)

    assert (found.event, found.judged_at) == (event, None)
    assert found.status.metrics[0].measured_at == at(20)


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new one for each judgement"])
def test_the_deadline_of_no_data_counts_through_what_was_not_written(restarts: bool) -> None:  # noqa: FBT001
    """Three intervals after the stable side got its first request, to the second."""
    status, judged_at, events = _held(), None, dict[int, Event]()
    for second in range(20, 80, 10):
        seen = {"looked_since": at(second)} if restarts else {"judged_at": judged_at}
        found = _told(status, second, _nothing(second, stable_rps=5.0 if second >= 40 else 0.0), **seen)
        status, judged_at, events[second] = found.status, found.judged_at or judged_at, found.event

    news = {second: event for second, event in events.items() if event is not Event.WAITED}
    assert news == {40: Event.UNDECIDED, 70: Event.ROLLBACK}


def test_each_error_in_a_row_is_counted() -> None:
    """A judgement without an answer counts, though it says the same as the one before."""
    status = running(10)
    for row, second in enumerate((10, 20, 30), start=1):
        down = tuple(sample(one, second, Unreachable("down")) for one in (SUCCESS, DURATION))
        status = _told(status, second, (*down, *callers(second))).status
        assert (status.consecutive_errors, status.last_check_at) == (row, at(second))


def test_a_check_that_passes_while_the_dwell_lasts_is_news_once() -> None:
    """The first counts; those that follow change nothing until the dwell is over."""
    first = step(LONG, running(10), seen_at(10, route_weight=10, samples=good(10)))
    again = step(LONG, first.status, seen_at(20, route_weight=10, samples=good(20)))

    assert (first.event, first.status.iterations) == (Event.CHECK_PASSED, 1)
    assert (again.event, again.status, again.judged_at) == (Event.WAITED, first.status, at(20))


def test_each_check_of_many_is_written_until_there_are_enough() -> None:
    """They are what the step takes."""
    spec = spec_of(iterations=3, match=[{"headers": {"x": {"exact": "y"}}}])
    status = running(100, strategy="AB", step_index=1)
    for row in (1, 2):
        status = step(spec, status, seen_at(10 * row, route_weight=100, samples=good(10 * row))).status
        assert status.iterations == row


def test_another_reason_of_a_gate_is_news() -> None:
    """It stands in the conditions at once; the same gate for the same reason is none."""
    kind = "confirm-traffic-increase"
    spec = spec_of(webhooks=[hook(kind)])

    def look(status: CanaryStatus, second: float, answer: str) -> Decision:
        samples = (*good(second), *(sample(one, second, NoData()) for one in COUNTED), told(kind, second, answer))
        return step(spec, status, seen_at(second, route_weight=10, samples=samples))

    held = look(running(10), 10, "not today")
    again, other = look(held.status, 20, "not today"), look(held.status, 20, "ask Eve")

    assert (held.event, again.event, again.judged_at) == (Event.HELD, Event.WAITED, at(20))
    assert other.event is Event.HELD
    assert any("ask Eve" in condition.message for condition in other.status.conditions)


def _dues(last_s: float | None, interval: str = "10s", dwell_s: float = 10.0, grid_s: float = 0.0) -> Dues:
    status = running(10, last_check_at=None if last_s is None else at(last_s))
    return Dues(spec_of(interval=interval), status, at(0), Step(10, dwell_s), grid_s)


@pytest.mark.parametrize(
    ("dues", "seconds"),
    [
        pytest.param(_dues(None), [10], id="nothing was judged yet"),
        pytest.param(_dues(10), [20, 30, 40, 50, 60, 70], id="for a minute"),
        pytest.param(_dues(10, dwell_s=35), [20, 30, 35, 45, 55, 65], id="the end of the dwell is one more"),
        pytest.param(_dues(10, "30s"), [40, 70], id="every 30 s"),
        pytest.param(_dues(40, "40s"), [80], id="a longer interval is always written"),
        pytest.param(_dues(10, "13s", grid_s=5.0), [25, 40, 55, 70], id="on the grid"),
    ],
)
def test_the_instants_of_a_step_follow_from_its_status(dues: Dues, seconds: list[int]) -> None:
    """The last of them has to be written: that the next one is a minute after the last, at most, is kept."""
    found = [dues.after()]
    while dues.may_go_unwritten(found[-1]):
        found.append(dues.after(found[-1]))

    assert found == [at(second) for second in seconds]
    assert dues.newest(at(10_000)) == found[-1]
    assert dues.newest(at(0)) == found[0]


def test_people_are_told_the_next_judgement_and_not_one_that_went_unwritten() -> None:
    """By what the status says alone."""

    def judged_next(second: float) -> datetime | None:
        return outlook(LONG, _held(), at(second)).coming[0].at

    assert [judged_next(second) for second in (15, 20, 44)] == [at(20), at(30), at(50)]
    assert judged_next(75) == at(70)


def test_a_result_that_comes_late_is_of_the_instant_before() -> None:
    """So that those that follow keep their distance from the last that was written."""
    late = _told(_held(), 27, _nothing(27))

    assert (late.judged_at, late.wake_at) == (at(20), at(30))
