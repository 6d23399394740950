"""What gates did wrong once."""

from __future__ import annotations

from rollouts.api.actions import Action, Verb
from rollouts.api.status import Phase
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.examples import PROBLEM
from tests.core.given import at, by_hand, called, gate_at, good, hook, passed_at, pods, running, seen_at, spec_of, told

KIND = "confirm-traffic-increase"
SHUT = running(10, gate=gate_at(KIND), metrics=passed_at(0), last_check_at=at(55), iterations=1)


def test_found_an_open_gate_ended_the_release_at_its_deadline() -> None:
    """A deadline is for the hook that keeps the gate closed; one beside it that has long consented goes unharmed."""
    spec = spec_of(webhooks=[hook(KIND, "fast", deadline="60s"), hook(KIND, "slow")])
    answers = (told(KIND, 50, name="fast"), told(KIND, 55, "not yet", name="slow"))

    assert step(spec, SHUT, seen_at(60, route_weight=10, samples=answers)).event is Event.WAITED


def test_found_a_gate_that_nobody_had_asked_ended_the_release_at_its_deadline() -> None:
    """A process that was down at the deadline asks before it ends anything: the consent may be there since long."""
    spec = spec_of(webhooks=[hook(KIND, deadline="60s")])

    asked = step(spec, SHUT, seen_at(60, route_weight=10))
    opened = step(spec, asked.status, seen_at(61, route_weight=10, samples=(told(KIND, 60),)))
    ended = step(spec, asked.status, seen_at(61, route_weight=10, samples=(told(KIND, 60, "no"),)))

    assert called(asked) == [KIND]
    assert (opened.event, ended.event) == (Event.ADVANCE, Event.ROLLBACK)


def test_found_a_slow_no_kept_the_judgement_from_its_end() -> None:
    """An answer that takes longer than it holds closes the gate like any other: so it is told, and can be approved."""
    spec = spec_of(webhooks=[hook(KIND, timeout="30s")])
    late = (*good(32), told(KIND, 11, "no"))

    held = step(spec, running(10), seen_at(32, route_weight=10, samples=late))
    asking = step(spec, held.status, seen_at(32, route_weight=10, samples=late))

    assert (held.event, held.status.gate) == (Event.HELD, gate_at(KIND, 32, message=f"{KIND} {KIND}: no"))
    assert called(asking) == [KIND]


def test_found_a_slow_no_before_the_first_step() -> None:
    """The same where no judgement has been yet."""
    spec = spec_of(webhooks=[hook(KIND, timeout="30s")])
    late = seen_at(32, samples=(told(KIND, 11, "down"),))

    held = step(spec, running(0), late)

    assert (held.event, held.message) == (Event.HELD, f"{KIND} {KIND}: no answer")
    assert called(step(spec, held.status, late)) == [KIND]


def test_found_one_consent_opened_the_next_step_too() -> None:
    """Each step upward is asked for: what was said at the weight before does not count."""
    spec = spec_of(webhooks=[hook(KIND)])
    first = step(spec, running(10), seen_at(10, route_weight=10, samples=(*good(10), told(KIND, 10))))
    higher = first.status.model_copy(update={"dwell_started_at": at(10)})

    second = step(spec, higher, seen_at(21, route_weight=20, samples=(*good(21), told(KIND, 10))))

    assert (first.event, second.event, called(second)) == (Event.ADVANCE, Event.WAITED, [KIND])


def test_found_what_ended_a_run_ended_its_retry() -> None:
    """A hook that asked for the rollback of one run has said nothing of the next, of the same revision."""
    spec = spec_of(webhooks=[hook("rollback")])
    wanted = (told("rollback", 10),)
    failed = step(spec, running(10), seen_at(11, route_weight=10, samples=wanted))
    retry = (Action(verb=Verb.RETRY, id="1"),)

    again = step(spec, failed.status, seen_at(12, samples=wanted, actions=retry))
    asking = step(spec, again.status, seen_at(12, samples=wanted, actions=retry, target=pods("b", 1, ready=False)))

    assert (failed.event, again.event, asking.event) == (Event.ROLLBACK, Event.NEW_REVISION, Event.WAITED)
    assert called(asking) == ["rollback"]


def test_found_a_gate_behind_a_problem_was_never_told() -> None:
    """A release that is blocked waits for that alone; when it is mended, the gate is told, and can be approved."""
    spec = spec_of(webhooks=[by_hand("confirm-promotion")])
    seen = seen_at(10, route_weight=50, samples=good(10), problem=PROBLEM)

    blocked = step(spec, running(50), seen)
    waiting = step(spec, blocked.status, seen_at(20, route_weight=50, samples=good(20)))

    assert (blocked.event, blocked.status.gate) == (Event.BLOCKED, None)
    assert (waiting.event, waiting.status.phase) == (Event.PROMOTION_GATED, Phase.WAITING_PROMOTION)
    assert waiting.status.gate == gate_at("confirm-promotion", 20, message=waiting.message)


def test_found_a_failure_beyond_the_results_that_are_kept_opened_the_gate() -> None:
    """Sixteen results are kept, the one that decided among them: a gate that opens then is no way around it."""
    names = [f"test {number}" for number in range(15)]
    spec = spec_of(threshold=3, webhooks=[hook("rollout", name) for name in names] + [hook(KIND)])
    answers = [told("rollout", 70, name=name) for name in names[:-1]] + [told("rollout", 70, "no", name=names[-1])]

    failed = step(spec, SHUT, seen_at(71, route_weight=10, samples=(*good(70), *answers)))
    opened = step(spec, failed.status, seen_at(72, route_weight=10, samples=(told(KIND, 72),)))

    assert (failed.event, len(failed.status.metrics)) == (Event.CHECK_FAILED, 16)
    assert (opened.event, opened.desired.weight) == (Event.WAITED, 10)
