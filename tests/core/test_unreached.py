"""What callers saw of requests that no pod has counted: when it is asked for, whose it is, and what it decides."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.status import Verdict
from rollouts.core.decision import Decision
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Unreachable
from rollouts.core.observed import Fault
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import (
    DURATION,
    EPOCH,
    SUCCESS,
    UNREACHED,
    at,
    bad,
    counts,
    good,
    running,
    sample,
    seen_at,
    spec_of,
)
from tests.core.swap_examples import swap_seen, swap_spec

PASSED = (sample(SUCCESS, 10, 99.5), sample(DURATION, 10, 20.0), *counts(10))
OF_BOTH = Probe(Signal.UNREACHED, Subject.BOTH, 10.0)
SLOW = Probe(Signal.CALLERS_DURATION, Subject.CANARY, 10.0)


def fault(of: Subject, code: int = 500, *, delays: bool = False) -> Fault:
    """One in a rule that leads there."""
    words = "delays all by 7s" if delays else f"aborts all with {code}"
    return Fault(f"http rule {of}", words, of, delays, 0 if delays else code)


def _asked(*faults: Fault, swaps: bool = False, **status: Any) -> list[Probe]:
    """What is asked of callers when the first judgement is due."""
    known = running(10, stable_subset="v1" if swaps else "", **status)
    spec, seen = (swap_spec(), swap_seen) if swaps else (spec_of(mirror=bool(status)), seen_at)
    asks = step(spec, known, seen(10, route_weight=10, faults=faults)).asks
    told = {Signal.UNREACHED, Signal.CALLERS_DURATION}
    return [ask for ask in asks if isinstance(ask, Probe) and ask.signal in told]


def _judged(outcome: Outcome | float, *faults: Fault, slow: float = 20.0, silent: bool = False) -> Decision:
    """A judgement of a canary with a Service of its own, whose pods count 99.5 % of successes, or nothing."""
    pods = (sample(SUCCESS, 10, NoData()), sample(DURATION, 10, NoData())) if silent else PASSED
    answers = [sample(probe, 10, outcome) for probe in (UNREACHED, OF_BOTH)]
    samples = (*pods, *answers, sample(SLOW, 10, slow), sample(Probe(Signal.REQUEST_RATE, Subject.STABLE), 10, 0.0))
    return step(spec_of(threshold=3), running(10), seen_at(10, route_weight=10, samples=samples, faults=faults))


@pytest.mark.parametrize("slow", [False, True], ids=["aborts", "delays"])
def test_a_fault_of_the_stable_side_is_no_matter_of_a_canary_with_a_service_of_its_own(*, slow: bool) -> None:
    """Nor is a delay of requests that are not its own asked for."""
    assert _asked(fault(Subject.STABLE, delays=slow)) == [UNREACHED]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        pytest.param((), OF_BOTH, id="no fault"),
        pytest.param((fault(Subject.CANARY),), UNREACHED, id="the canary's"),
        pytest.param((fault(Subject.STABLE),), OF_BOTH, id="the stable side's"),
        pytest.param((fault(Subject.CANARY), fault(Subject.STABLE)), OF_BOTH, id="one of each, which answer alike"),
        pytest.param((fault(Subject.CANARY, 555), fault(Subject.STABLE)), UNREACHED, id="one of each"),
        pytest.param((fault(Subject.CANARY, 555), fault(Subject.BOTH)), OF_BOTH, id="the canary's and one of both"),
        pytest.param((fault(Subject.CANARY, delays=True),), OF_BOTH, id="a delay fails nothing"),
    ],
)
def test_two_subsets_have_one_service(faults: tuple[Fault, ...], expected: Probe) -> None:
    """Only where a fault of the canary's answers what no other one does it is known whose the failures are."""
    assert _asked(*faults, swaps=True)[0] == expected


def test_how_slow_callers_found_it_is_asked_where_a_route_delays_them() -> None:
    """Else their own clients' time would be held against the canary."""
    assert _asked() == [UNREACHED]
    assert _asked(fault(Subject.CANARY, delays=True)) == [UNREACHED, SLOW]
    assert _asked(fault(Subject.BOTH, delays=True)) == [UNREACHED, SLOW]


def test_callers_know_nothing_of_copies() -> None:
    """Nobody waits for the answers to them."""
    assert _asked(fault(Subject.BOTH), mirrored=True) == []


