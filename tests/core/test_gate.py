"""Gates: who keeps them closed, how often they are asked, what opens them, and what happens at their deadlines."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.measurement import Sample
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import (
    at,
    bad,
    by_hand,
    called,
    gate_at,
    good,
    hook,
    passed_at,
    running,
    seen_at,
    spec_of,
    told,
)

KIND = "confirm-traffic-increase"


def _spec(*hooks: dict[str, Any], **analysis: Any) -> CanarySpec:
    return spec_of(webhooks=list(hooks), **analysis)


def _shut(**changes: Any) -> CanaryStatus:
    """At 10 % since second 0, judged and passed at 60, and held by the gate since."""
    known: dict[str, Any] = {"gate": gate_at(KIND, 60), "metrics": passed_at(60), "iterations": 1}
    return running(10, **(known | {"last_check_at": at(60)} | changes))


def _look(spec: CanarySpec, status: CanaryStatus, seconds: float, *answers: Sample) -> Decision:
    return step(spec, status, seen_at(seconds, route_weight=10, samples=answers))


def test_a_gate_is_asked_only_when_the_step_has_passed() -> None:
    """First the judgement; then whoever confirms is asked, and the weight rises with the consent."""
    spec = _spec(hook(KIND))

    judging = _look(spec, running(10), 10)
    asking = _look(spec, running(10), 10, *good(10))
    failing = _look(spec, running(10), 10, *bad(10))
    raised = _look(spec, running(10), 10.2, *good(10), told(KIND, 10.1))

    assert (called(judging), called(asking), called(failing)) == ([], [KIND], [])
    assert (asking.event, asking.message) == (Event.WAITED, f"asking {KIND} {KIND}")
    assert (raised.event, raised.desired.weight, raised.status.gate) == (Event.ADVANCE, 20, None)


@pytest.mark.parametrize("answer", ["not today", "down"])
def test_a_closed_gate_holds_and_is_told_once(answer: str) -> None:
    """Whether it refuses or can't be reached: nothing is raised, it is said since when and why, and only once."""
    spec = _spec(hook(KIND))
    why = "no answer" if answer == "down" else answer

    held = _look(spec, running(10), 10, *good(10), told(KIND, 10, answer))
    again = _look(spec, held.status, 20, *good(20), told(KIND, 20, answer))
    late = _look(spec, held.status, 70, *good(70), told(KIND, 70, answer))

    assert (held.event, again.event, late.event) == (Event.HELD, Event.WAITED, Event.HELD)
    assert (held.desired.weight, again.desired.weight) == (10, 10)
    assert held.status.gate == again.status.gate == gate_at(KIND, 10, message=f"{KIND} {KIND}: {why}")
    assert held.announcement is not None
    assert held.announcement.message == f"Held at 10 %: {KIND} {KIND}: {why}"
    assert (again.announcement, late.announcement) == (None, None)
    assert (again.status.last_check_at, late.status.last_check_at) == (at(10), at(70))


def test_a_closed_gate_is_asked_again() -> None:
    """Every ten seconds; in between nobody asks, and it says when."""
    spec, no = _spec(hook(KIND), interval="60s"), told(KIND, 61, "no")

    between = _look(spec, _shut(), 70, no)
    due = _look(spec, _shut(), 71, no)

    assert (between.event, called(between), between.wake_at) == (Event.WAITED, [], at(71))
    assert between.message == due.message == f"holding 10 %: {KIND} {KIND}: no"
    assert called(due) == [KIND]


def test_a_closed_gate_is_asked_again_in_each_short_interval() -> None:
    """Where the interval is shorter than ten seconds, nobody waits for them."""
    spec, no = _spec(hook(KIND), interval="4s"), told(KIND, 5, "no")
    held = running(0, gate=gate_at(KIND, 5))

    between = step(spec, held, seen_at(8.9, samples=(no,)))
    due = step(spec, held, seen_at(9, samples=(no,)))

    assert (called(between), between.wake_at, called(due)) == ([], at(9), [KIND])


