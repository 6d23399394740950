"""What an edit of the spec in mid-run had broken."""

from __future__ import annotations

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import Phase
from rollouts.core.observed import WorkloadState
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.examples import DEAD, LONGER, PROMOTED
from tests.core.given import EPOCH, at, by_hand, copy, gate_at, good, hook, passed_at, running, seen_at, spec_of, told


def test_found_more_steps_while_it_waits_to_be_promoted() -> None:
    """A schedule that was made longer goes on, and the gate before its next weight is told: no row was there for it."""
    status = running(
        50, phase=Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion", 10), metrics=passed_at(10), iterations=1
    )
    seen = seen_at(20, route_weight=50, samples=good(20))

    held = step(LONGER, status, seen)

    assert (held.event, held.status.phase, held.status.desired_weight) == (Event.HELD, Phase.PROGRESSING, 50)
    assert held.status.gate == gate_at("confirm-traffic-increase", 20, message=held.message)
    assert held.announcement is not None
    assert step(PROMOTED, status, seen).status.gate == status.gate


@pytest.mark.parametrize(("primary", "event"), [(copy("a"), Event.NEW_REVISION), (copy("a", **DEAD), Event.RESCUE)])
def test_found_another_strategy_left_the_traffic_to_nobody(primary: WorkloadState, event: Event) -> None:
    """The run starts again from 0 %, unless the canary is the only side that serves. It was confirmed, and stays so."""
    spec = spec_of(iterations=3, webhooks=[by_hand("confirm-rollout")])

    decision = step(spec, running(50), seen_at(5, route_weight=50, primary=primary))

    assert (decision.event, decision.status.phase, decision.status.strategy) == (event, Phase.PROGRESSING, "BlueGreen")
    assert decision.desired.weight == (50 if event is Event.RESCUE else 0)


@pytest.mark.parametrize("verb", ["pause", "promote", "approve"])
def test_found_an_action_let_all_requests_in_where_some_had_matched(verb: str) -> None:
    """A share of the requests that match is none of all requests: the edit of the strategy counts before any action."""
    status = running(100, strategy="AB", step_index=1)
    seen = seen_at(5, route_weight=100, actions=(Action(verb=Verb(verb), id="1"),))

    decision = step(spec_of(), status, seen)

    assert (decision.event, decision.desired.weight, decision.status.actions) == (Event.NEW_REVISION, 0, ())


@pytest.mark.parametrize(
    ("primary", "event", "weight"),
    [(copy("b"), Event.PRIMARY_READY, 0), (copy("a"), Event.NEW_REVISION, 0), (copy("a", **DEAD), Event.REFUSED, 100)],
)
def test_found_the_way_back_let_all_requests_in_where_some_had_matched(
    primary: WorkloadState, event: Event, weight: int
) -> None:
    """Also in the promotion the edit counts first, and ends the way back; only where the primary is dead it waits."""
    status = running(100, phase=Phase.PROMOTING, strategy="MatchedWeights", step_index=1)
    actions = (Action(verb=Verb.PAUSE, id="1"),)
    asked = seen_at(5, route_weight=100, primary=primary, actions=actions)

    decision = step(spec_of(stepWeightPromotion=20), status, asked)

    assert (decision.event, decision.desired.weight) == (event, weight)


@pytest.mark.parametrize(("iterations", "event"), [(2, Event.ADVANCE), (3, Event.WAITED)])
def test_found_an_edited_number_of_checks_counted_one_too_many(iterations: int, event: Event) -> None:
    """A gate that opens leads on when all the checks have passed that the spec asks for by now."""
    spec = spec_of(iterations=iterations, webhooks=[hook("confirm-promotion")])
    status = running(
        0, strategy="BlueGreen", step_index=1, iterations=2, dwell_started_at=EPOCH, metrics=passed_at(20),
        last_check_at=at(20), gate=gate_at("confirm-promotion", 20),
    )  # fmt: skip

    assert step(spec, status, seen_at(25, samples=(told("confirm-promotion", 25),))).event is event
