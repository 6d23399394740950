"""Before the first weight: the approval of the start, and the tests of a canary that has no traffic yet."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import Phase
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE
from rollouts.core.step import step
from tests.core.given import (
    EPOCH,
    at,
    by_hand,
    called,
    gate_at,
    hook,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    status_in,
    told,
)

CONFIRM, TEST = "confirm-rollout", "pre-rollout"
GATED = spec_of(webhooks=[hook(CONFIRM)])
TESTED = spec_of(threshold=2, webhooks=[hook(TEST)])
WAITING = running(0, phase=Phase.WAITING, gate=gate_at(CONFIRM), drained=True)


def test_a_release_waits_until_its_start_is_confirmed() -> None:
    """A new revision is seen, nothing is scaled up and nothing routed; with the consent the run begins."""
    gated = step(GATED, status_in(Phase.SUCCEEDED), seen_at(5, target=pods("b", 0)))
    asking = step(GATED, gated.status, seen_at(5, target=pods("b", 0)))
    consent = told(CONFIRM, 6, phase=Phase.WAITING)
    started = step(GATED, gated.status, seen_at(7, target=pods("b", 0), samples=(consent,)))

    assert (gated.event, gated.status.phase, gated.status.gate) == (Event.GATED, Phase.WAITING, gate_at(CONFIRM, 5))
    assert (gated.desired.canary_replicas, gated.desired.weight, gated.status.started_at) == (None, 0, at(5))
    assert gated.announcement is not None
    assert gated.announcement.message == "Revision b is new: it waits for confirm-rollout"
    assert called(asking) == [CONFIRM]
    assert (started.event, started.status.phase, started.status.gate) == (Event.CONFIRMED, Phase.PROGRESSING, None)
    assert (started.desired.canary_replicas, started.status.not_ready_since) == (2, at(7))


@pytest.mark.parametrize("answer", ["no", "down"])
def test_it_waits_on_without_consent(answer: str) -> None:
    """Refused or out of reach, it waits and asks again ten seconds later."""
    closed = told(CONFIRM, 5, answer, phase=Phase.WAITING)

    waiting = step(GATED, WAITING, seen_at(6, samples=(closed,)))

    assert (waiting.event, waiting.asks, waiting.wake_at) == (Event.WAITED, (), at(15))
    assert called(step(GATED, WAITING, seen_at(15, samples=(closed,)))) == [CONFIRM]


@pytest.mark.parametrize(("over", "event"), [("fail", Event.ROLLBACK), ("advance", Event.CONFIRMED)])
def test_the_approval_of_a_start_may_have_a_deadline(over: str, event: Event) -> None:
    """Counted from when the release began to wait."""
    spec = spec_of(webhooks=[by_hand(CONFIRM) | {"deadline": "60s", "onDeadline": over}])

    assert step(spec, WAITING, seen_at(59)).wake_at == at(60)
    assert step(spec, WAITING, seen_at(60)).event is event


def test_a_newer_revision_waits_anew() -> None:
    """Its consent is asked for by itself, its deadline is its own, and it is the one that is told."""
    newer = step(GATED, WAITING, seen_at(30, target=pods("c")))

    assert (newer.event, newer.status.gate, newer.status.last_applied_spec) == (Event.GATED, gate_at(CONFIRM, 30), "c")
    assert newer.status.started_at == at(30)
    assert called(step(GATED, newer.status, seen_at(31, target=pods("c"), samples=(told(CONFIRM, 31),)))) == [CONFIRM]


def test_the_promoted_revision_needs_no_approval() -> None:
    """Back to what serves already: the wait is over, and nothing was released."""
    reverted = step(GATED, WAITING, seen_at(30, target=pods("a")))

    assert (reverted.event, reverted.status.phase, reverted.status.gate) == (Event.REVERTED, Phase.SUCCEEDED, None)
    assert reverted.status.finished_at == at(30)


def test_a_target_that_is_deleted_while_it_waits_ends_the_release() -> None:
    """There is nothing left to confirm."""
    assert step(GATED, WAITING, seen_at(30, target=None)).event is Event.ROLLBACK


def test_the_canary_of_the_run_before_drains_while_the_next_waits() -> None:
    """Its pods go when it has fallen silent: what waits is not started before somebody says so."""
    waiting = running(0, phase=Phase.WAITING, gate=gate_at(CONFIRM), drain_started_at=EPOCH)
    no = told(CONFIRM, 1, "no", phase=Phase.WAITING)

    draining = step(GATED, waiting, seen_at(5, samples=(no,)))
    drained = step(GATED, waiting, seen_at(5, samples=(no, sample(SILENCE, 5, 0.0))))

    assert (draining.asks, draining.desired.canary_replicas) == ((SILENCE,), None)
    assert (drained.event, drained.status.drained, drained.desired.canary_replicas) == (Event.DRAINED, True, 0)


@pytest.mark.parametrize(
    ("verb", "event", "phase"),
    [
        ("approve", Event.APPROVED, Phase.WAITING), ("reject", Event.ROLLBACK, Phase.FAILED),
        ("abort", Event.ROLLBACK, Phase.FAILED), ("undo", Event.ROLLBACK, Phase.FAILED),
    ],
)  # fmt: skip
def test_a_person_decides_as_well(verb: str, event: Event, phase: Phase) -> None:
    """Whatever the hook says."""
    seen = seen_at(5, actions=(Action(verb=Verb(verb), id="1", user="ann"),))

    decision = step(GATED, WAITING, seen)

    assert (decision.event, decision.status.phase) == (event, phase)
    if verb == "approve":
        assert step(GATED, decision.status, seen).event is Event.CONFIRMED


def test_the_canary_is_tested_before_its_first_request() -> None:
    """When all pods are ready, and not before; then it gets its first weight."""
    growing = step(TESTED, running(0), seen_at(5, target=pods("b", ready=False)))
    asking = step(TESTED, running(0), seen_at(5))
    passed = step(TESTED, running(0), seen_at(6, samples=(told(TEST, 5),)))

    assert (called(growing), called(asking), asking.desired.weight) == ([], [TEST], 0)
    assert (passed.event, passed.desired.weight) == (Event.ADVANCE, 10)


def test_a_test_that_fails_is_a_failed_check_once() -> None:
    """Each answer counts for one; the next test is an interval later, and the threshold ends the run."""
    refused = told(TEST, 5, "404 on /health")

    first = step(TESTED, running(0), seen_at(6, samples=(refused,)))
    between = step(TESTED, first.status, seen_at(7, samples=(refused,)))
    again = step(TESTED, first.status, seen_at(15, samples=(refused,)))
    second = step(TESTED, first.status, seen_at(16, samples=(told(TEST, 15, "404 on /health"),)))

    assert (first.event, first.status.failed_checks, first.status.last_check_at) == (Event.CHECK_FAILED, 1, at(5))
    assert first.message == "pre-rollout: 404 on /health; failed check 1 of 2"
    assert (between.event, between.asks, between.wake_at, between.status.failed_checks) == (
        Event.WAITED, (), at(15), 1,
    )  # fmt: skip
    assert called(again) == [TEST]
    assert (second.event, second.desired.weight) == (Event.ROLLBACK, 0)


def test_a_test_that_can_not_be_reached_is_no_failed_check() -> None:
    """It says nothing of the canary: the first weight is held, and asked again an interval later."""
    down = step(TESTED, running(0), seen_at(6, samples=(told(TEST, 5, "down"),)))
    passed = step(TESTED, down.status, seen_at(16, samples=(told(TEST, 15),)))

    assert (down.event, down.status.failed_checks, down.desired.weight) == (Event.UNDECIDED, 0, 0)
    assert down.status.consecutive_errors == 1
    assert passed.event is Event.ADVANCE


def test_found_errors_before_the_first_step_counted_as_in_a_row_after_it() -> None:
    """A test that was reached at last ends the row of those that were not."""
    passed = step(TESTED, running(0, consecutive_errors=3), seen_at(16, samples=(told(TEST, 15),)))

    assert (passed.event, passed.status.consecutive_errors) == (Event.ADVANCE, 0)


def test_all_tests_must_pass() -> None:
    """One that fails fails the check, whatever the others say."""
    spec = spec_of(threshold=2, webhooks=[hook(TEST, "smoke"), hook(TEST, "load")])
    answers: dict[str, Any] = {"samples": (told(TEST, 5, name="smoke"), told(TEST, 5, "slow", name="load"))}

    assert step(spec, running(0), seen_at(6, **answers)).message == "load: slow; failed check 1 of 2"


def test_no_test_stands_before_the_promotion_of_what_is_not_analysed() -> None:
    """With skipAnalysis they are skipped like all other checks."""
    spec = TESTED.model_copy(update={"skip_analysis": True})

    assert step(spec, running(0), seen_at(5)).event is Event.STEPS_PASSED


def test_skipping_the_analysis_in_mid_run_promotes_when_the_pods_are_ready() -> None:
    """Whatever the step was: it goes to the primary at once, but never without its pods."""
    spec = TESTED.model_copy(update={"skip_analysis": True})
    growing = pods("b", available=1, replicas=2, ready=False)

    assert step(spec, running(20), seen_at(3, route_weight=20)).event is Event.STEPS_PASSED
    assert step(spec, running(20), seen_at(3, route_weight=20, target=growing)).event is Event.WAITED
