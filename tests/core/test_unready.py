"""Why pods are not ready: asked for now and then while they are waited for, told in the conditions and at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.status import CanaryStatus, ConditionType, Phase
from rollouts.core.decision import Decision
from rollouts.core.measurement import Explained, NoData, Probe, Sample, Signal, Subject
from rollouts.core.observed import Observed, Problem, WorkloadState
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import at, copy, good, pods, running, seen_at, spec_of, status_in

CANARY, PRIMARY = Probe(Signal.PODS, Subject.CANARY), Probe(Signal.PODS, Subject.STABLE)
FULL = "pod app-1 can't be scheduled: 0/1 nodes are available: 1 Insufficient cpu: give the cluster room"
QUOTA = "ResourceQuota compute in namespace shop forbids more pods of app: raise it"
NONE_YET = pods("b", 0, replicas=2, ready=False)
SINCE = running(0, not_ready_since=at(0))


def told(probe: Probe, seconds: float, why: str = FULL) -> tuple[Sample, ...]:
    """What the pods said at that second; nothing if all is well with them."""
    return (Sample(probe, at(seconds), Explained(why) if why else NoData()),)


def condition(decision: Decision, kind: ConditionType = ConditionType.PROMOTED) -> str:
    """The message of one condition."""
    return next(one.message for one in decision.status.conditions if one.type == kind)


@pytest.mark.parametrize(
    ("seconds", "answered_at", "asks", "wake_at"),
    [(14, None, False, 15), (15, None, True, 600), (16, 15, False, 45), (45, 15, True, 600), (599, 580, False, 600)],
    ids=["too early", "when they had their time", "just answered", "half a minute later", "the end comes first"],
)
def test_pods_are_asked_now_and_then(seconds: float, answered_at: float | None, wake_at: float, *, asks: bool) -> None:
    """Not before 15 s, not more often than every 30 s, and never later than the deadline."""
    samples = told(CANARY, answered_at) if answered_at is not None else ()
    decision = step(spec_of(600), SINCE, seen_at(seconds, target=NONE_YET, samples=samples))
    assert (decision.event, decision.asks) == (Event.WAITED, (CANARY,) if asks else ())
    assert decision.wake_at == at(wake_at)


WAITING: list[tuple[CanaryStatus, Observed, Probe]] = [
    (SINCE, seen_at(20, target=NONE_YET), CANARY),
    (SINCE, seen_at(20, primary=copy("a", 1, ready=False)), PRIMARY),
    (
        running(50, phase=Phase.PROMOTING, not_ready_since=at(0)),
        seen_at(20, route_weight=50, primary=copy("b", 1, ready=False)),
        PRIMARY,
    ),
    (status_in(Phase.INITIALIZING, not_ready_since=at(0)), seen_at(20, primary=copy("a", 0, ready=False)), PRIMARY),
]
IDS = ["the canary", "the primary before the first step", "the primary's promotion", "the first primary"]


@pytest.mark.parametrize(("status", "seen", "probe"), WAITING, ids=IDS)
def test_the_answer_stands_in_the_conditions(status: CanaryStatus, seen: Observed, probe: Probe) -> None:
    """At once, whatever else was said there; the second look says nothing new; without an answer nothing is made up."""
    plain = step(spec_of(600), status, seen)
    known = step(spec_of(600), status, replace(seen, samples=told(probe, 20)))
    again = step(spec_of(600), known.status, replace(seen, samples=told(probe, 20)))
    nothing = step(spec_of(600), status, replace(seen, samples=told(probe, 20, "")))

    assert plain.asks == (probe,)
    assert known.event is Event.WAITED
    assert known.message == f"{plain.message}: {FULL}"
    assert condition(known) == condition(known, ConditionType.RECONCILING) == known.message
    assert again.status == known.status
    assert nothing.message == plain.message


@pytest.mark.parametrize(("status", "seen"), [(status, seen) for status, seen, _ in WAITING[1:]], ids=IDS[1:])
def test_what_kubernetes_says_by_itself_is_not_asked_for(status: CanaryStatus, seen: Observed) -> None:
    """A quota stands on the workload: it is told at once, and no pod is looked at."""
    assert seen.primary is not None
    decision = step(spec_of(600), status, replace(seen, now=at(1), primary=replace(seen.primary, failure=QUOTA)))
    assert decision.asks == ()
    assert condition(decision).endswith(f": {QUOTA}")


@pytest.mark.parametrize(
    ("target", "samples"),
    [(NONE_YET, told(CANARY, 45)), (replace(NONE_YET, failure=QUOTA), ())],
    ids=["as the pods say", "as the workload says"],
)
@pytest.mark.parametrize("weight", [0, 10])
def test_the_end_says_why(target: WorkloadState, samples: tuple[Sample, ...], weight: int) -> None:
    """Whoever is woken by the rollback reads the reason in its message, and in the status."""
    status = running(weight, not_ready_since=at(0))
    target = replace(target, available=min(weight, 1))
    ended = step(spec_of(60), status, seen_at(60, route_weight=weight, target=target, samples=samples))
    why = target.failure or FULL
    assert ended.event is Event.ROLLBACK
    assert ended.message == f"the canary's pods were not ready within 60 s: {why}"
    assert ended.announcement is not None
    assert why in ended.announcement.message
    assert why in condition(ended)


def test_a_promotion_that_fails_says_why() -> None:
    """The primary's pods were asked meanwhile."""
    status = running(50, phase=Phase.PROMOTING, not_ready_since=at(0))
    seen = seen_at(60, route_weight=50, primary=copy("b", 1, ready=False), samples=told(PRIMARY, 45))
    assert step(spec_of(60), status, seen).message == (
        f"the primary was not ready within 60 s of its promotion: {FULL}"
    )


