"""Nothing to judge: what onNoData makes of it, and when that is an error instead."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.core.decision import Decision
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Subject, Unreachable, Value
from rollouts.core.no_data import CANARY_RATE, STABLE_RATE
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import COUNTED, SUCCESS, UNREACHED, at, counts, running, sample, seen_at, spec_of

RATE: dict[str, Any] = {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}
ORDERS: dict[str, Any] = {"name": "orders", "query": "orders", "interval": "10s", "thresholdRange": {"max": 5}}
ORDERS_PROBE = Probe(Signal.CUSTOM, Subject.CANARY, 10.0, "orders")
WORKS = (sample(SUCCESS, 10, 100.0), sample(UNREACHED, 10, 0.0), *counts(10))


def _judged(
    *metrics: dict[str, Any], orders: Outcome, stable: float | None = None, canary: float | None = None, **status: Any
) -> Decision:
    """A judgement in which the mesh's metrics are well, and that of the orders says so much."""
    rates = ((STABLE_RATE, stable), (CANARY_RATE, canary))
    heard = [sample(probe, 10, number) for probe, number in rates if number is not None]
    samples = (*WORKS, sample(ORDERS_PROBE, 10, orders), *heard)
    spec = spec_of(metrics=list(metrics), threshold=2)
    return step(spec, running(10, **status), seen_at(10, route_weight=10, samples=samples))


@pytest.mark.parametrize(
    ("policy", "event"), [("hold", Event.UNDECIDED), ("advance", Event.ADVANCE), ("fail", Event.CHECK_FAILED)]
)
def test_a_query_without_a_value_is_as_its_policy_says_while_all_is_quiet(policy: str, event: Event) -> None:
    """Nobody has requests, so that none of the canary's are missing."""
    decision = _judged(RATE, ORDERS | {"onNoData": policy}, orders=NoData(), stable=0.0, canary=0.0)

    assert decision.event is event
    assert "orders: the query has no value" in decision.message


@pytest.mark.parametrize(("policy", "asks"), [("hold", 1), ("advance", 2), ("fail", 2)])
def test_the_sides_are_asked_for_before_that(policy: str, asks: int) -> None:
    """The canary's own requests only where they make a difference."""
    decision = _judged(RATE, ORDERS | {"onNoData": policy}, orders=NoData())

    assert decision.event is Event.WAITED
    assert decision.asks == (STABLE_RATE, CANARY_RATE)[:asks]


@pytest.mark.parametrize(
    ("policy", "event"), [("hold", Event.UNDECIDED), ("advance", Event.ADVANCE), ("fail", Event.CHECK_FAILED)]
)
def test_a_query_without_a_value_while_the_canary_has_requests_is_its_own_matter(policy: str, event: Event) -> None:
    """It starves only where nothing says what else to do."""
    decision = _judged(RATE, ORDERS | {"onNoData": policy}, orders=NoData(), stable=50.0, canary=5.0)

    assert decision.event is event
    assert (decision.status.no_data_since is not None) is (policy == "hold")


@pytest.mark.parametrize(
    ("policy", "event"), [("hold", Event.UNDECIDED), ("advance", Event.UNDECIDED), ("fail", Event.CHECK_FAILED)]
)
def test_without_requests_of_the_canary_nothing_advances(policy: str, event: Event) -> None:
    """The primary has some: that is an error, whatever the policy; what fails, fails all the same."""
    decision = _judged(RATE, ORDERS | {"onNoData": policy}, orders=NoData(), stable=50.0, canary=0.0)

    assert decision.event is event
    assert decision.status.no_data_since == at(10)


@pytest.mark.parametrize("policy", ["hold", "advance", "fail"])
def test_it_ends_at_its_deadline(policy: str) -> None:
    """Whatever onNoData says, and in words about the metric."""
    metric = ORDERS | {"onNoData": policy, "noDataDeadline": "45s"}
    decision = _judged(RATE, metric, orders=NoData(), stable=50.0, canary=0.0, no_data_since=at(-35))

    assert decision.event is Event.ROLLBACK
    assert decision.announcement is not None
    assert "orders had no value for 45 s, while the primary has requests" in decision.announcement.message