def test_a_gate_opens_between_two_judgements() -> None:
    """What was held by the gate alone goes on when it opens, not an interval later."""
    raised = _look(_spec(hook(KIND), interval="60s"), _shut(), 75, told(KIND, 74))

    assert (raised.event, raised.message, raised.desired.weight) == (Event.ADVANCE, "the gate is open", 20)


@pytest.mark.parametrize("changes", [{"paused_at": at(62)}, {"metrics": ()}, {"iterations": 0}])
def test_an_open_gate_is_not_enough(changes: dict[str, Any]) -> None:
    """Paused, or without a judgement that passed, the release stays where it is."""
    decision = _look(_spec(hook(KIND), interval="60s"), _shut(**changes), 75, told(KIND, 74))

    assert (decision.event, decision.message) == (Event.WAITED, "holding 10 %")


def test_all_hooks_of_a_gate_must_consent() -> None:
    """One that says no holds what all others let pass; it alone is named, and it alone is asked again."""
    spec = _spec(hook(KIND, "load"), hook(KIND, "duty"), hook("confirm-promotion", "boss"), interval="60s")
    answers = (told(KIND, 61, name="load"), told(KIND, 61, "asleep", name="duty"))

    held = _look(spec, _shut(), 65, *answers)
    asking = _look(spec, _shut(), 71, *answers)
    raised = _look(spec, _shut(), 71, told(KIND, 71, name="duty"), *answers)

    assert (held.message, called(held), called(asking)) == (f"holding 10 %: {KIND} duty: asleep", [], ["duty"])
    assert raised.event is Event.ADVANCE


def test_an_old_consent_is_asked_for_again() -> None:
    """A consent holds for the poll and the longest that its call may take: 10 s each here."""
    spec = _spec(hook(KIND, "load"), by_hand(KIND) | {"name": "duty"}, interval="60s")

    assert called(_look(spec, _shut(), 81, told(KIND, 61, name="load"))) == []
    assert called(_look(spec, _shut(), 81.5, told(KIND, 61, name="load"))) == ["load"]


def test_a_gate_without_a_url_waits_for_a_person() -> None:
    """Nobody is asked over HTTP, and there is nothing to wake for but the next judgement."""
    spec = _spec(by_hand(KIND))

    held = _look(spec, running(10), 10, *good(10))
    waiting = _look(spec, held.status, 15)
    approve = (Action(verb=Verb.APPROVE, id="1"),)
    approved = step(spec, waiting.status, seen_at(15, route_weight=10, actions=approve))
    raised = _look(spec, approved.status, 15)

    assert held.message == f"{KIND} {KIND} waits for an approval"
    assert (waiting.event, waiting.asks, waiting.wake_at) == (Event.WAITED, (), at(20))
    assert (approved.event, approved.desired.weight) == (Event.APPROVED, 10)
    assert (raised.event, raised.desired.weight, raised.status.gate) == (Event.ADVANCE, 20, None)


def test_an_approval_overrides_whoever_says_no() -> None:
    """A person's word counts for this gate and this step, and stays until a judgement passes."""
    spec, approved = _spec(hook(KIND), interval="60s", threshold=2), gate_at(KIND, 60, approved=True)

    at_once = _look(spec, _shut(gate=approved), 75, told(KIND, 74, "no"))
    failed = _look(spec, _shut(gate=approved, metrics=()), 120, *bad(120), told(KIND, 119, "no"))
    raised = _look(spec, failed.status, 180, *good(180), told(KIND, 179, "no"))

    assert (at_once.event, at_once.status.gate) == (Event.ADVANCE, None)
    assert (failed.event, failed.status.gate) == (Event.CHECK_FAILED, approved)
    assert (raised.event, raised.status.gate) == (Event.ADVANCE, None)