def test_pods_that_fail_under_weight_are_asked_beside_the_judgement() -> None:
    """The step waits for its judgement as ever; a step that passed and is held by them says why."""
    status = running(10, not_ready_since=at(0), dwell_started_at=at(10))
    few = pods("b", 1, replicas=2, ready=False)
    waiting = step(spec_of(600), status, seen_at(16, route_weight=10, target=few))
    assert (waiting.message, waiting.asks) == ("holding 10 %", (CANARY,))
    held = step(spec_of(600), status, seen_at(20, route_weight=10, target=few, samples=good(20) + told(CANARY, 16)))
    assert held.event is Event.UNDECIDED
    assert held.message == f"passed, but not all pods of the canary are ready: {FULL}"


def test_an_answer_about_the_run_before_explains_nothing() -> None:
    """Only what was said since these pods are waited for counts."""
    decision = step(
        spec_of(600), running(0, not_ready_since=at(40)), seen_at(41, target=NONE_YET, samples=told(CANARY, 39))
    )
    assert decision.message == "waiting for the canary's pods"


def test_a_problem_outside_is_said_before_what_pods_wait_for() -> None:
    """The conditions speak of one thing at a time: first of what holds the release whatever the pods do."""
    problem = Problem("Forbidden", "grant it")
    seen = seen_at(16, target=NONE_YET, samples=told(CANARY, 15), problem=problem)
    decision = step(spec_of(600), SINCE, seen)
    assert decision.event is Event.BLOCKED
    assert condition(decision, ConditionType.READY) == "grant it"
    assert condition(step(spec_of(600), decision.status, seen)) == condition(decision)


@pytest.mark.parametrize("samples", [(), told(CANARY, 50)], ids=["not known", "known"])
def test_a_target_that_does_not_come_back_says_why(samples: tuple[Sample, ...]) -> None:
    """A deletion that waits for the target's pods asks for them too, and says at its end what kept them."""
    since = at(0)
    status = status_in(Phase.TERMINATING, last_transition_time=since, finished_at=None)
    seen = replace(seen_at(50, target=NONE_YET, route_weight=0, samples=samples), deleting=True, made=True, routed=True)
    waiting = step(spec_of(60), status, seen)
    assert waiting.asks == (() if samples else (CANARY,))
    ended = step(spec_of(60), status, replace(seen, now=at(60)))
    assert ended.event is Event.GIVEN_UP
    assert ended.message.startswith("the target was not ready within 60 s: " + (FULL if samples else "traffic is left"))