def test_what_the_pods_count_as_failed_waits_for_no_caller() -> None:
    """But what they pass does: there may be more that failed."""
    failed = step(spec_of(threshold=1), running(10), seen_at(10, route_weight=10, samples=bad(10)))
    waiting = step(spec_of(), running(10), seen_at(10, route_weight=10, samples=PASSED))

    assert (failed.event, failed.desired.weight) == (Event.ROLLBACK, 0)
    assert (waiting.event, waiting.asks, waiting.desired.weight) == (Event.WAITED, (UNREACHED,), 10)


@pytest.mark.parametrize("outcome", [NoData(), 0.0], ids=["callers report nothing", "none"])
def test_where_nothing_is_heard_of_the_pods_count_stands(outcome: Outcome | float) -> None:
    """A mesh without telemetry of callers is no worse off than before."""
    decision = _judged(outcome)

    assert (decision.event, decision.desired.weight) == (Event.ADVANCE, 20)
    assert decision.status.metrics[0].message == "request-success-rate 99.50 % (limit at least 99 %)"


@pytest.mark.parametrize("outcome", [Unreachable("gone"), Rejected("gone")])
def test_no_answer_is_an_error_and_leads_nowhere(outcome: Outcome) -> None:
    """Nobody is given more requests on half an answer."""
    decision = _judged(outcome)

    assert (decision.event, decision.status.metrics[0].verdict) == (Event.UNDECIDED, Verdict.ERROR)
    assert decision.message == "request-success-rate, as callers see it: gone"


def test_failures_of_both_kinds_are_added() -> None:
    """Each alone would pass."""
    assert _judged(0.4).status.metrics[0].value == 99.102
    decision = _judged(0.6)
    assert (decision.event, decision.status.metrics[0].value) == (Event.CHECK_FAILED, 98.903)


def test_a_canary_that_nobody_reaches_fails_by_its_own_fault() -> None:
    """Its pods have no request to count; few failures beside none tell nothing."""
    all_failed, few = _judged(100.0, fault(Subject.CANARY), silent=True), _judged(0.5, silent=True)

    assert (all_failed.event, all_failed.status.metrics[0].value) == (Event.CHECK_FAILED, 0.0)
    assert (few.event, few.status.metrics[0].verdict) == (Event.UNDECIDED, Verdict.NO_DATA)


def test_a_delay_within_the_limit_passes() -> None:
    """As slow as that was allowed to be."""
    delayed = fault(Subject.BOTH, delays=True)
    assert _judged(0.0, delayed, slow=400.0).event is Event.ADVANCE
    assert _judged(0.0, delayed, slow=7000.0).status.metrics[1].verdict is Verdict.SHARED_BREACH


def test_a_shared_breach_is_told_once_and_stands_as_a_condition_until_it_is_over() -> None:
    """Also between judgements; no check has failed."""
    held = _judged(50.0, fault(Subject.BOTH))
    between = step(spec_of(), held.status, seen_at(15, route_weight=10))
    again = step(
        spec_of(), between.status,
        seen_at(20, route_weight=10, faults=(fault(Subject.BOTH),),
                samples=(*good(20), sample(OF_BOTH, 20.5, 30.0))),
    )  # fmt: skip
    over = step(spec_of(), again.status, seen_at(30, route_weight=10, samples=good(30)))

    assert (held.event, held.desired.weight, held.status.failed_checks) == (Event.UNDECIDED, 10, 0)
    assert held.announcement is not None
    assert (held.announcement.reason, held.announcement.warning) == ("SharedBreach", True)
    assert "http rule both, which leads to both versions, aborts all with 500: 50.00 %" in held.message
    for decision in (held, between, again):
        ready = next(told for told in decision.status.conditions if told.type == "Ready")
        assert (ready.status, ready.reason) == ("False", "SharedBreach")
    assert (between.event, again.event, again.announcement) == (Event.WAITED, Event.WAITED, None)
    assert (over.event, over.desired.weight) == (Event.ADVANCE, 20)
    assert all(told.reason != "SharedBreach" for told in over.status.conditions)
    assert over.status.last_check_at in {None, at(30)}


def test_blue_green_counts_no_check_of_a_shared_breach() -> None:
    """All traffic at once is not given in the middle of somebody's outage."""
    status = running(0, strategy="BlueGreen", step_index=1, dwell_started_at=EPOCH, iterations=1)
    samples = (*PASSED, sample(OF_BOTH, 10, 20.0))
    seen = seen_at(10, route_weight=0, samples=samples, faults=(fault(Subject.BOTH),))

    decision = step(spec_of(iterations=3), status, seen)

    assert (decision.event, decision.status.iterations) == (Event.UNDECIDED, 1)
