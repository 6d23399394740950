"""Rollback hooks: asked all through a run, and obeyed whatever else is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import Unreachable
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.examples import DEAD, PROBLEM
from tests.core.given import (
    DURATION,
    SUCCESS,
    at,
    by_hand,
    called,
    copy,
    gate_at,
    good,
    hook,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    told,
)

SPEC = spec_of(webhooks=[hook("rollback")])
GATED = spec_of(webhooks=[hook("rollback"), by_hand("confirm-rollout")])
WAITING = running(0, phase=Phase.WAITING, gate=gate_at("confirm-rollout"), drained=True)
AT_PROMOTION = running(50, phase=Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion"))
RUNS: dict[str, tuple[CanaryStatus, Observed]] = {
    "waiting for approval": (WAITING, seen_at(5)),
    "before the first step": (running(0), seen_at(5, target=pods("b", ready=False))),
    "at a step": (running(10), seen_at(5, route_weight=10)),
    "waiting to be promoted": (AT_PROMOTION, seen_at(5, route_weight=50)),
}


@pytest.mark.parametrize(("status", "seen"), RUNS.values(), ids=RUNS.keys())
def test_it_is_asked_beside_whatever_is_waited_for(status: CanaryStatus, seen: Observed) -> None:
    """At once, and again when its answer is ten seconds old; what it says else changes nothing."""
    phase = status.phase or Phase.INITIALIZING
    refusing = replace(seen, samples=(told("rollback", 4, "no", phase=phase),))

    first, quiet = step(GATED, status, seen), step(GATED, status, refusing)
    again = step(GATED, status, replace(refusing, now=at(14)))

    assert (first.event, called(first), called(quiet)) == (Event.WAITED, ["rollback"], [])
    assert quiet.event is Event.WAITED
    assert quiet.wake_at is not None
    assert quiet.wake_at <= at(14)
    assert "rollback" in called(again)


@pytest.mark.parametrize(("status", "seen"), RUNS.values(), ids=RUNS.keys())
def test_its_consent_ends_the_run(status: CanaryStatus, seen: Observed) -> None:
    """2xx means: roll back. All traffic goes to the primary in the same step, and it is told whose word it was."""
    consent = told("rollback", 4, phase=status.phase or Phase.INITIALIZING)

    decision = step(GATED, status, replace(seen, samples=(consent,)))

    assert (decision.event, decision.status.phase, decision.desired.weight) == (Event.ROLLBACK, Phase.FAILED, 0)
    assert decision.message == "rollback hook rollback asks for it"


@pytest.mark.parametrize("answer", ["no reason", "down"])
def test_it_does_not_roll_back_by_silence(answer: str) -> None:
    """A refusal means go on, and so does a receiver that can't be reached; the judgement goes its way."""
    samples = (*good(10), told("rollback", 10, answer))

    assert step(SPEC, running(10), seen_at(10, route_weight=10, samples=samples)).event is Event.ADVANCE


DOWN = (sample(SUCCESS, 10, Unreachable("gone")), sample(DURATION, 10, Unreachable("gone")))


@pytest.mark.parametrize(
    "trouble",
    [
        {"target": pods("b", **DEAD)}, {"target": pods("b", ready=False)}, {"primary": copy("a", ready=False)},
        {"problem": PROBLEM}, {"samples": DOWN},
    ],
    ids=["no pod of the canary", "canary not ready", "primary not ready", "blocked", "metrics down"],
)  # fmt: skip
def test_nothing_else_that_is_wrong_holds_it_back(trouble: dict[str, Any]) -> None:
    """Neither pods nor metrics nor a problem outside keep the way back closed."""
    consent = told("rollback", 10)
    seen = seen_at(10, route_weight=10, **{"samples": (), **trouble})

    decision = step(SPEC, running(10), replace(seen, samples=(*seen.samples, consent)))

    assert (decision.event, decision.desired.weight) == (Event.ROLLBACK, 0)


def test_it_is_asked_while_something_else_is_wrong() -> None:
    """A release that is blocked still asks whether it shall end."""
    decision = step(SPEC, running(10), seen_at(5, route_weight=10, problem=PROBLEM))

    assert (decision.event, called(decision)) == (Event.BLOCKED, ["rollback"])


def test_where_the_primary_can_not_serve_the_canary_keeps_the_traffic() -> None:
    """The end of a release is not the end of the service; but what was never confirmed gets nothing."""
    seen = seen_at(5, route_weight=10, primary=copy("a", **DEAD), samples=(told("rollback", 4),))
    waiting = seen_at(5, primary=copy("a", **DEAD), samples=(told("rollback", 4, phase=Phase.WAITING),))

    stranded, refused = step(SPEC, running(10), seen), step(GATED, WAITING, waiting)

    assert (stranded.event, stranded.desired.weight) == (Event.STRANDED, 100)
    assert (refused.event, refused.desired.weight) == (Event.ROLLBACK, 0)


def test_one_of_several_is_enough() -> None:
    """Each may end the run by itself."""
    spec = spec_of(webhooks=[hook("rollback", "slo"), hook("rollback", "duty")])
    answers = (told("rollback", 4, "no", name="slo"), told("rollback", 4, name="duty"))

    assert step(spec, running(10), seen_at(5, route_weight=10, samples=answers)).event is Event.ROLLBACK


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.FINALISING, Phase.SUCCEEDED, Phase.FAILED])
def test_nobody_is_asked_when_it_is_too_late(phase: Phase) -> None:
    """A revision on its way to the primary has passed everything, and between releases there is nothing to end."""
    status = running(50 if phase is Phase.PROMOTING else 0, phase=phase)
    consent = told("rollback", 4, phase=phase)

    decision = step(SPEC, status, seen_at(5, route_weight=status.desired_weight, samples=(consent,)))

    assert called(decision) == []
    assert decision.status.phase is phase
