"""When a run began, was paused, came to its end; since when a gate is closed; each stamped once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.phases import TRANSITIONS, Event
from rollouts.core.step import step
from tests.core.examples import EXAMPLES, PAIRS
from tests.core.given import (
    EPOCH,
    at,
    by_hand,
    gate_at,
    good,
    passed_at,
    pods,
    running,
    seen_at,
    spec_of,
    status_in,
)

STARTS = {Event.NEW_REVISION, Event.GATED, Event.RESCUE, Event.SUPERSEDED}
OVER = {Phase.SUCCEEDED, Phase.FAILED}
LONG_AGO = EPOCH.replace(year=2025)


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_begin_and_end_of_a_run_are_stamped(phase: Phase, event: Event) -> None:
    """A run begins with each new revision that is released, and ends with the phase, or with the Canary."""
    example, row = EXAMPLES[phase][event], TRANSITIONS[phase, event]
    before = example.status.model_copy(update={"started_at": LONG_AGO, "finished_at": LONG_AGO})

    after = replace(example, status=before).decide().status

    begins = event is Event.UNDONE or (event in STARTS and row.to is not Phase.PROMOTING)
    resting = {Phase.INITIALIZING, Phase.INITIALIZED, *OVER, Phase.TERMINATING}
    cut_short = row.to is Phase.TERMINATING and phase not in resting
    ends = (row.to in OVER and phase is not row.to) or cut_short
    assert after.started_at == (example.seen.now if begins else LONG_AGO)
    assert after.finished_at == (None if begins else example.seen.now if ends else LONG_AGO)


def _asked(status: CanaryStatus, verb: str, seconds: float, id_: str) -> CanaryStatus:
    actions = (Action(verb=Verb(verb), id=id_),)
    return step(spec_of(), status, seen_at(seconds, route_weight=10, actions=actions)).status


def test_a_pause_is_stamped_until_it_ends() -> None:
    """Also a second pause is the one that counts; a judgement changes nothing, and resume takes the stamp away."""
    paused = _asked(running(10), "pause", 3, "1")
    judged = step(spec_of(), paused, seen_at(10, route_weight=10, samples=good(10))).status
    again = _asked(judged, "pause", 12, "2")
    resumed = _asked(again, "resume", 14, "3")

    assert [status.paused_at for status in (paused, judged, again, resumed)] == [at(3), at(3), at(12), None]


@pytest.mark.parametrize("event", [Event.NEW_REVISION, Event.ROLLBACK, Event.STEPS_PASSED, Event.REVERTED])
def test_a_pause_ends_with_its_run(event: Event) -> None:
    """What comes next is not paused."""
    example = EXAMPLES[Phase.PROGRESSING][event]
    asked = example.asked("promote", full=True) if event is Event.STEPS_PASSED else example

    decision = replace(asked, status=example.status.model_copy(update={"paused_at": EPOCH})).decide()

    assert (decision.event, decision.status.paused_at) == (event, None)


def test_a_pause_outlives_the_way_to_a_gate() -> None:
    """A release that is paused while it waits to be promoted stays paused when it loses its pods."""
    example = EXAMPLES[Phase.WAITING_PROMOTION][Event.CANARY_LOST]

    lost = replace(example, status=example.status.model_copy(update={"paused_at": EPOCH})).decide().status

    assert (lost.phase, lost.paused_at) == (Phase.PROGRESSING, EPOCH)


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_a_gate_is_stamped_while_it_is_closed(phase: Phase, event: Event) -> None:
    """Since when is kept while the release stays there, and no gate stays behind it."""
    example, row = EXAMPLES[phase][event], TRANSITIONS[phase, event]
    before, now = example.status.gate, example.seen.now

    after = example.decide().status.gate

    if (phase, event) == (Phase.WAITING, Event.HELD):
        # By a window: the gate is asked when that is open.
        assert after is None
    elif event in {Event.GATED, Event.HELD, Event.PROMOTION_GATED}:
        assert after is not None
        assert after.since == now
    elif row.to is phase and row.share == "keep":
        assert (after.since if after is not None else None) == (before.since if before is not None else None)
    else:
        assert after is None


def test_a_gate_keeps_its_stamp_over_many_answers() -> None:
    """The deadline counts from the first no."""
    kind = "confirm-promotion"
    spec = spec_of(webhooks=[by_hand(kind)])
    status = running(50, phase=Phase.WAITING_PROMOTION, gate=gate_at(kind, 10), metrics=passed_at(10), iterations=1)

    for second in (20, 30, 80, 140):
        status = step(spec, status, seen_at(second, route_weight=50, samples=good(second))).status

    assert (status.gate, status.last_check_at) == (gate_at(kind, 10), at(140))


def test_a_run_that_waits_and_starts_has_one_beginning() -> None:
    """When its revision was seen; the approval does not move it."""
    spec = spec_of(webhooks=[by_hand("confirm-rollout")])
    gated = step(spec, status_in(Phase.SUCCEEDED), seen_at(5, target=pods("b"))).status
    approve = (Action(verb=Verb.APPROVE, id="1"),)
    approved = step(spec, gated, seen_at(50, actions=approve)).status

    started = step(spec, approved, seen_at(50, actions=approve)).status

    assert (started.phase, started.started_at, started.last_transition_time) == (Phase.PROGRESSING, at(5), at(50))
