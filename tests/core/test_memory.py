"""What a status remembers, and for how long."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import NoData, Outcome, Unreachable
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Problem
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import DURATION, SUCCESS, at, bad, callers, good, running, sample, seen_at, spec_of
from tests.core.invariants import STATUS_MAX_BYTES


def test_why_it_failed_outlives_the_drain() -> None:
    """The reason of a failure stays in the conditions when the canary has been scaled down."""
    spec = spec_of(threshold=1)
    failed = step(spec, running(10), seen_at(10, route_weight=10, samples=bad(10))).status

    drained = step(spec, failed, seen_at(11))
    drained = step(spec, drained.status, seen_at(60))

    assert drained.event is Event.DRAINED
    assert drained.status.conditions[1] == failed.conditions[1]
    assert "failed check 1 of 1" in drained.status.conditions[1].message


def test_all_news_of_a_problem_is_told_once() -> None:
    """A failed check while something outside is wrong does not make the problem news again."""
    spec, problem = spec_of(threshold=3), Problem("PortMissing", "Service app has no port 80")
    seen = seen_at(9, route_weight=10, problem=problem)

    told = step(spec, running(10), seen)
    failed = step(spec, told.status, replace(seen, now=at(10), samples=bad(10)))
    after = step(spec, failed.status, replace(seen, now=at(11)))

    assert told.announcement is not None
    assert (failed.event, after.event) == (Event.CHECK_FAILED, Event.BLOCKED)
    assert after.announcement is None
    assert [c.status for c in failed.status.conditions if c.type == "Ready"] == ["False"]


def test_a_problem_that_comes_with_a_failed_check_is_news_in_the_next_step() -> None:
    """Two things at once are told one after the other, and neither is lost."""
    seen = seen_at(10, route_weight=10, samples=bad(10), problem=Problem("PortMissing", "Service app has no port 80"))

    first = step(spec_of(threshold=3), running(10), seen)
    second = step(spec_of(threshold=3), first.status, seen)

    assert [found.announcement and found.announcement.reason for found in (first, second)] == [
        "CheckFailed", "PortMissing",
    ]  # fmt: skip


@pytest.mark.parametrize(("stable", "counts"), [(0.0, False), (0.02, True), (Unreachable("gone"), False)])
def test_silence_counts_while_the_stable_side_has_requests(stable: Outcome | float, *, counts: bool) -> None:
    """However few requests the primary has, they show that there is traffic; without them no time runs."""
    samples = (sample(SUCCESS, 10, NoData()), sample(DURATION, 10, 20.0), sample(STABLE_RATE, 10, stable), *callers(10))

    status = step(spec_of(), running(10), seen_at(10, route_weight=10, samples=samples)).status

    assert status.no_data_since == (at(10) if counts else None)


def test_errors_between_do_not_count_as_silence() -> None:
    """Only checks that found nothing, one after the other, make the three intervals; an error starts the count anew."""
    status = running(10, no_data_since=at(0), last_check_at=at(0))
    down = (sample(SUCCESS, 10, Unreachable("gone")), sample(DURATION, 10, Unreachable("gone")))

    assert step(spec_of(), status, seen_at(10, route_weight=10, samples=down)).status.no_data_since is None


def test_a_schedule_edited_in_mid_run_counts_its_own_steps() -> None:
    """The number of steps that is told is that of the schedule which is followed."""
    decision = step(
        spec_of(stepWeights=[10, 30, 60]), running(10, step_count=9), seen_at(10, route_weight=10, samples=good(10))
    )

    assert (decision.status.step_index, decision.status.step_count) == (2, 3)


def test_a_status_of_another_version_is_read() -> None:
    """Fields that are unknown are ignored, fields that are missing have their meaning of nothing."""
    wire = running(10).to_wire() | {"term": 3, "history": [{"id": "1"}]}
    del wire["metrics"], wire["drained"]

    loaded = CanaryStatus.model_validate(json.loads(json.dumps(wire)))

    assert (loaded.desired_weight, loaded.metrics, loaded.drained) == (10, (), True)


def test_the_longest_status_of_step_fits() -> None:
    """With the longest texts that a problem and two metrics can have, a status stays under its budget."""
    problem = Problem("R" * 128, "\u2028" * 4000)
    status = running(10, phase=Phase.FAILED, last_applied_spec="f" * 16, last_promoted_spec="e" * 16)
    results = step(spec_of(), running(10), seen_at(10, route_weight=10, samples=bad(10))).status.metrics
    long = tuple(result.model_copy(update={"message": "\u2028" * 256}) for result in results)

    blocked = step(
        spec_of(), status.model_copy(update={"metrics": long, "desired_weight": 0}), seen_at(0, problem=problem)
    )
    text = json.dumps(blocked.status.to_wire(), ensure_ascii=False)

    assert len(text.encode()) <= STATUS_MAX_BYTES
