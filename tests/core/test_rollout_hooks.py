"""Rollout hooks: tests that are called with each judgement; and judgements that have no answer at all."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.status import Verdict
from rollouts.core.measurement import Probe, Rejected, Unreachable
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import (
    COUNTED,
    DURATION,
    SUCCESS,
    UNREACHED,
    at,
    called,
    callers,
    counts,
    good,
    hook,
    running,
    sample,
    seen_at,
    spec_of,
    told,
)

ALONE = spec_of(threshold=2, metrics=[], webhooks=[hook("rollout")])
BESIDE = spec_of(threshold=2, webhooks=[hook("rollout")])


def _down(seconds: float) -> dict[str, Any]:
    gone = Unreachable("gone")
    return {"samples": (sample(SUCCESS, seconds, gone), sample(DURATION, seconds, gone)), "route_weight": 10}


def test_a_test_is_called_with_each_judgement() -> None:
    """When it is due, beside the metrics; nothing is decided before all have answered."""
    asking = step(BESIDE, running(10), seen_at(10, route_weight=10))
    half = step(BESIDE, running(10), seen_at(10, route_weight=10, samples=good(10)))
    passed = step(BESIDE, running(10), seen_at(11, route_weight=10, samples=(*good(10), told("rollout", 10))))

    assert (called(asking), len([ask for ask in asking.asks if isinstance(ask, Probe)])) == (["rollout"], 5)
    assert (called(half), len(half.asks)) == (["rollout"], 1)
    assert (passed.event, [result.name for result in passed.status.metrics]) == (
        Event.ADVANCE, ["request-success-rate", "request-duration", "rollout"],
    )  # fmt: skip


def test_a_test_alone_is_evidence() -> None:
    """Without metrics the hook decides, from the step's own time on."""
    early = told("rollout", 9)

    assert called(step(ALONE, running(10), seen_at(10, route_weight=10, samples=(early,)))) == ["rollout"]
    passed = step(ALONE, running(10), seen_at(11, route_weight=10, samples=(told("rollout", 10), *counts(11))))
    assert (passed.event, passed.message) == (Event.ADVANCE, "rollout passed")


def test_a_slow_test_is_not_started_again_because_the_metrics_are_old() -> None:
    """Its answer counts from when the judgement was due; only the metrics are measured again."""
    late = (told("rollout", 10), *good(10))

    asking = step(BESIDE, running(10), seen_at(55, route_weight=10, samples=late))
    passed = step(BESIDE, running(10), seen_at(56, route_weight=10, samples=(*good(55), told("rollout", 10))))

    assert (asking.asks, passed.event) == ((SUCCESS, DURATION, UNREACHED, *COUNTED), Event.ADVANCE)


@pytest.mark.parametrize(("answer", "event"), [("2 of 9 failed", Event.CHECK_FAILED), ("down", Event.UNDECIDED)])
@pytest.mark.parametrize("spec", [ALONE, BESIDE], ids=["alone", "beside metrics"])
def test_a_refusal_fails_and_silence_holds(spec: Any, answer: str, event: Event) -> None:
    """A test that says no is a failed check; one that can't be reached says nothing of the canary."""
    samples = (*(good(10) if spec is BESIDE else ()), told("rollout", 10, answer))

    decision = step(spec, running(10), seen_at(10, route_weight=10, samples=samples))

    assert (decision.event, decision.status.failed_checks) == (event, int(event is Event.CHECK_FAILED))
    assert decision.desired.weight == 10
    assert decision.message.startswith(f"rollout: {'no answer' if answer == 'down' else answer}")


def test_a_run_may_be_without_any_answer_for_a_limited_time() -> None:
    """The judgement that reaches consecutiveErrorLimit takes the traffic back; without a limit it is held for ever."""
    spec = spec_of(consecutiveErrorLimit=3)
    status = running(10, last_check_at=at(10), consecutive_errors=1)

    second = step(spec, status, seen_at(20, **_down(20)))
    third = step(spec, second.status, seen_at(30, **_down(30)))
    patient = step(spec_of(), running(10, consecutive_errors=1000), seen_at(10, **_down(10)))

    assert (second.event, second.status.consecutive_errors) == (Event.UNDECIDED, 2)
    assert (third.event, third.desired.weight, third.status.consecutive_errors) == (Event.ROLLBACK, 0, 3)
    assert third.message == "request-success-rate: gone; 3 judgements in a row had no answer"
    assert (patient.event, patient.status.consecutive_errors) == (Event.UNDECIDED, 1000)


@pytest.mark.parametrize("success", [100.0, 50.0])
def test_an_answer_ends_the_row_of_errors(success: float) -> None:
    """Whether it is good or bad."""
    spec = spec_of(threshold=3, consecutiveErrorLimit=3)
    answers = (sample(SUCCESS, 10, success), sample(DURATION, 10, 20.0), *counts(10), *callers(10))

    decision = step(spec, running(10, consecutive_errors=2), seen_at(10, route_weight=10, samples=answers))

    assert decision.status.consecutive_errors == 0


def test_a_query_that_is_refused_is_an_error_too() -> None:
    """Nobody takes it for a failure of the canary."""
    samples = (sample(SUCCESS, 10, Rejected("bad query")), sample(DURATION, 10, 20.0))

    decision = step(spec_of(), running(10), seen_at(10, route_weight=10, samples=samples))

    assert (decision.event, decision.status.metrics[0].verdict) == (Event.UNDECIDED, Verdict.ERROR)
