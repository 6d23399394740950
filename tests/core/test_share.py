"""When the requests are counted, and what becomes of a release whose weight they do not follow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase, ShareStatus
from rollouts.core.in_force import Expected, Kind
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Unreachable
from rollouts.core.phases import Event
from rollouts.core.share import expected_of
from rollouts.core.step import step
from tests.core.given import (
    COUNTED,
    DURATION,
    SUCCESS,
    at,
    bad,
    by_hand,
    callers,
    counts,
    gate_at,
    hook,
    passed_at,
    running,
    sample,
    seen_at,
    spec_of,
)
from tests.core.swap_examples import swap_spec

PASSED = (sample(SUCCESS, 10, 100.0), sample(DURATION, 10, 20.0), *callers(10))
FEW, ALL_RIGHT = (12.0, 2388.0), (240.0, 2160.0)
REFUTED = ShareStatus(weight=10, in_force=False, message="the canary got 12 of 2,400 requests")
MATCH = [{"headers": {"x-user": {"exact": "ann"}}}]
COPYING = {"mirrored": True, "desired_weight": 0}
AFFINITY = {"cookieName": "canary", "maxAge": 60}


def _judged(
    numbers: tuple[Outcome | float, Outcome | float], status: CanaryStatus | None = None, **analysis: Any
) -> Any:
    seen = seen_at(10, route_weight=10, samples=PASSED + counts(10, *numbers))
    return step(spec_of(**analysis), running(10) if status is None else status, seen)


def test_they_are_counted_beside_the_last_checks_of_a_step() -> None:
    """Not at one that can't lead on; and never from before the dwell."""
    slow = spec_of(stepWeights=[10, 20], stepDwells=["60s"])

    def asks(spec: CanarySpec, status: CanaryStatus, seconds: float) -> list[Probe]:
        asked = step(spec, status, seen_at(seconds, route_weight=10)).asks
        return [ask for ask in asked if isinstance(ask, Probe) and ask.signal is Signal.REQUESTS]

    assert asks(spec_of(), running(10), 10) == [*COUNTED]
    assert asks(spec_of(), running(10, paused_at=at(5)), 10) == []
    assert asks(slow, running(10, last_check_at=at(20)), 30) == []
    assert asks(slow, running(10, last_check_at=at(55)), 60) == [
        Probe(Signal.REQUESTS, Subject.CANARY, 30.0),
        Probe(Signal.REQUESTS, Subject.STABLE, 30.0),
    ]
    assert asks(spec_of(shareCheck="none"), running(10), 10) == []


def test_nothing_leads_on_before_the_counts_are_there() -> None:
    """The checks are judged at once all the same: a failure does not wait for them."""
    seen = seen_at(11, route_weight=10, samples=PASSED)
    waiting = step(spec_of(), running(10), seen)
    failed = step(spec_of(threshold=2), running(10), seen_at(11, route_weight=10, samples=bad(10)))

    assert (waiting.event, waiting.asks, waiting.desired.weight) == (Event.WAITED, COUNTED, 10)
    assert failed.event is Event.CHECK_FAILED


@pytest.mark.parametrize(
    ("numbers", "in_force"),
    [
        pytest.param(ALL_RIGHT, True, id="confirmed"),
        pytest.param((0.0, 0.0), None, id="nobody calls"),
        pytest.param((NoData(), 2400.0), None, id="too few scrapes of one side"),
        pytest.param((240.0, Unreachable("gone")), None, id="no answer"),
        pytest.param((Rejected("no"), NoData()), None, id="a query that is refused"),
    ],
)
def test_what_is_confirmed_or_not_known_goes_on(
    numbers: tuple[Outcome | float, Outcome | float], *, in_force: bool | None
) -> None:
    """A release by hooks alone needs no requests; what is known of them is said."""
    decision = _judged(numbers)

    assert (decision.event, decision.desired.weight) == (Event.ADVANCE, 20)
    assert decision.status.share is not None
    assert (decision.status.share.in_force, decision.status.share.weight) == (in_force, 10)
    assert all(condition.reason != "WeightNotInForce" for condition in decision.status.conditions)


def test_what_is_refuted_holds_and_says_why_until_it_is_mended() -> None:
    """The news once, the condition as long as it lasts; between judgements nothing is written."""
    held = _judged(FEW)
    between = step(spec_of(), held.status, seen_at(15, route_weight=10))
    later = seen_at(20, route_weight=10, samples=tuple(replace(one, at=at(20)) for one in PASSED))
    again = step(spec_of(), between.status, replace(later, samples=later.samples + counts(20, *FEW)))
    mended = step(spec_of(), between.status, replace(later, samples=later.samples + counts(20, *ALL_RIGHT)))

    assert (held.event, held.desired.weight) == (Event.UNDECIDED, 10)
    assert held.announcement is not None
    assert (held.announcement.reason, held.announcement.warning) == ("WeightNotInForce", True)
    ready = next(told for told in held.status.conditions if told.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "WeightNotInForce")
    assert ready.message.startswith("the canary got 12 of 2,400 requests (0.5 %) in 10 s, 10 % are asked for: ")
    assert (between.event, between.status) == (Event.WAITED, held.status)
    assert (again.event, again.announcement, again.judged_at) == (Event.WAITED, None, at(20))
    assert (mended.event, mended.desired.weight) == (Event.ADVANCE, 20)
    assert all(told.reason != "WeightNotInForce" for told in mended.status.conditions)


