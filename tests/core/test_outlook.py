"""What people are told of a Canary before they ask: why it is where it is, what comes next and when."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import Approval, CanaryStatus, HoldStatus, MetricResult, Phase, ShareStatus, Verdict
from rollouts.core.choices import possible, why_not
from rollouts.core.outlook import outlook, why_now
from tests.core.given import EPOCH, at, by_hand, gate_at, hook, passed_at, running, spec_of, status_in

NOW = 4


def _ready(message: str) -> list[dict[str, Any]]:
    status = "False" if message else "True"
    return [{"type": "Ready", "status": status, "reason": "r", "message": message, "lastTransitionTime": EPOCH}]


def _said(kind: str, message: str) -> list[dict[str, Any]]:
    return [*_ready(""), {"type": kind, "status": "True", "reason": "r", "message": message,
                          "lastTransitionTime": EPOCH}]  # fmt: skip


def _told(spec: CanarySpec, status: CanaryStatus) -> list[str]:
    """Why, and then a line for each thing that comes."""
    found = outlook(spec, status, at(NOW))
    times = [f"{(one.at - EPOCH).total_seconds():g} s" if one.at else "?" for one in found.coming]
    return [found.why, *(f"{when}: {one.what}" for when, one in zip(times, found.coming, strict=True))]


FAILED = (MetricResult(name="m", verdict=Verdict.FAIL, message="m 91 % (limit 99 %)", measured_at=at(0)),)
HELD = HoldStatus(reason="Frozen", message="all are frozen until Monday", since=EPOCH, until=at(300))
FOR_EVER = HoldStatus(reason="Queued", message="two others are being released", since=EPOCH)
SWAPS = CanarySpec.model_validate({
    "subsets": [
        {"name": "v1", "targetRef": {"name": "app-v1"}}, {"name": "v2", "targetRef": {"name": "app-v2"}},
    ],
    "routeRefs": [{"name": "app"}],
    "scaleDownDelay": "90s",
    "analysis": {"interval": "10s", "iterations": 2, "metrics": [
        {"name": "request-success-rate", "thresholdRange": {"min": 99}},
    ]},
})  # fmt: skip
WEIGHTS = spec_of(stepWeights=[10, 30], stepDwells=["60s"], threshold=3)
TIMED = {"deadline": "20s"}
GATED = spec_of(webhooks=[
    {**by_hand("confirm-promotion"), **TIMED}, {**by_hand("confirm-rollout"), **TIMED},
    {**by_hand("confirm-traffic-increase"), **TIMED, "onDeadline": "advance"},
])  # fmt: skip

CASES: dict[str, tuple[CanarySpec, CanaryStatus, list[str]]] = {
    "never seen": (
        WEIGHTS, status_in(None),
        ["the controller has not looked at it yet",
         "?: Initialized, when the side that serves is ready and has all traffic"],
    ),
    "suspended": (
        WEIGHTS.model_copy(update={"suspend": True}), running(10),
        ["spec.suspend is true: nothing is changed until it is false"],
    ),
    "blocked": (
        WEIGHTS, status_in(Phase.INITIALIZED, conditions=_ready("no Deployment app: make it")),
        ["no Deployment app: make it", "?: nothing, until there is a new revision; it begins with 10 %, step 1 of 2"],
    ),
    "at rest": (
        WEIGHTS, status_in(Phase.SUCCEEDED, conditions=_said("Promoted", "Revision a is promoted")),
        ["Revision a is promoted", "?: nothing, until there is a new revision; it begins with 10 %, step 1 of 2"],
    ),
    "at rest, and nothing said": (
        WEIGHTS, status_in(Phase.FAILED),
        ["it is Failed", "?: nothing, until there is a new revision; it begins with 10 %, step 1 of 2"],
    ),
    "drains": (
        WEIGHTS, status_in(Phase.FAILED, drained=False, drain_started_at=at(1)),
        ["it is Failed", "31 s: the side without traffic is silent and scaled down",
         "?: nothing, until there is a new revision; it begins with 10 %, step 1 of 2"],
    ),
    "waits for a freeze": (
        GATED, running(0, Phase.WAITING, hold=HELD),
        ["all are frozen until Monday", "300 s: Frozen is over", "?: the gate confirm-rollout",
         "?: its pods start, then 10 %, step 1 of 5"],
    ),
    "waits for its turn": (
        WEIGHTS, running(0, Phase.WAITING, hold=FOR_EVER),
        ["two others are being released", "?: its pods start, then 10 %, step 1 of 2"],
    ),
    "waits for a person": (
        GATED, running(0, Phase.WAITING, gate=gate_at("confirm-rollout", message="ask ann")),
        ["held at 0 % by the gate confirm-rollout: ask ann", "20 s: given up, if confirm-rollout is not open by then",
         "?: its pods start, then 10 %, step 1 of 5"],
    ),
    "waits for pods": (
        WEIGHTS, running(0, not_ready_since=EPOCH, conditions=_said("Reconciling", "waiting for the canary's pods")),
        ["not all pods are ready: waiting for the canary's pods",
         "60 s: rolled back, if not all pods are ready by then",
         "?: 10 %, step 1 of 2"],
    ),
    "before the first step": (WEIGHTS, running(0), ["the first step is prepared", "?: 10 %, step 1 of 2"]),
    "not in force": (
        WEIGHTS, running(10, dwell_started_at=None),
        ["10 %, step 1 of 2: waiting for the routes to carry it", "?: 30 %, step 2 of 2"],
    ),
    "dwells": (
        WEIGHTS, running(10),
        ["10 %, step 1 of 2: not judged yet", "10 s: 10 % is judged", "60 s: 30 %, step 2 of 2",
         "120 s: the promotion, if every step passes at once"],
    ),
    "dwells in the last step": (
        WEIGHTS, running(30, last_check_at=at(50), metrics=passed_at(50)),
        ["30 %, step 2 of 2: all checks passed", "60 s: 30 % is judged", "60 s: the promotion"],
    ),
    "a check failed": (
        WEIGHTS, running(10, failed_checks=1, metrics=FAILED, last_check_at=at(3)),
        ["10 %, step 1 of 2: Fail: m 91 % (limit 99 %); failed checks 1 of 3", "13 s: 10 % is judged",
         "60 s: 30 %, step 2 of 2", "120 s: the promotion, if every step passes at once"],
    ),
    "requests do not follow": (
        WEIGHTS, running(10, metrics=passed_at(0), share=ShareStatus(weight=10, in_force=False,
        message="0 of 900 came")),
        ["10 %, step 1 of 2: all checks passed, but 0 of 900 came", "10 s: 10 % is judged", "60 s: 30 %, step 2 of 2",
         "120 s: the promotion, if every step passes at once"],
    ),
    "paused": (
        WEIGHTS, running(10, paused_at=at(2)),
        ["a person has paused it at 10 %", "10 s: 10 % is judged", "?: 30 %, step 2 of 2"],
    ),
    "held by a freeze": (
        WEIGHTS, running(10, hold=HELD),
        ["all are frozen until Monday", "300 s: Frozen is over", "10 s: 10 % is judged", "?: 30 %, step 2 of 2"],
    ),
    "at a gate that opens by itself": (
        GATED, running(10, gate=gate_at("confirm-traffic-increase")),
        ["held at 10 % by the gate confirm-traffic-increase: it is closed",
         "20 s: confirm-traffic-increase opens by itself", "10 s: 10 % is judged",
         "?: the gate confirm-traffic-increase, then 20 %, step 2 of 5"],
    ),
    "at a gate that nobody times": (
        spec_of(webhooks=[by_hand("confirm-traffic-increase")]), running(10, gate=gate_at("confirm-traffic-increase")),
        ["held at 10 % by the gate confirm-traffic-increase: it is closed", "10 s: 10 % is judged",
         "?: the gate confirm-traffic-increase, then 20 %, step 2 of 5"],
    ),
    "waits to be promoted": (
        GATED, running(50, Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion", message="ask ann")),
        ["held at 50 % by the gate confirm-promotion: ask ann",
         "20 s: rolled back, if confirm-promotion is not open by then",
         "10 s: 50 % is judged", "?: the gate confirm-promotion, then the promotion"],
    ),
    "a gate for two persons": (
        GATED, running(50, Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion", needed=2)),
        ["held at 50 % by the gate confirm-promotion: it is closed; 0 of 2 approvals",
         "20 s: rolled back, if confirm-promotion is not open by then",
         "10 s: 50 % is judged", "?: the gate confirm-promotion, then the promotion"],
    ),
    "a gate that one of two has approved": (
        GATED,
        running(50, Phase.WAITING_PROMOTION, gate=gate_at(
            "confirm-promotion", needed=2, approvals=(Approval(user="ann", at=EPOCH),))),
        ["held at 50 % by the gate confirm-promotion: it is closed; 1 of 2 approvals: ann",
         "20 s: rolled back, if confirm-promotion is not open by then",
         "10 s: 50 % is judged", "?: the gate confirm-promotion, then the promotion"],
    ),
    "a gate that is open": (
        GATED, running(50, Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion", approved=True)),
        ["50 %, step 5 of 5: not judged yet", "10 s: 50 % is judged",
         "10 s: the gate confirm-promotion, then the promotion"],
    ),
    "sequential": (
        spec_of(evaluation="sequential", stepDuration="30s"), running(10),
        ["10 %, step 1 of 5: not judged yet", "10 s: 10 % is judged", "30 s: 20 %, step 2 of 5",
         "150 s: the promotion, if every step passes at once"],
    ),
    "A/B": (
        spec_of(iterations=3, match=[{"headers": {"x": {"exact": "1"}}}]), running(100, step_index=1, iterations=1),
        ["100 % of the requests that match, step 1 of 1: not judged yet",
         "10 s: 100 % of the requests that match is judged", "20 s: the promotion"],
    ),
    "blue-green": (
        spec_of(iterations=2), running(0, step_index=1, dwell_started_at=EPOCH),
        ["checks without traffic, step 1 of 2: not judged yet", "10 s: checks without traffic is judged",
         "20 s: 100 %, step 2 of 2", "30 s: the promotion, if every step passes at once"],
    ),
    "copies": (
        spec_of(stepWeights=[20], mirror=True), running(0, step_index=1, mirrored=True, dwell_started_at=EPOCH),
        ["copies of the requests, step 1 of 2: not judged yet", "10 s: copies of the requests is judged",
         "10 s: 20 %, step 2 of 2", "20 s: the promotion, if every step passes at once"],
    ),
    "promotes": (
        WEIGHTS, running(30, Phase.PROMOTING, not_ready_since=EPOCH, conditions=_said("Promoted", "Revision b passed")),
        ["Revision b passed", "60 s: failed, if the side that is to serve is not ready by then",
         "?: all traffic returns to the primary when it runs the new revision"],
    ),
    "gives the traffic back": (
        spec_of(stepWeightPromotion=20), running(50, Phase.PROMOTING),
        ["it is Promoting", "?: the canary's share falls to 30 % when the primary is ready"],
    ),
    "swaps": (
        SWAPS, running(100, Phase.PROMOTING, stable_subset="v1"),
        ["it is Promoting", "?: the released subset takes the role of the one that served"],
    ),
    "keeps the old version": (
        SWAPS, running(0, Phase.FINALISING, stable_subset="v2", drain_started_at=at(2)),
        ["it is Finalising", "92 s: the old version is silent and scaled down, then Succeeded"],
    ),
    "finalises": (
        WEIGHTS, running(0, Phase.FINALISING),
        ["it is Finalising", "?: the old version is silent and scaled down, then Succeeded"],
    ),
    "is deleted": (
        WEIGHTS, status_in(Phase.TERMINATING),
        ["it is Terminating", "?: it is let go when nothing is left of what was made for it"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_why_and_what_comes(case: tuple[CanarySpec, CanaryStatus, list[str]]) -> None:
    """A person is told why it is where it is, and what comes when, as far as the schedule knows."""
    spec, status, expected = case

    assert _told(spec, status) == expected


POSSIBLE: dict[str, tuple[CanarySpec, CanaryStatus, str, str]] = {
    "at rest": (WEIGHTS, status_in(Phase.SUCCEEDED), "", ""),
    "failed": (WEIGHTS, status_in(Phase.FAILED), "retry", ""),
    "suspended": (WEIGHTS.model_copy(update={"suspend": True}), running(10), "", ""),
    "in a step": (WEIGHTS, running(10), "pause promote abort undo set-weight", "abort"),
    "paused": (WEIGHTS, running(10, paused_at=EPOCH), "resume promote abort undo set-weight", "abort"),
    "held": (WEIGHTS, running(10, hold=HELD), "pause override promote abort undo set-weight", "abort"),
    "at a gate": (
        GATED, running(50, Phase.WAITING_PROMOTION, gate=gate_at("confirm-promotion")),
        "pause promote abort undo approve reject", "abort",
    ),
    "waits": (GATED, running(0, Phase.WAITING, gate=gate_at("confirm-rollout")), "abort undo approve reject", "abort"),
    "promotes": (WEIGHTS, running(30, Phase.PROMOTING), "abort undo", "abort"),
    "swapped": (SWAPS, running(0, Phase.SUCCEEDED, stable_subset="v2"), "undo", ""),
    "blue-green": (spec_of(iterations=2), running(0), "pause promote abort undo", "abort"),
}  # fmt: skip


@pytest.mark.parametrize("case", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_what_a_person_may_do(case: tuple[CanarySpec, CanaryStatus, str, str]) -> None:
    """The actions that make sense are told, and of a release that runs the way back is the safe one."""
    spec, status, verbs, safe = case

    found = outlook(spec, status, at(NOW))

    assert " ".join(found.possible) == verbs
    assert possible(spec, status) == found.possible
    assert (found.safe or "") == safe


REFUSALS: dict[str, tuple[CanarySpec, CanaryStatus, Verb, str]] = {
    "not there yet": (WEIGHTS, status_in(None), Verb.ABORT, "it is not initialized yet: no release is running"),
    "nothing runs": (
        WEIGHTS, status_in(Phase.SUCCEEDED), Verb.PROMOTE,
        "no release is running: it is Succeeded, and revision a serves all traffic",
    ),
    "it failed": (
        WEIGHTS, running(0, Phase.FAILED), Verb.PAUSE,
        "no release is running: revision b failed; retry releases it again",
    ),
    "it waits": (
        WEIGHTS, running(0, Phase.WAITING), Verb.PROMOTE,
        "the release has not started yet: approve opens its gate, override lets it past what holds it",
    ),
    "it runs": (
        WEIGHTS, running(10), Verb.RETRY, "the release of revision b is running: that is for one that has failed",
    ),
    "past its weights": (
        WEIGHTS, running(30, Phase.WAITING_PROMOTION), Verb.SET_WEIGHT,
        "all steps are passed: it waits to be promoted, with the weight that it has",
    ),
    "too late": (
        WEIGHTS, running(10, Phase.FINALISING), Verb.ABORT, "it is Finalising: abort comes too late for that release",
    ),
    "no gate": (WEIGHTS, running(10), Verb.APPROVE, "the release waits at no gate"),
    "no gate but a hold": (
        WEIGHTS, running(10, hold=HELD), Verb.REJECT, "the release waits at no gate: all are frozen until Monday",
    ),
    "a gate that is open": (
        GATED, running(50, gate=gate_at("confirm-promotion", approved=True)), Verb.APPROVE,
        "the release waits at no gate",
    ),
    "paused": (WEIGHTS, running(10, paused_at=EPOCH), Verb.PAUSE, "it is paused already"),
    "not paused": (WEIGHTS, running(10), Verb.RESUME, "it is not paused"),
    "not held": (WEIGHTS, running(10), Verb.OVERRIDE, "neither window nor freeze nor limit holds it"),
    "no weights": (
        spec_of(iterations=2), running(0), Verb.SET_WEIGHT, "this strategy has no weights: promote goes on by one step",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_why_an_action_makes_no_sense(case: tuple[CanarySpec, CanaryStatus, Verb, str]) -> None:
    """Who asks for what can't be done is told why, and what can."""
    spec, status, verb, words = case

    assert why_not(spec, status, verb) == words


def test_a_hook_is_no_gate_of_its_own() -> None:
    """A hook that a service answers says so in the same words as one for people."""
    spec = spec_of(webhooks=[hook("confirm-promotion")])

    assert _told(spec, running(50))[-1] == "10 s: the gate confirm-promotion, then the promotion"


@pytest.mark.parametrize(
    ("generation", "hint"),
    [(1, ""), (2, " (the controller has not seen the last change of the spec yet)")],
    ids=["seen", "not seen"],
)
def test_a_status_that_speaks_of_the_spec_before(generation: int, hint: str) -> None:
    """It is said, unless nothing was said of it at all."""
    status = running(10, observed_generation=1)
    found = outlook(WEIGHTS, status, EPOCH)

    assert why_now(found, status, generation) == found.why + hint
    fresh = CanaryStatus()
    assert why_now(outlook(WEIGHTS, fresh, EPOCH), fresh, 1) == "the controller has not looked at it yet"
