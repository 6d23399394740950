"""What a person may ask for, when it is refused, and that each request counts once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.observed import SUSPENDED, Observed, Problem
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import bad, copy, good, pods, running, seen_at, spec_of, status_in

SPEC = spec_of(threshold=2)


def _ask(verb: str, **fields: Any) -> tuple[Action, ...]:
    return (Action(verb=Verb(verb), id="1", **fields),)


def _progressing(weight: int = 10, **changes: Any) -> Observed:
    return seen_at(5, **{"route_weight": weight, **changes})


PORT_MISSING = Problem("PortMissing", "no port 80")
STRANDED = running(100, phase=Phase.FAILED)
OVER = status_in(Phase.FAILED, last_applied_spec="b")
REFUSALS: dict[str, tuple[CanaryStatus, Observed, str]] = {
    "resume what runs": (running(10), _progressing(actions=_ask("resume")), "it is not paused"),
    "retry what runs": (running(10), _progressing(actions=_ask("retry")), "not possible in phase Progressing"),
    "meant for another": (
        running(10), _progressing(actions=_ask("abort", revision="a")), "meant for revision a, and b is released",
    ),
    "badly written": (running(10), _progressing(actions=_ask("abort", flaw="id: missing")), "id: missing"),
    "target changed": (
        running(10), _progressing(actions=_ask("promote"), target=pods("c")), "the target has changed meanwhile",
    ),
    "target gone": (running(10), _progressing(actions=_ask("promote"), target=None), "the target has changed"),
    "canary not ready": (
        running(10), _progressing(actions=_ask("promote"), target=pods("b", ready=False)), "not all pods are ready",
    ),
    "primary not ready": (
        running(10), _progressing(actions=_ask("promote"), primary=copy("a", ready=False)), "not all pods are ready",
    ),
    "blocked": (running(10), _progressing(actions=_ask("promote"), problem=PORT_MISSING), "no port 80"),
    "only the canary serves": (
        STRANDED, _progressing(100, actions=_ask("retry"), primary=copy("b", ready=False)), "apply another revision",
    ),
    "too late": (
        running(50, phase=Phase.PROMOTING),
        _progressing(50, actions=_ask("abort"), primary=copy("b", ready=False)),
        "too late, the primary has this revision",
    ),
    "nothing failed": (OVER, seen_at(5, actions=_ask("retry"), target=pods("a")), "there is no failed revision"),
    "nothing there": (OVER, seen_at(5, actions=_ask("retry"), target=None), "there is no failed revision"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "seen", "why"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_can_not_be_done_is_refused_once(status: CanaryStatus, seen: Observed, why: str) -> None:
    """Phase and weight stay, the reason is told loudly, and the request is never looked at again."""
    decision = step(SPEC, status, seen)

    assert decision.event is Event.REFUSED
    assert (decision.status.phase, decision.status.desired_weight) == (status.phase, status.desired_weight)
    assert decision.announcement is not None
    assert decision.announcement.warning
    assert why in decision.announcement.message
    assert decision.status.actions[0].outcome == "Refused"
    assert step(SPEC, decision.status, seen).event is not Event.REFUSED


def test_an_abort_works_whatever_else_is_wrong() -> None:
    """Neither a problem nor a suspended judgement keeps a person from ending a release."""
    problem = Problem("PortMissing", "no port 80")

    decision = step(SPEC, running(30, paused=True), _progressing(30, actions=_ask("abort"), problem=problem))

    assert (decision.event, decision.status.phase) == (Event.ROLLBACK, Phase.FAILED)
    assert (decision.desired.weight_percent, decision.status.paused) == (0, False)


def test_an_abort_of_the_only_side_that_serves_keeps_it() -> None:
    """Where the primary has no pod, ending the release does not end the service."""
    dead = copy("a", available=0, replicas=2, ready=False)

    decision = step(SPEC, running(30), _progressing(30, actions=_ask("abort"), primary=dead))

    assert (decision.event, decision.desired.weight_percent) == (Event.STRANDED, 100)


def test_a_new_id_counts_again() -> None:
    """The same verb may be asked for again under another id."""
    first = step(SPEC, running(10), _progressing(actions=_ask("promote")))
    again = (Action(verb=Verb.PROMOTE, id="2"),)

    second = step(SPEC, first.status, _progressing(20, actions=again))

    assert (first.desired.weight_percent, second.desired.weight_percent) == (20, 30)
    assert [(taken.verb, taken.id) for taken in second.status.actions] == [("promote", "2")]


def test_a_promotion_of_the_last_step_goes_to_the_primary() -> None:
    """There is no further step to take."""
    assert step(SPEC, running(50), _progressing(50, actions=_ask("promote"))).event is Event.STEPS_PASSED


def test_a_pause_before_the_first_step_holds_it() -> None:
    """A canary whose pods are ready waits at 0 % as long as it is paused."""
    status = running(0, paused=True)

    assert step(SPEC, status, seen_at(5)).event is Event.WAITED
    assert step(SPEC, replace_paused(status), seen_at(5)).event is Event.ADVANCE


def replace_paused(status: CanaryStatus) -> CanaryStatus:
    """The same, not paused."""
    return status.model_copy(update={"paused": False})


def test_a_pause_holds_what_passes_and_not_what_fails() -> None:
    """A judgement that passes changes nothing but its result; one that reaches the threshold rolls back."""
    paused = running(10, paused=True, failed_checks=1)
    seen = replace(seen_at(10, route_weight=10), samples=good(10))

    held = step(SPEC, paused, seen)
    failed = step(SPEC, paused, replace(seen, samples=bad(10)))

    assert (held.event, held.status.desired_weight, held.announcement) == (Event.UNDECIDED, 10, None)
    assert (failed.event, failed.status.desired_weight) == (Event.ROLLBACK, 0)


def test_a_suspended_canary_is_left_alone() -> None:
    """No question, no wake-up, nothing to be looked after; said once, without alarm."""
    spec = SPEC.model_copy(update={"suspend": True})
    seen = replace(seen_at(10, route_weight=10, actions=_ask("abort")), samples=bad(10))

    first = step(spec, running(10), seen)
    second = step(spec, first.status, seen)

    assert (first.status.phase, first.status.desired_weight) == (Phase.PROGRESSING, 10)
    assert (first.asks, first.wake_at, first.desired.routing, first.desired.canary_replicas) == ((), None, False, None)
    assert first.announcement is not None
    assert (first.announcement.reason, first.announcement.warning) == (SUSPENDED.reason, False)
    assert (second.status, second.announcement) == (first.status, None)
