from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.status import CanaryStatus, Phase, SecretsRead
from rollouts.core.measurement import SecretProbe
from rollouts.core.observed import Problem, SecretSeen
from rollouts.core.phases import Event
from rollouts.core.step import step
from rollouts.core.tracking import run_on_old
from tests.core.examples import Example
from tests.core.given import EPOCH, at, by_hand, copy, gate_at, pods, running, seen_at, spec_of, status_in, with_hooks

SPEC = spec_of()
READ = SecretsRead(template="t", since=EPOCH, digests=("1",))


def secrets(digest: str | None = "1", seconds: float | None = 0, **more: Any) -> dict[str, Any]:
    """A target of template `t` that refers to one Secret, last read at that second."""
    seen = SecretSeen("password", digest, None if seconds is None else at(seconds), **more)
    return {"secrets": (seen,)}


def idle(**changes: Any) -> CanaryStatus:
    """At rest, with the Secret known."""
    return status_in(Phase.SUCCEEDED, **({"applied_template": "t", "secrets_read": READ} | changes))


def asks(status: CanaryStatus, seconds: float, **changes: Any) -> bool:
    """Whether the Secret is to be read now."""
    known = {"target": pods("a", 0, template="t")} | changes
    return SecretProbe("password") in step(SPEC, status, seen_at(seconds, **known)).asks


@pytest.mark.parametrize(
    ("seconds", "seen", "asked"),
    [
        pytest.param(10, secrets(), False, id="just read"),
        pytest.param(299, secrets(), False, id="nearly due"),
        pytest.param(300, secrets(), True, id="due after configResync"),
        pytest.param(10, secrets("1", None), True, id="only remembered"),
        pytest.param(10, secrets(None, None), True, id="unknown"),
        pytest.param(10, secrets(refused=True), False, id="not answered just now"),
        pytest.param(30, secrets(refused=True), True, id="not answered"),
        pytest.param(10, {}, False, id="no Secret"),
    ],
)
def test_a_secret_is_read_when_it_is_time(seconds: float, seen: dict[str, Any], *, asked: bool) -> None:
    """At rest, and not more often."""
    assert asks(idle(), seconds, **seen) == asked


def test_at_rest_it_wakes_for_the_next_reading_alone() -> None:
    """And without a Secret never."""
    target = pods("a", 0, template="t")
    assert step(SPEC, idle(), seen_at(10, target=target, **secrets())).wake_at == at(300)
    assert step(SPEC, idle(secrets_read=None), seen_at(10, target=target)).wake_at is None


def test_another_template_is_read_anew_before_it_is_news() -> None:
    """Whatever was read before: a Secret that is applied together with it must not be missed."""
    changed = {"target": pods("b", 0, template="u")}
    waiting = step(SPEC, idle(), seen_at(10, **changed, **secrets("1", 5)))
    assert waiting.event is Event.WAITED
    assert waiting.asks == (SecretProbe("password"),)

    answered = step(SPEC, waiting.status, seen_at(11, **changed, **secrets("2", 10)))
    assert answered.event is Event.NEW_REVISION
    assert answered.status.secrets_read == SecretsRead(template="u", since=at(10), digests=("2",))


def test_a_record_of_the_future_is_no_reason_to_ask_without_end() -> None:
    """Another process's clock may be ahead."""
    assert not asks(idle(secrets_read=READ.model_copy(update={"since": at(12)})), 10, **secrets("1", 9))


def test_one_that_no_longer_refers_to_secrets_forgets_them() -> None:
    """Their digests are nobody's matter any more."""
    assert step(SPEC, idle(), seen_at(10, target=pods("a", 0))).status.secrets_read is None


def test_nothing_is_made_before_the_secrets_are_read() -> None:
    """What would be copied is not known yet."""
    target = pods("a", template="t")
    begun = step(
        SPEC, CanaryStatus(), seen_at(0, target=target, primary=None, route_weight=None, **secrets(None, None))
    )
    assert (begun.event, begun.desired.copy_to_primary) == (Event.WAITED, False)
    assert begun.asks == (SecretProbe("password"),)


def test_a_change_that_waits_for_approval_is_read_first() -> None:
    """It is announced as the revision that it is."""
    spec = with_hooks(SPEC, [by_hand("confirm-rollout")])
    status = status_in(Phase.WAITING, last_applied_spec="b", gate=gate_at("confirm-rollout"), secrets_read=READ)
    seen = seen_at(5, target=pods("c", 0, template="u"), **secrets(None, None))
    assert step(spec, status, seen).event is Event.WAITED


def test_no_weight_is_given_to_what_is_not_read() -> None:
    """In mid-run the traffic goes at once, and the first step waits for the answer."""
    taken = step(
        SPEC, running(20, secrets_read=READ), seen_at(5, target=pods("c", template="u"), **secrets(None, None))
    )
    assert (taken.event, taken.status.desired_weight) == (Event.NEW_REVISION, 0)

    held = step(SPEC, taken.status, seen_at(6, target=pods("c", template="u"), **secrets(None, None)))
    assert held.event is Event.WAITED