def test_a_dry_run_starves_nothing() -> None:
    """Not even the question is asked."""
    assert _judged(RATE, ORDERS | {"dryRun": True}, orders=NoData()).event is Event.ADVANCE


def test_of_several_that_have_nothing_the_strictest_decides() -> None:
    """A failed check before a wait, a wait before an advance."""
    refunds = ORDERS | {"name": "refunds"}
    answers = (*WORKS, sample(ORDERS_PROBE, 10, NoData()), sample(STABLE_RATE, 10, 0.0), sample(CANARY_RATE, 10, 0.0))
    answers += (sample(Probe(Signal.CUSTOM, Subject.CANARY, 10.0, "refunds"), 10, NoData()),)

    def event(first: str, second: str) -> Event:
        spec = spec_of(metrics=[RATE, ORDERS | {"onNoData": first}, refunds | {"onNoData": second}], threshold=9)
        return step(spec, running(10), seen_at(10, route_weight=10, samples=answers)).event

    assert event("advance", "advance") is Event.ADVANCE
    assert event("advance", "hold") is Event.UNDECIDED
    assert event("hold", "fail") is Event.CHECK_FAILED


@pytest.mark.parametrize(
    ("arrived", "refused", "event"),
    [
        # 20 got to a pod and 80 did not: 100 were sent, enough to say that they fail.
        (20.0, 80.0, Event.ROLLBACK),
        # 2 did and 8 did not: all of them fail, but ten are few.
        (2.0, 80.0, Event.UNDECIDED),
        # All that there were.
        (2.0, 100.0, Event.ROLLBACK),
        # Few, and they are well: so nobody knows.
        (40.0, 0.5, Event.UNDECIDED),
    ],
)
def test_requests_that_reach_no_pod_are_requests(arrived: float, refused: float, event: Event) -> None:
    """A canary that refuses most of its connections has not too few to be judged."""
    samples = (
        sample(SUCCESS, 10, 100.0), sample(UNREACHED, 10, refused), sample(COUNTED[0], 10, arrived),
        sample(COUNTED[1], 10, 900.0),
    )  # fmt: skip
    spec = spec_of(metrics=[RATE | {"minRequests": 50}], threshold=1)

    decision = step(spec, running(10), seen_at(10, route_weight=10, samples=samples))

    assert decision.event is event


@pytest.mark.parametrize(("refused", "event"), [(0.0, Event.UNDECIDED), (1.0, Event.UNDECIDED), (9.0, Event.ROLLBACK)])
def test_what_is_not_decided_by_the_pods_may_be_by_their_callers(refused: float, event: Event) -> None:
    """Between the two conditions nothing is decided; with what failed on the way it is a failure."""
    metric = RATE | {"thresholdRange": None, "successCondition": "result > 99.5", "failureCondition": "result < 97.0"}
    samples = (sample(SUCCESS, 10, 99.0), sample(UNREACHED, 10, refused), *counts(10))

    decision = step(spec_of(metrics=[metric]), running(10), seen_at(10, route_weight=10, samples=samples))

    assert decision.event is event


def test_the_count_that_could_not_be_had_is_an_error() -> None:
    """As any other question to a source that does not answer."""
    samples = (sample(SUCCESS, 10, 100.0), sample(UNREACHED, 10, 0.0), sample(COUNTED[0], 10, Unreachable("reset")))
    spec = spec_of(metrics=[RATE | {"minRequests": 50, "consecutiveErrorLimit": 1}])

    decision = step(spec, running(10), seen_at(10, route_weight=10, samples=(*samples, sample(COUNTED[1], 10, 9.0))))

    assert decision.event is Event.ROLLBACK
    assert decision.announcement is not None
    assert "could not be counted: reset; 1 error in a row, its limit is 1" in decision.announcement.message


def test_a_condition_that_has_no_answer_holds() -> None:
    """It is an error of the question, and no failure of the canary."""
    metric = ORDERS | {"thresholdRange": None, "failureCondition": "result > 5.0 && int(result) % 0 == 0"}

    assert _judged(RATE, metric, orders=Value(6.0)).event is Event.UNDECIDED
    assert _judged(RATE, metric, orders=Value(5.0)).event is Event.ADVANCE