@pytest.mark.parametrize("numbers", [(0.0, 0.0), (Unreachable("gone"), NoData())], ids=["nobody calls", "no answer"])
def test_what_was_refuted_is_not_taken_as_done_because_nobody_tells(numbers: tuple[Any, Any]) -> None:
    """Only requests that follow the weight lift it, or a person."""
    decision = _judged(numbers, running(10, share=REFUTED))
    assert (decision.event, decision.status.share) == (Event.UNDECIDED, REFUTED)


def test_what_was_refuted_counts_for_that_weight_alone() -> None:
    """A person who gave it another weight has it measured anew; and nobody looks where nobody is to."""
    other = _judged((0.0, 0.0), running(10, share=REFUTED.model_copy(update={"weight": 5})))
    nobody = step(spec_of(shareCheck="none"), running(10, share=REFUTED), seen_at(10, route_weight=10, samples=PASSED))
    assert (other.event, nobody.event, nobody.status.share) == (Event.ADVANCE, Event.ADVANCE, None)


def test_a_gate_that_opens_does_not_let_a_weight_past_that_is_not_in_force() -> None:
    """It was closed at a judgement that confirmed the share, and a later one did not."""
    spec = spec_of(webhooks=[by_hand("confirm-traffic-increase")])
    gate = gate_at("confirm-traffic-increase", 10, approved=True)
    status = running(10, gate=gate, share=REFUTED, metrics=passed_at(20), last_check_at=at(20), iterations=1)

    assert step(spec, status, seen_at(25, route_weight=10)).event is Event.WAITED
    fine = status.model_copy(update={"share": REFUTED.model_copy(update={"in_force": True})})
    assert step(spec, fine, seen_at(25, route_weight=10)).event is Event.ADVANCE


def test_it_is_forgotten_with_the_release() -> None:
    """Whatever comes next has requests of its own."""
    status = running(10, share=REFUTED)
    new = step(spec_of(), status, seen_at(5, route_weight=10, target=seen_at(5).primary))
    failed = step(spec_of(), status, seen_at(10, route_weight=10, samples=bad(10)))
    assert (new.status.share, failed.status.phase, failed.status.share) == (None, Phase.FAILED, None)


@pytest.mark.parametrize(
    ("spec", "changes", "expected"),
    [
        pytest.param(spec_of(), {}, Expected(0.1), id="a share of all"),
        pytest.param(spec_of(webhooks=[hook("rollout")]), {}, Expected(0.1, unlimited=True), id="tests may call it"),
        pytest.param(spec_of(webhooks=[hook("pre-rollout")]), {}, Expected(0.1, unlimited=True), id="and before"),
        pytest.param(spec_of(shareCheck="some"), {}, Expected(0.1, Kind.SOME), id="as wished"),
        pytest.param(spec_of(shareCheck="none"), {}, None, id="not wished"),
        pytest.param(spec_of(sessionAffinity=AFFINITY), {}, Expected(0.1, Kind.SOME), id="clients are kept"),
        pytest.param(spec_of(match=MATCH), {}, Expected(0.1, Kind.PERHAPS), id="some requests match"),
        pytest.param(spec_of(mirror=True), COPYING, Expected(1.0, Kind.COPIES), id="all copied"),
        pytest.param(
            spec_of(mirror=True, mirrorWeight=5), COPYING, Expected(0.05, Kind.COPIES),
            id="some copied",
        ),
        pytest.param(spec_of(), {"desired_weight": 0}, None, id="no share"),
    ],
)  # fmt: skip
def test_what_requests_should_show(spec: CanarySpec, changes: dict[str, Any], expected: Expected | None) -> None:
    """By how they are shared, and who else sends some."""
    assert expected_of(spec, running(10, **changes)) == expected


@pytest.mark.parametrize(
    ("ref", "kind"),
    [({}, Kind.BAND), ({"rules": ["default"]}, Kind.PERHAPS), ({"canaryRules": ["testers"]}, Kind.SOME)],
    ids=["all rules", "some rules", "testers"],
)
def test_routes_of_the_user_may_lead_some_requests_only(ref: dict[str, Any], kind: Kind) -> None:
    """How many come by a rule is not known."""
    spec = swap_spec().model_dump(by_alias=True)
    spec["routeRefs"] = [{"name": "app", **ref}]
    expected = expected_of(CanarySpec.model_validate(spec), running(10))
    assert expected is not None
    assert expected.kind is kind