@pytest.mark.parametrize(
    ("over", "event", "message"),
    [
        ("fail", Event.ROLLBACK, f"{KIND} {KIND} was not opened within 30s"),
        ("advance", Event.ADVANCE, "the gate is open"),
    ],
)
@pytest.mark.parametrize("asked", [hook(KIND), by_hand(KIND)], ids=["over HTTP", "by hand"])
def test_a_gate_has_a_deadline(asked: dict[str, Any], over: str, event: Event, message: str) -> None:
    """It ends the release or opens, at the very instant, whatever the last answer was; before, it is waited for."""
    spec = _spec(asked | {"deadline": "30s", "onDeadline": over}, interval="60s")
    no = (told(KIND, 85, "no"),) if asked["url"] else ()

    before = _look(spec, _shut(), 89, *no)
    then = _look(spec, _shut(), 90, *no)

    assert (before.event, before.wake_at) == (Event.WAITED, at(90))
    assert (then.event, then.message, then.status.gate) == (event, message, None)
    assert then.desired.weight == (20 if over == "advance" else 0)


def test_a_deadline_that_opens_leaves_the_others_closed() -> None:
    """Of two hooks, one that opens at its deadline opens nothing that the other keeps closed."""
    spec = _spec(by_hand(KIND) | {"deadline": "5s", "onDeadline": "advance"}, hook(KIND, "duty"), interval="60s")

    assert _look(spec, _shut(), 70, told(KIND, 69, "no", name="duty")).message == f"holding 10 %: {KIND} duty: no"


def test_a_gate_before_the_first_step() -> None:
    """Pods are ready, and the first weight waits; polled, and raised as soon as it opens."""
    spec = _spec(hook(KIND))

    asking = step(spec, running(0), seen_at(5))
    held = step(spec, running(0), seen_at(5, samples=(told(KIND, 5, "no"),)))
    waiting = step(spec, held.status, seen_at(6, samples=(told(KIND, 5, "no"),)))
    raised = step(spec, held.status, seen_at(16, samples=(told(KIND, 15),)))

    assert (called(asking), held.event, held.status.gate) == (
        [KIND], Event.HELD, gate_at(KIND, 5, message=f"{KIND} {KIND}: no"),
    )  # fmt: skip
    assert (waiting.event, waiting.wake_at, called(waiting)) == (Event.WAITED, at(15), [])
    assert (raised.event, raised.desired.weight) == (Event.ADVANCE, 10)


def test_the_gate_before_the_promotion_is_a_phase_of_its_own() -> None:
    """The last step passed; judged on while it waits, and to the primary as soon as it opens."""
    kind = "confirm-promotion"
    spec = _spec(hook(kind), threshold=2)

    seen = seen_at(10, route_weight=50, samples=(*good(10), told(kind, 10, "no")))
    waiting = step(spec, running(50), seen)
    failing = step(spec, waiting.status, seen_at(20, route_weight=50, samples=bad(20)))
    held = step(spec, failing.status, seen_at(21, route_weight=50, samples=(told(kind, 21),)))
    opened = step(spec, waiting.status, seen_at(15, route_weight=50, samples=(told(kind, 15),)))

    assert (waiting.event, waiting.status.phase) == (Event.PROMOTION_GATED, Phase.WAITING_PROMOTION)
    assert waiting.status.gate == gate_at(kind, 10, message=f"{kind} {kind}: no")
    assert (failing.event, failing.status.phase, held.event) == (
        Event.CHECK_FAILED, Phase.WAITING_PROMOTION, Event.WAITED,
    )  # fmt: skip
    assert (opened.event, opened.status.phase, opened.status.gate) == (Event.STEPS_PASSED, Phase.PROMOTING, None)


def test_a_gate_that_is_taken_out_of_the_spec_is_open() -> None:
    """Nobody has to confirm any more."""
    raised = _look(spec_of(interval="60s"), _shut(), 75)

    assert (raised.event, raised.desired.weight) == (Event.ADVANCE, 20)