@pytest.mark.parametrize(
    ("seconds", "read_at", "copied"),
    [(10, 9, False), (10, 10, True), (14, 10, True), (15, 10, False)],
    ids=["before it was decided", "since", "still", "no longer"],
)
def test_a_promotion_reads_them_once_more(seconds: float, read_at: float, *, copied: bool) -> None:
    """What is copied is what was read since the promotion was decided, and a moment ago."""
    record = READ.model_copy(update={"since": at(10)})
    status = running(50, Phase.PROMOTING, secrets_read=record, last_transition_time=at(10))
    seen = seen_at(seconds, target=pods("b", template="t"), route_weight=50, **secrets("1", read_at))
    decided = step(SPEC, status, seen)
    assert decided.desired.copy_to_primary == copied
    assert (SecretProbe("password") in decided.asks) != copied


def test_the_promotion_counts_from_its_decision() -> None:
    """Answers from before are not good enough for the copy."""
    spec = spec_of(stepWeights=[50])
    status = running(50, secrets_read=READ, applied_template="t").model_copy(update={"step_index": 1})
    asked = seen_at(1, target=pods("b", template="t"), **secrets(), actions=()).now
    promoting = step(
        spec.model_copy(update={"skip_analysis": True}),
        status.model_copy(update={"desired_weight": 0, "step_index": 0}),
        seen_at(1, target=pods("b", template="t"), **secrets()),
    )
    assert promoting.event is Event.STEPS_PASSED
    assert promoting.status.secrets_read is not None
    assert promoting.status.secrets_read.since == asked
    assert not promoting.desired.copy_to_primary


@pytest.mark.parametrize(
    ("status", "target", "old"),
    [
        pytest.param(idle(), pods("b", template="t"), True, id="content"),
        pytest.param(idle(), pods("b", template="u"), False, id="template"),
        pytest.param(idle(), pods("b", 0, template="t"), False, id="no pods"),
        pytest.param(idle(), pods("b", 1, template="t", replicas=0), True, id="pods that go"),
        pytest.param(idle(), pods("t"), True, id="the last optional object is gone"),
        pytest.param(idle(applied_template=""), pods("b", template="a"), True, id="the first optional object is there"),
        pytest.param(idle(applied_template=""), pods("b"), False, id="nothing tracked"),
        pytest.param(idle(), pods("a", template="t"), False, id="the same again"),
        pytest.param(idle(replacing=True), pods("a", template="t"), True, id="the same, and not done yet"),
    ],
)
def test_pods_are_old_where_content_alone_has_changed(status: CanaryStatus, target: Any, *, old: bool) -> None:
    """Another template brings pods of its own."""
    assert run_on_old(status, target) == old


def replacing(**changes: Any) -> CanaryStatus:
    """A run that begins with pods that have the configuration of before."""
    return running(0, **({"replacing": True, "drained": True} | changes))


def test_old_pods_go_when_they_are_silent() -> None:
    """To zero, noted when they are gone, and up again."""
    assert step(SPEC, replacing(drained=False), seen_at(1)).desired.canary_replicas is None
    assert step(SPEC, replacing(), seen_at(1)).desired.canary_replicas == 0
    going = step(SPEC, replacing(), seen_at(2, target=pods("b", 1, replicas=0, ready=False)))
    assert (going.status.replacing, going.desired.canary_replicas) == (True, None)
    gone = step(SPEC, replacing(), seen_at(3, target=pods("b", 0)))
    assert (gone.status.replacing, gone.desired.canary_replicas) == (False, 1)


@pytest.mark.parametrize("primary", [None, copy("a", 0)], ids=["gone", "without pods"])
def test_old_pods_stay_while_nobody_else_serves(primary: Any) -> None:
    """Old configuration is better than none at all."""
    assert step(SPEC, replacing(), seen_at(1, primary=primary)).desired.canary_replicas is None


def test_old_pods_are_replaced_within_the_deadline() -> None:
    """Else the run ends, as with pods that don't become ready."""
    status = replacing(not_ready_since=EPOCH)
    assert step(SPEC, status, seen_at(59)).wake_at == at(60)
    assert step(SPEC, status, seen_at(60)).event is Event.ROLLBACK


@pytest.mark.parametrize("verb", ["promote", "set-weight"])
def test_old_pods_are_given_no_weight_by_hand(verb: str) -> None:
    """They are not what would be promoted."""
    example = Example(replacing(paused_at=EPOCH), seen_at(1), SPEC).asked(verb, weight=20)
    refused = step(SPEC, example.status, example.seen)
    assert refused.event is Event.REFUSED
    assert "the canary's pods have the configuration of before" in refused.message


def test_old_pods_that_must_serve_are_a_problem_with_a_way_out() -> None:
    """They can't be replaced by us without an outage."""
    status = running(50, replacing=True)
    found = step(SPEC, status, seen_at(1, route_weight=50, primary=copy("a", 0)))
    assert found.event is Event.BLOCKED
    assert found.status.desired_weight == 50
    ready = next(told for told in found.status.conditions if told.type == "Ready")
    assert ready.reason == "ConfigNotInForce"
    assert "kubectl rollout restart deployment/app" in ready.message


def test_a_problem_with_secrets_holds_no_rollback() -> None:
    """Whatever can't be read: a deadline that is over ends the run."""
    problem = Problem("SecretUnreadable", "Secret shop/password can't be read")
    status = running(0, not_ready_since=EPOCH, secrets_read=READ)
    seen = seen_at(60, target=pods("b", 0, ready=False, template="u"), problem=problem,
                   **secrets(None, None))  # fmt: skip
    assert step(SPEC, status, seen).event is Event.ROLLBACK
