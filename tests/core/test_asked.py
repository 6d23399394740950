"""What a person may ask for, when it is refused, and that each request counts once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.observed import SUSPENDED, Observed, Problem
from rollouts.core.phases import Event
from rollouts.core.plan import next_step
from rollouts.core.step import step
from tests.core.given import EPOCH, at, bad, by_hand, copy, gate_at, good, pods, running, seen_at, spec_of, status_in

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
    "no weight": (running(10), _progressing(actions=_ask("set-weight")), 'say which: {"id": "...", "weight": 40}'),
    "the weight it has": (running(10), _progressing(actions=_ask("set-weight", weight=10)), "has 10 % already"),
    "more weight without pods": (
        running(10), _progressing(actions=_ask("set-weight", weight=20), target=pods("b", ready=False)), "not all pods",
    ),
    "more weight while blocked": (
        running(10), _progressing(actions=_ask("set-weight", weight=20), problem=PORT_MISSING), "no port 80",
    ),
    "less weight, and nobody to take it": (
        running(10), _progressing(actions=_ask("set-weight", weight=5), primary=copy("a", 0, ready=False)),
        "no pod of the primary serves, and it would get more",
    ),
    "approve without a gate": (running(10), _progressing(actions=_ask("approve")), "the release waits at no gate"),
    "reject without a gate": (running(10), _progressing(actions=_ask("reject")), "the release waits at no gate"),
    "approve what is over": (OVER, seen_at(5, actions=_ask("approve")), "not possible in phase Failed"),
    "undo what is over": (
        OVER, seen_at(5, actions=_ask("undo")), "not possible in phase Failed: the version before is not kept",
    ),
    "promote what waits to start": (
        running(0, phase=Phase.WAITING, gate=gate_at("confirm-rollout")), seen_at(5, actions=_ask("promote")),
        "while it is Waiting, approve opens its gate",
    ),
    "too late to undo": (
        running(50, phase=Phase.PROMOTING),
        _progressing(50, actions=_ask("undo"), primary=copy("b", ready=False)),
        "too late, the primary has this revision",
    ),
    "a weight while it waits to be promoted": (
        running(50, phase=Phase.WAITING_PROMOTION), _progressing(50, actions=_ask("set-weight", weight=40)),
        "not possible in phase WaitingPromotion",
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

    decision = step(SPEC, running(30, paused_at=EPOCH), _progressing(30, actions=_ask("abort"), problem=problem))

    assert (decision.event, decision.status.phase) == (Event.ROLLBACK, Phase.FAILED)
    assert (decision.desired.weight, decision.status.paused_at) == (0, None)


def test_an_abort_of_the_only_side_that_serves_keeps_it() -> None:
    """Where the primary has no pod, ending the release does not end the service."""
    dead = copy("a", available=0, replicas=2, ready=False)

    decision = step(SPEC, running(30), _progressing(30, actions=_ask("abort"), primary=dead))

    assert (decision.event, decision.desired.weight) == (Event.STRANDED, 100)


def test_a_new_id_counts_again() -> None:
    """The same verb may be asked for again under another id."""
    first = step(SPEC, running(10), _progressing(actions=_ask("promote")))
    again = (Action(verb=Verb.PROMOTE, id="2"),)

    second = step(SPEC, first.status, _progressing(20, actions=again))

    assert (first.desired.weight, second.desired.weight) == (20, 30)
    assert [(taken.verb, taken.id) for taken in second.status.actions] == [("promote", "2")]


def test_a_promotion_of_the_last_step_goes_to_the_primary() -> None:
    """There is no further step to take."""
    assert step(SPEC, running(50), _progressing(50, actions=_ask("promote"))).event is Event.STEPS_PASSED


def test_a_pause_before_the_first_step_holds_it() -> None:
    """A canary whose pods are ready waits at 0 % as long as it is paused."""
    status = running(0, paused_at=EPOCH)

    assert step(SPEC, status, seen_at(5)).event is Event.WAITED
    assert step(SPEC, replace_paused(status), seen_at(5)).event is Event.ADVANCE


def replace_paused(status: CanaryStatus) -> CanaryStatus:
    """The same, not paused."""
    return status.model_copy(update={"paused_at": None})


def test_a_pause_holds_what_passes_and_not_what_fails() -> None:
    """A judgement that passes changes nothing but its result; one that reaches the threshold rolls back."""
    paused = running(10, paused_at=EPOCH, failed_checks=1)
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


SPEC_GATED = spec_of(threshold=2, webhooks=[by_hand("confirm-rollout")])
WAITING = running(0, phase=Phase.WAITING, gate=gate_at("confirm-rollout"))
AT_GATE = running(10, gate=gate_at("confirm-traffic-increase"))
PAUSED = running(10, paused_at=EPOCH)
DONE: dict[str, tuple[CanaryStatus, dict[str, Any], Event]] = {
    "pause": (running(10), {}, Event.PAUSED),
    "resume": (PAUSED, {}, Event.RESUMED),
    "promote": (running(10), {}, Event.ADVANCE),
    "promote in full": (running(10), {"full": True}, Event.STEPS_PASSED),
    "abort": (running(10), {}, Event.ROLLBACK),
    "undo": (running(10), {}, Event.ROLLBACK),
    "retry": (OVER, {}, Event.NEW_REVISION),
    "set-weight": (running(10), {"weight": 40}, Event.WEIGHT_SET),
    "approve": (AT_GATE, {}, Event.APPROVED),
    "reject": (AT_GATE, {}, Event.ROLLBACK),
    "approve the start": (WAITING, {}, Event.APPROVED),
    "reject the start": (WAITING, {}, Event.ROLLBACK),
    "abort before the start": (WAITING, {}, Event.ROLLBACK),
}  # fmt: skip


@pytest.mark.parametrize("verb", DONE)
def test_what_is_asked_is_done_once(verb: str) -> None:
    """Who asked and why is kept and told; the same request, seen again by whichever process, does nothing more."""
    status, fields, event = DONE[verb]
    asked = _ask(verb.split(maxsplit=1)[0], user="ann", reason="because", **fields)
    seen = seen_at(5, route_weight=status.desired_weight, actions=asked)

    first = step(SPEC_GATED if status is WAITING else SPEC, status, seen)
    again = step(SPEC_GATED if status is WAITING else SPEC, CanaryStatus.model_validate(first.status.to_wire()), seen)

    taken = first.status.actions[-1]
    assert (first.event, taken.verb, taken.id, taken.user) == (event, verb.split(maxsplit=1)[0], "1", "unverified: ann")
    assert (taken.outcome, taken.taken_at) == ("Done", seen.now)
    assert first.announcement is not None
    assert "by ann (unverified): because" in first.announcement.message
    assert again.status.actions == first.status.actions
    assert again.event not in {event, Event.REFUSED} or event is Event.ROLLBACK


@pytest.mark.parametrize(
    ("weight", "index", "following"), [(5, 1, 10), (25, 2, 30), (40, 4, 50), (80, 5, None), (0, 0, 10)]
)
def test_a_weight_by_hand_has_its_place_in_the_schedule(weight: int, index: int, following: int | None) -> None:
    """The whole dwell is before it, and the next step upward follows; at 0, paused, it begins anew."""
    gate, paused_at = gate_at("confirm-traffic-increase"), None if weight else EPOCH
    status = running(30, last_check_at=at(4), iterations=1, gate=gate, paused_at=paused_at)

    decision = step(SPEC, status, _progressing(30, actions=_ask("set-weight", weight=weight)))
    after = decision.status

    assert (decision.event, after.phase, decision.desired.weight) == (
        Event.WEIGHT_SET, Phase.PROGRESSING, weight,
    )  # fmt: skip
    assert (after.step_index, after.dwell_started_at, after.last_check_at, after.iterations, after.gate) == (
        index, None, None, 0, None,
    )  # fmt: skip
    found = next_step(SPEC.analysis, after)
    assert (found.weight if found is not None else None) == following


def test_a_strategy_without_weights_has_none_to_set() -> None:
    """In blue-green and A/B a person goes on by a whole step."""
    status = running(0, strategy="BlueGreen", step_index=1)

    decision = step(spec_of(iterations=2), status, _progressing(0, actions=_ask("set-weight", weight=5)))

    assert (decision.event, decision.desired.weight) == (Event.REFUSED, 0)
    assert decision.message == "set-weight: this strategy has no weights: promote goes on by one step"


@pytest.mark.parametrize("verb", ["abort", "reject", "undo"])
def test_a_release_before_its_start_gets_nothing_by_its_end(verb: str) -> None:
    """Not even where the primary is dead: what nobody has approved serves nobody."""
    dead = copy("a", available=0, replicas=2, ready=False)

    decision = step(SPEC_GATED, WAITING, seen_at(5, actions=_ask(verb), primary=dead))

    assert (decision.event, decision.desired.weight) == (Event.ROLLBACK, 0)


def test_a_retry_has_to_be_confirmed_like_the_first_time() -> None:
    """The approval was for that run."""
    again = step(SPEC_GATED, OVER, seen_at(5, actions=_ask("retry")))

    assert (again.event, again.status.phase, again.status.gate) == (
        Event.GATED, Phase.WAITING, gate_at("confirm-rollout", 5),
    )  # fmt: skip
    assert again.message == "revision b is released again: retry"


def test_one_request_of_each_kind_is_remembered() -> None:
    """Those of other kinds stay, in the order in which they came."""
    status = running(10)
    for verb, id_ in (("pause", "1"), ("resume", "2"), ("pause", "3")):
        status = step(SPEC, status, seen_at(5, actions=(Action(verb=Verb(verb), id=id_),))).status

    assert [(taken.verb, taken.id) for taken in status.actions] == [("resume", "2"), ("pause", "3")]


def test_a_weight_of_0_by_hand_needs_a_pause() -> None:
    """Nothing else would keep it there: the canary is ready for its first weight."""
    decision = step(SPEC, running(30), _progressing(30, actions=_ask("set-weight", weight=0)))

    assert (decision.event, decision.desired.weight) == (Event.REFUSED, 30)
    assert decision.announcement is not None
    assert "pause it first" in decision.announcement.message
