from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollouts.core.grid import EARLY, fits, floor_instant, floor_window, on_grid
from rollouts.core.measurement import NoData, Probe, Question, Sample, Signal
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import EPOCH, METRICS, at, running, sample, seen_at, spec_of

SECONDS = st.floats(0, 1e6)
GRIDS = st.sampled_from([1.0, 5.0, 15.0, 60.0])


@given(SECONDS, st.floats(1, 600), GRIDS)
def test_an_instant_on_the_grid_is_a_little_early_or_less_than_a_grid_late(
    due_s: float, interval_s: float, grid_s: float
) -> None:
    """And what has too short an interval stays where it is."""
    due_at = EPOCH + timedelta(seconds=due_s)
    moved = on_grid(due_at, interval_s, grid_s)
    if not fits(interval_s, grid_s):
        assert moved == due_at
        return
    assert floor_instant(moved, grid_s) == moved
    assert -EARLY <= moved - due_at < timedelta(seconds=grid_s)
    assert on_grid(due_at, interval_s, grid_s, timedelta()) >= due_at


@given(SECONDS, GRIDS)
def test_a_look_back_is_never_longer_for_the_grid_and_never_nothing(window_s: float, grid_s: float) -> None:
    """Whole grids; less than one stays."""
    floored = floor_window(window_s, grid_s)
    assert floored == window_s < grid_s or (floored % grid_s == 0 and window_s - grid_s < floored <= window_s)


def test_without_a_grid_nothing_moves() -> None:
    """Each Canary has its own instants."""
    assert floor_instant(at(1.5), 0) == at(1.5) == on_grid(at(1.5), 60, 0)
    assert floor_window(7.5, 0) == 7.5


SPEC = spec_of()
"""Judged every 10 s."""


def _due_s(dwell_s: float, grid_s: float = 5.0, **status: Any) -> float:
    """When the next judgement is due, for a dwell that began then."""
    now = dwell_s + 0.1
    found = step(
        SPEC, running(10, dwell_started_at=at(dwell_s), **status), seen_at(now, route_weight=10, grid_s=grid_s)
    )
    assert found.wake_at is not None
    return (found.wake_at - EPOCH).total_seconds()


@pytest.mark.parametrize(
    ("dwell_s", "status", "due_s"),
    [
        pytest.param(1.0, {}, 15.0, id="the first of a run is never early"),
        pytest.param(2.0, {"step_index": 2}, 10.0, id="later ones are, by 2 s at most"),
        pytest.param(2.1, {"step_index": 2}, 15.0, id="or late"),
        pytest.param(0.0, {"last_check_at": at(1.2), "step_index": 1}, 10.0, id="the end of the dwell comes first"),
    ],
)
def test_judgements_are_due_on_the_grid(dwell_s: float, status: dict[str, Any], due_s: float) -> None:
    """An interval after the last one, on the grid of 5 s that all Canaries share."""
    assert _due_s(dwell_s, **status) == due_s


def test_a_grid_of_more_than_half_the_interval_is_none() -> None:
    """It would make each judgement half an interval late."""
    assert _due_s(1.0, grid_s=6.0) == 11.0


def test_questions_look_back_whole_grids() -> None:
    """So that Canaries which began at different moments ask the same; none looks back beyond its own run."""
    status = running(10, dwell_started_at=at(1.0), started_at=at(-7.0))
    spec = spec_of(metrics=[metric | {"interval": "1m"} for metric in METRICS])
    decision = step(spec, status, seen_at(15.1, route_weight=10, grid_s=5.0))
    windows = {probe.signal: probe.window_s for probe in decision.asks if isinstance(probe, Probe)}
    assert windows[Signal.SUCCESS_RATE] == windows[Signal.DURATION] == windows[Signal.UNREACHED] == 20.0
    assert windows[Signal.REQUESTS] == 10.0


@pytest.mark.parametrize(("grid_s", "event"), [(5.0, Event.ADVANCE), (0.0, Event.WAITED)], ids=["grid", "none"])
def test_a_dwell_that_ends_with_an_early_judgement_is_over(grid_s: float, event: Event) -> None:
    """Judged 2 s before its end, which is the grid's doing, the step has been held long enough."""
    status = running(10, dwell_started_at=at(2.0), started_at=at(-50.0), step_index=2)
    seen = seen_at(10.0, route_weight=10, grid_s=grid_s)
    decision = step(SPEC, status, seen)
    while decision.asks:
        answers = tuple(_well(question) for question in decision.asks)
        seen = replace(seen, samples=(*seen.samples, *answers))
        decision = step(SPEC, status, seen)
    assert decision.event is event


def _well(question: Question) -> Sample:
    assert isinstance(question, Probe)
    well = {Signal.SUCCESS_RATE: 100.0, Signal.DURATION: 20.0, Signal.UNREACHED: 0.0}
    return sample(question, 10.0, well.get(question.signal, NoData()))
