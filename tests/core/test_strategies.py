"""What each strategy does with requests: A/B, blue-green, matched weights, copies, dwells, the way back, sessions."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision
from rollouts.core.measurement import NoData
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.phases import Event
from rollouts.core.routing import Routing
from rollouts.core.step import step
from tests.core.examples import DEAD
from tests.core.given import (
    DURATION,
    EPOCH,
    SUCCESS,
    at,
    bad,
    by_hand,
    callers,
    copy,
    good,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    status_in,
    with_hooks,
)
from tests.core.pods import Pods
from tests.core.world import World

MATCH = [{"headers": {"x-tester": {"exact": "yes"}}}]
AFFINITY = {"cookieName": "canary"}
WEIGHTS = spec_of(stepWeights=[10, 20])
AB = spec_of(iterations=3, match=MATCH)
MATCHED = spec_of(stepWeights=[10, 20], match=MATCH)
BLUE_GREEN = spec_of(iterations=3)
DARK = spec_of(iterations=3, mirror=True, mirrorWeight=20)
MIRRORED = spec_of(stepWeights=[10, 20], mirror=True)
STRATEGIES = {
    "weights": WEIGHTS, "A/B": AB, "matched weights": MATCHED, "blue-green": BLUE_GREEN, "dark": DARK,
    "mirrored": MIRRORED,
}  # fmt: skip


def _at_step(spec: CanarySpec, weight: int, **changes: Any) -> CanaryStatus:
    known: dict[str, Any] = {"strategy": str(spec.analysis.strategy), "step_index": 1, "dwell_started_at": EPOCH}
    return running(weight, **(known | changes))


def _life(spec: CanarySpec, until: float = 120) -> list[tuple[float, str, Routing]]:
    """What the routes were told at which second while b was released."""
    world = World(spec, Pods("a"), now=-60.0)
    world.signals.tested = True
    world.run(0.0)
    told: list[tuple[float, str, Routing]] = []

    def note(before: CanaryStatus, _seen: object, decision: Decision) -> None:
        if (before.desired_weight, before.mirrored) != (decision.status.desired_weight, decision.status.mirrored):
            told.append((world.now, str(decision.event), decision.desired.share))

    world.watchers.append(note)
    world.apply("b")
    world.run(until)
    assert (world.status.phase, world.status.last_promoted_spec) == (Phase.SUCCEEDED, "b")
    return told


@pytest.mark.parametrize(
    ("spec", "life"),
    [
        pytest.param(
            AB, [(3, "Advance", Routing(100, matched=True)), (36, "PrimaryReady", Routing(0, matched=True))], id="A/B"
        ),
        pytest.param(
            MATCHED,
            [
                (3, "Advance", Routing(10, matched=True)), (13, "Advance", Routing(20, matched=True)),
                (26, "PrimaryReady", Routing(0, matched=True)),
            ],
            id="matched weights",
        ),
        pytest.param(BLUE_GREEN, [(33, "Advance", Routing(100)), (46, "PrimaryReady", Routing(0))], id="blue-green"),
        pytest.param(
            DARK,
            [
                (3, "Advance", Routing(0, mirror_percent=20)), (33, "Advance", Routing(100)),
                (46, "PrimaryReady", Routing(0)),
            ],
            id="blue-green with copies",
        ),
        pytest.param(
            MIRRORED,
            [
                (3, "Advance", Routing(0, mirror_percent=100)), (13, "Advance", Routing(10)),
                (23, "Advance", Routing(20)), (36, "PrimaryReady", Routing(0)),
            ],
            id="copies before the first weight",
        ),
        pytest.param(
            spec_of(stepWeights=[10, 20], stepDwells=["25s", "1s"]),
            [(3, "Advance", Routing(10)), (28, "Advance", Routing(20)), (41, "PrimaryReady", Routing(0))],
            id="a dwell for each step, an interval at least",
        ),
        pytest.param(
            spec_of(stepWeights=[100], stepWeightPromotion=40),
            [
                (3, "Advance", Routing(100)), (16, "Shifted", Routing(60)), (26, "Shifted", Routing(20)),
                (36, "PrimaryReady", Routing(0)),
            ],
            id="back in steps",
        ),
        pytest.param(
            spec_of(stepWeights=[50], stepWeightsPromotion=[80, 30]),
            [(3, "Advance", Routing(50)), (16, "Shifted", Routing(30)), (26, "PrimaryReady", Routing(0))],
            id="back by a list, from where it is",
        ),
    ],
)  # fmt: skip
def test_the_life_of_a_good_release(spec: CanarySpec, life: list[tuple[float, str, Routing]]) -> None:
    """Second by second, with pods that take three seconds and an interval of ten."""
    assert _life(spec) == life


def test_a_dwell_is_judged_all_through() -> None:
    """A check each interval and one at the end; each that fails counts, and none that passes shortens it."""
    spec = spec_of(threshold=3, stepWeights=[10, 20], stepDwells=["25s"])
    passed = step(spec, running(10), seen_at(10, route_weight=10, samples=good(10)))
    failed = step(spec, passed.status, seen_at(20, route_weight=10, samples=bad(20)))
    over = step(spec, failed.status, seen_at(25, route_weight=10, samples=good(25)))

    assert (passed.event, passed.message.partition(":")[0]) == (Event.CHECK_PASSED, "held 10 of 25 s")
    assert step(spec, passed.status, seen_at(11, route_weight=10)).wake_at == at(20)
    assert (failed.event, step(spec, failed.status, seen_at(21, route_weight=10)).wake_at) == (
        Event.CHECK_FAILED, at(25),
    )  # fmt: skip
    assert (over.event, over.status.failed_checks) == (Event.ADVANCE, 1)


@pytest.mark.parametrize("spec", [AB, BLUE_GREEN], ids=["A/B", "blue-green"])
def test_iterations_are_counted_and_told(spec: CanarySpec) -> None:
    """Each check that passes is one; one that fails is none, and takes none away."""
    weight = 100 if spec is AB else 0
    first = step(spec, _at_step(spec, weight), seen_at(10, route_weight=weight, samples=good(10)))
    failed = step(spec_of(threshold=3, iterations=3, match=MATCH if spec is AB else []), first.status,
                  seen_at(20, route_weight=weight, samples=bad(20)))  # fmt: skip
    second = step(spec, failed.status, seen_at(30, route_weight=weight, samples=good(30)))
    third = step(spec, second.status, seen_at(40, route_weight=weight, samples=good(40)))

    assert [found.event for found in (first, failed, second, third)] == [
        Event.CHECK_PASSED, Event.CHECK_FAILED, Event.CHECK_PASSED, Event.STEPS_PASSED if spec is AB else Event.ADVANCE,
    ]  # fmt: skip
    assert [found.status.iterations for found in (first, failed, second)] == [1, 1, 2]
    assert first.announcement is not None
    assert first.announcement.message.startswith("Check 1 of 3 passed: ")


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_promotion_is_confirmed_before_clients_see_it(name: str) -> None:
    """After the last step; in blue-green before all traffic goes over, and not once more."""
    plain = STRATEGIES[name]
    spec = with_hooks(plain, [by_hand("confirm-promotion")])
    flips = plain.analysis.strategy == "BlueGreen"
    last = 0 if flips else 100 if name == "A/B" else 20
    seen = seen_at(10, route_weight=last, samples=good(10))

    status = _at_step(spec, last, mirrored=name == "dark", iterations=2)
    waiting = step(spec, status, seen)

    assert (waiting.event, waiting.status.phase) == (Event.PROMOTION_GATED, Phase.WAITING_PROMOTION)
    if flips:
        flipped = _at_step(spec, 100, step_index=2)
        assert step(spec, flipped, seen_at(10, route_weight=100, samples=good(10))).event is Event.STEPS_PASSED


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_canary_without_pods_loses_its_requests(name: str) -> None:
    """In each strategy: a failed check, no weight, no copies; it starts at its first step again, if it may."""
    spec = STRATEGIES[name]
    patient = spec.model_copy(update={"analysis": spec.analysis.model_copy(update={"threshold": 2})})
    weight = {"A/B": 100, "blue-green": 0, "dark": 0, "mirrored": 0}.get(name, 10)
    status = _at_step(spec, weight, mirrored=spec.analysis.mirror, iterations=1)
    seen = seen_at(5, route_weight=weight, target=pods("b", **DEAD))

    lost, over = step(patient, status, seen), step(spec, status, seen)

    assert (lost.event, lost.status.step_index, lost.status.iterations) == (Event.CANARY_LOST, 0, 0)
    assert lost.desired.share == Routing(0, matched=bool(spec.analysis.match))
    assert (over.event, over.desired.weight, over.desired.share.mirror_percent) == (Event.ROLLBACK, 0, 0)


@pytest.mark.parametrize("name", STRATEGIES)
def test_where_only_the_canary_serves_it_gets_every_request(name: str) -> None:
    """Also those that do not match, and also in the dark: there is nobody else."""
    spec = STRATEGIES[name]
    weight = {"A/B": 100, "blue-green": 0, "dark": 0, "mirrored": 0}.get(name, 10)
    status = _at_step(spec, weight, mirrored=spec.analysis.mirror)

    decision = step(spec, status, seen_at(10, route_weight=weight, samples=bad(10), primary=copy("a", **DEAD)))
    back = step(spec, decision.status, seen_at(60, route_weight=100))

    assert (decision.event, decision.status.phase, decision.status.stranded) == (Event.STRANDED, Phase.FAILED, True)
    assert decision.desired.share == Routing(100)
    assert (back.event, back.desired.share, back.status.stranded) == (
        Event.ROLLBACK, Routing(0, matched=bool(spec.analysis.match)), False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "weight", "mirrored", "asked"),
    [
        pytest.param(WEIGHTS, 10, False, True, id="weights"),
        pytest.param(AB, 100, False, False, id="A/B: perhaps nobody matched"),
        pytest.param(MATCHED, 10, False, False, id="matched weights: perhaps nobody matched"),
        pytest.param(BLUE_GREEN, 0, False, False, id="blue-green: nobody sends tests"),
        pytest.param(DARK, 0, True, True, id="copies"),
        pytest.param(BLUE_GREEN, 100, False, True, id="everything"),
    ],
)
def test_silence_means_something_where_requests_are_due(
    spec: CanarySpec, weight: int, *, asked: bool, mirrored: bool
) -> None:
    """Only a canary that gets a share of all, or copies, ought to have requests when the primary has."""
    status = _at_step(spec, weight, mirrored=mirrored, no_data_since=at(-30))
    silence = (sample(SUCCESS, 10, NoData()), sample(DURATION, 10, NoData()), *callers(10))

    asking = step(spec, status, seen_at(10, route_weight=weight, samples=silence))
    busy = (*silence, sample(STABLE_RATE, 10, 5.0))
    judged = step(spec, status, seen_at(10, route_weight=weight, samples=busy))

    assert (asking.asks == (STABLE_RATE,)) == asked
    assert judged.event is (Event.ROLLBACK if asked else Event.UNDECIDED)
    if not asked:
        way_out = "no request matched" if spec.analysis.match else "send test requests to app-canary, or set"
        assert way_out in judged.message


def test_each_run_has_a_cookie_of_its_own() -> None:
    """Who was given a canary before is not given the next one for it; within one run the value stays."""
    spec = spec_of(stepWeights=[10, 20], sessionAffinity=AFFINITY)
    first = step(spec, status_in(Phase.SUCCEEDED), seen_at(0))
    raised = step(spec, first.status, seen_at(1))
    again = step(spec, raised.status, seen_at(2, target=pods("c")))
    later = step(spec, status_in(Phase.SUCCEEDED), seen_at(1))
    plain = step(spec_of(), status_in(Phase.SUCCEEDED), seen_at(0))

    values = {decision.desired.share.session for decision in (first, again, later)}
    assert (len(values), plain.desired.share.session) == (3, "")
    assert all(len(value) == 12 for value in values)
    assert raised.desired.share == Routing(10, session=first.status.session)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("other", STRATEGIES)
def test_another_strategy_in_mid_run_starts_the_run_again(name: str, other: str) -> None:
    """From no weight and no copies, with the same revision; the same strategy with other steps goes on."""
    before, after = STRATEGIES[name], STRATEGIES[other]
    weight = {"A/B": 100, "blue-green": 0, "dark": 0, "mirrored": 0}.get(name, 10)
    status = _at_step(before, weight, mirrored=before.analysis.mirror, failed_checks=1)

    decision = step(after, status, seen_at(5, route_weight=weight))

    if before.analysis.strategy == after.analysis.strategy:
        assert (decision.event, decision.status.desired_weight) == (Event.WAITED, weight)
    else:
        assert (decision.event, decision.status.phase) == (Event.NEW_REVISION, Phase.PROGRESSING)
        assert (decision.desired.share.weight, decision.desired.share.mirror_percent) == (0, 0)
        assert (decision.status.strategy, decision.status.failed_checks) == (after.analysis.strategy, 0)
        assert decision.message == f"the strategy changed to {after.analysis.strategy} in mid-run: it starts again"
