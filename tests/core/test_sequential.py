"""Evidence at the seams that stories don't show: when it is weighed, what is remembered, what else is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Phase, Verdict
from rollouts.core.clumps import clumps_in
from rollouts.core.counting import Scraped, Series
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.packed import pack, unpack
from rollouts.core.evidence.state import State, absorb
from rollouts.core.instants import MISSED_MAX, Instants
from rollouts.core.measurement import (
    Answer,
    Evidenced,
    NoData,
    Probe,
    Question,
    Rejected,
    Sample,
    Subject,
    Unreachable,
    Value,
    Weighing,
)
from rollouts.core.observed import Fault
from rollouts.core.plan import Step
from rollouts.core.step import step
from rollouts.core.tally import Book, Counter, Rules, Scrapes, follow, reaches_back_s
from rollouts.core.weighing import basis_of, limits_of
from rollouts.metrics.counters import count_of
from tests.core.given import at, hook, running, seen_at, spec_of
from tests.core.invariants import check
from tests.core.world import Happening, World

RATE: dict[str, Any] = {"name": "request-success-rate", "objective": 99}
SLOW: dict[str, Any] = {"name": "request-duration", "objective": 99, "threshold": "500ms"}
POLICIES = ["hold", "advance", "fail"]
LIMITS, SETTINGS = Limits(slo=0.01, compare=True), Settings()


def state_of(requests: float, bad: float, ticks: int = 5, primary: tuple[float, float] = (9000, 9)) -> State:
    """So many requests, evenly over so many evaluations."""
    state = State()
    for _ in range(ticks):
        counts = Tick(Arm(requests / ticks, bad / ticks), Arm(primary[0] / ticks, primary[1] / ticks))
        state = absorb(state, counts, LIMITS, SETTINGS)
    return state


GOOD, BAD, OPEN = state_of(5000, 0), state_of(5000, 500), state_of(60, 0)


def sequential(**analysis: Any) -> CanarySpec:
    """Evaluated every 10 s by the success rate alone."""
    return spec_of(**{"evaluation": "sequential", "metrics": [RATE], "shareCheck": "none"} | analysis)


def asked(spec: CanarySpec, status: CanaryStatus, second: float) -> tuple[Weighing, ...]:
    """What evidence is asked for then."""
    found = step(spec, status, seen_at(second, route_weight=status.desired_weight)).asks
    return tuple(question for question in found if isinstance(question, Weighing))


def judged(spec: CanarySpec, status: CanaryStatus, second: float, *outcomes: Any, seen: Any = None) -> Any:
    """The decision, all else being well, when each question has its outcome."""
    observed = seen or seen_at(second, route_weight=status.desired_weight)
    answers: list[Sample] = []
    decision = step(spec, status, observed)
    for _ in range(3):
        decision = step(spec, status, replace(observed, samples=tuple(answers)))
        weighings = [question for question in decision.asks if isinstance(question, Weighing)]
        told = dict(zip(weighings, outcomes, strict=False))
        answers += [
            Sample(one, observed.now, told[one] if isinstance(one, Weighing) and one in told else Value(0.0))
            for one in decision.asks
        ]
    check(spec, status, replace(observed, samples=tuple(answers)), decision)
    return decision


def weighed(status: CanaryStatus, second: float, verdict: Verdict = Verdict.INCONCLUSIVE) -> CanaryStatus:
    """The status after an evaluation at that second."""
    spec = sequential()
    decision = judged(spec, status, second, Evidenced({Verdict.INCONCLUSIVE: OPEN, Verdict.PASS: GOOD}[verdict]))
    return CanaryStatus.model_validate(decision.status)


def test_the_instants_follow_from_the_status_alone() -> None:
    """An interval apart, the end of the dwell one more; on the grid where the interval is of whole grids."""
    spec, status = sequential(interval="10s", stepDwells=["25s"]), running(10)
    began, dwell = at(0), Step(10, 25.0)
    found = Instants.of(spec.analysis, status, began, dwell)
    assert [found.after(at(second)) for second in (0, 10, 20, 25, 30)] == [at(10), at(20), at(25), at(30), at(40)]
    assert [found.newest(at(second)) for second in (0, 9, 10, 24, 27, 35)] == [
        at(10), at(10), at(10), at(20), at(25), at(30),
    ]  # fmt: skip
    assert found.between(at(0), at(30)) == (at(10), at(20), at(25))
    assert len(found.between(at(0), at(3600))) == MISSED_MAX - 1
    gridded = Instants.of(spec.analysis, status, at(1), dwell, 5.0)
    assert [gridded.newest(at(1)), gridded.after(at(15)), gridded.over_at] == [at(15), at(25), at(30)]


@pytest.mark.parametrize(
    "text", ["", "?", "AAAA", pack(State())[:-4], pack(replace(State(), step_requests=float("nan")))]
)
def test_a_state_that_cannot_be_read_is_none(text: str) -> None:
    """Counting begins anew."""
    assert unpack(text) is None


def test_a_packed_state_is_the_same_to_a_billionth() -> None:
    """Also after more evaluations."""
    whole, packed = state_of(700, 6), unpack(pack(state_of(700, 6)))
    assert packed is not None
    for _ in range(50):
        counts = Tick(Arm(30, 0.3), Arm(270, 2))
        whole, packed = (absorb(one, counts, LIMITS, SETTINGS) for one in (whole, packed))
    logs = zip(whole.absolute + whole.relative, packed.absolute + packed.relative, strict=True)
    assert max(abs(one - other) for one, other in logs) < 1e-9
    assert (whole.canary, whole.ticks) == (packed.canary, packed.ticks)


def test_a_question_is_the_same_until_it_is_judged_and_says_what_was_missed() -> None:
    """A process that comes late asks about the newest instant, and about those before."""
    spec, status = sequential(), running(10)
    (first,) = asked(spec, status, 13)
    assert (first.at, first.missed, first.counts_from) == (at(10), (at(0),), at(0))
    known = weighed(status, 10)
    (late,) = asked(spec, known, 57)
    assert (late.at, late.missed) == (at(50), (at(20), at(30), at(40)))


def test_what_is_known_is_not_written_again_within_a_minute() -> None:
    """Neither a write nor news, and the next evaluation an interval later."""
    known = weighed(running(10), 10)
    quiet = judged(sequential(), known, 20, Evidenced(OPEN))
    assert (quiet.event, quiet.status.metrics, quiet.wake_at) == ("Waited", known.metrics, at(30))
    assert judged(sequential(), known, 70, Evidenced(OPEN)).event == "Undecided"
    assert judged(sequential(), known, 20, Evidenced(BAD)).event == "Rollback"


def test_proof_waits_for_no_other_answer() -> None:
    """A webhook that says nothing does not keep a bad version in traffic."""
    spec = sequential(webhooks=[hook(HookType.ROLLOUT)], threshold=9)
    status, observed = running(10), seen_at(10, route_weight=10)
    (question,) = asked(spec, status, 10)
    decision = step(spec, status, replace(observed, samples=(Sample(question, at(10), Evidenced(BAD)),)))
    assert (decision.event, decision.status.failed_checks) == ("Rollback", 0)
    assert decision.status.metrics[0].verdict is Verdict.FAIL
    assert "500 of 5000 failed" in decision.message


def test_proof_by_a_dry_run_is_told_and_no_more() -> None:
    """The other metric decides."""
    dry = {"name": "request-duration", "objective": 99, "threshold": "500ms", "dryRun": True}
    spec = sequential(metrics=[RATE, dry])
    decision = judged(spec, running(10), 10, Evidenced(GOOD), Evidenced(BAD))
    assert decision.event == "Advance"
    assert decision.status.metrics[1].message.startswith("dry run, would have failed: request-duration: 500 of 5000")


@pytest.mark.parametrize(
    ("outcome", "verdict", "says"),
    [
        (Unreachable("no answer"), Verdict.ERROR, "request-success-rate: no answer"),
        (Rejected("bad data"), Verdict.ERROR, "request-success-rate: bad data"),
        (NoData(), Verdict.ERROR, "request-success-rate: no answer of a metric source"),
        (Evidenced(OPEN, counted=False), Verdict.INCONCLUSIVE, "request-success-rate: counting begins"),
        (Evidenced(OPEN, note="a gap"), Verdict.INCONCLUSIVE, "; a gap"),
        (Evidenced(replace(GOOD, step_requests=7.0)), Verdict.INCONCLUSIVE, "; 7 requests in this step are few"),
        (Evidenced(replace(GOOD, step_requests=0.0)), Verdict.NO_DATA, "no request of the canary was counted"),
    ],
    ids=["unreachable", "rejected", "other", "begins", "noted", "few", "none"],
)
def test_what_is_not_proven_says_why(outcome: Any, verdict: Verdict, says: str) -> None:
    """Each verdict with words that a person understands."""
    (result,) = judged(sequential(), running(10), 10, outcome).status.metrics
    assert result.verdict is verdict
    assert says in result.message


def test_an_error_keeps_what_was_counted_before() -> None:
    """The next process goes on from there."""
    known = weighed(running(10), 10)
    failed = judged(sequential(), known, 20, Unreachable("no answer")).status
    assert failed.evidence == known.evidence
    assert failed.metrics[0].verdict is Verdict.ERROR


def test_a_pass_that_is_old_gives_no_more_weight() -> None:
    """What could not be written for half a minute may have failed since; the next evaluation decides."""
    spec, status = sequential(interval="60s"), running(10)
    assert judged(spec, status, 60, Evidenced(GOOD)).event == "Advance"
    late = judged(spec, status, 100, Evidenced(GOOD))
    assert (late.event, late.wake_at) == ("Waited", at(120))
    assert judged(spec, status, 100, Evidenced(BAD)).event == "Rollback"


def test_a_metric_without_statistics_is_never_let_pass_by_time() -> None:
    """Conditions of which none is true hold the release, however long."""
    cel = {"name": "queue", "query": "depth", "successCondition": "result < 5", "failureCondition": "result > 50"}
    spec = sequential(metrics=[RATE, cel], promote="time", maxHold="20s")
    status = running(10)
    observed = seen_at(40, route_weight=10)
    answers: list[Sample] = []

    def answers_of(question: Question) -> Answer:
        if isinstance(question, Weighing):
            return Evidenced(GOOD)
        return Value(10.0 if isinstance(question, Probe) and question.metric == "queue" else 0.0)

    decision = step(spec, status, observed)
    for _ in range(3):
        decision = step(spec, status, replace(observed, samples=tuple(answers)))
        answers += [Sample(one, observed.now, answers_of(one)) for one in decision.asks]
    assert decision.event == "Undecided"
    assert decision.status.metrics[1].verdict is Verdict.INCONCLUSIVE


def test_requests_that_reach_no_pod_are_judged_beside_the_counts() -> None:
    """Nobody counts them, so that they are judged as a single value, and as a failed check."""
    spec, status = sequential(threshold=2), running(10)
    observed, answers = seen_at(10, route_weight=10), list[Sample]()
    decision = step(spec, status, observed)
    for _ in range(3):
        decision = step(spec, status, replace(observed, samples=tuple(answers)))
        answers += [
            Sample(one, observed.now, Evidenced(GOOD) if isinstance(one, Weighing) else Value(40.0))
            for one in decision.asks
        ]
    assert (decision.event, decision.status.failed_checks) == ("CheckFailed", 1)
    assert "40.00 % of the canary's requests failed before they reached a pod" in decision.message


def test_evidence_takes_the_place_of_results_in_the_status() -> None:
    """And what decided is among those that are kept."""
    metrics = [RATE, *({"name": f"m{n}", "query": "q", "thresholdRange": {"max": 50}} for n in range(12))]
    hooks = [hook(HookType.ROLLOUT, f"test-{n}") for n in range(3)]
    spec = sequential(metrics=metrics, webhooks=hooks)
    decision = judged(spec, running(10), 10, Evidenced(OPEN))
    assert len(decision.status.metrics) == 13
    assert decision.status.metrics[0].name == "test-0"


SERIES = {"pod": "app-1", "destination_workload": "app"}


def scraped(code: str, *values: tuple[float, float]) -> Series:
    """One series of the canary's requests, by seconds of the run."""
    samples = tuple(Scraped(at(second).timestamp(), value) for second, value in values)
    return Series(frozenset({**SERIES, "response_code": code}.items()), samples)


def weighing(second: float, *missed: float, began: float = 0, counts: float | None = None) -> Weighing:
    """A question of a run that began at second 0."""
    counts_from = at(began if counts is None else counts)
    return Weighing("request-success-rate", at(0), at(began), counts_from, at(second), tuple(map(at, missed)))


def followed(book: Book, question: Weighing, *series: Series, since: datetime | None = None) -> Book:
    """The book, after the canary's series were read."""
    metric = sequential().analysis.metrics[0]
    rules = Rules(count_of(metric, None), limits_of(metric), SETTINGS, 10.0)
    return follow(book, question, Scrapes({(Subject.CANARY, Counter.REQUESTS): series}, since or at(-60)), rules)


def test_one_reading_makes_up_for_missed_evaluations() -> None:
    """As if each had been made at its time."""
    values = [(second, 3.0 * second) for second in range(5, 65, 5)]
    once = followed(Book(), weighing(60, *range(0, 60, 10)), scraped("200", *values))
    each = Book()
    for second in range(0, 70, 10):
        seen = [value for value in values if value[0] <= second]
        each = followed(each, weighing(second), scraped("200", *seen))
    assert once.state == each.state
    assert once.state.canary.requests == 180.0


def test_a_new_weight_counts_only_what_is_its_own() -> None:
    """A growth between two scrapes around the change is of neither; those of before stay what they are."""
    first = followed(Book(), weighing(10, 0), scraped("200", (5, 50), (10, 100)))
    later = followed(first, weighing(30, began=13), scraped("200", (10, 100), (15, 150), (20, 200), (30, 300)))
    assert (later.state.canary.requests, later.state.step_requests) == (250.0, 150.0)


def test_what_nobody_could_read_any_more_is_left_out_and_said() -> None:
    """A process that took over begins with the oldest scrapes that there are."""
    told = Book(state_of(100, 0), at(10))
    found = followed(told, weighing(4000), scraped("200", (400, 9000), (3900, 9900)), since=at(400))
    assert found.gap_s == 390.0
    assert found.state.canary.requests == 100.0 + 900.0


def test_a_book_goes_on_where_the_status_left_it() -> None:
    """For this run and these limits; else it begins anew."""
    known, spec = weighed(running(10), 10), sequential()
    (question,), basis = asked(spec, known, 20), basis_of(spec.analysis.metrics[0], spec.analysis)
    assert Book.resumed(known, question, basis).at == at(10)
    assert Book.resumed(known, question, "other").at is None
    assert Book.resumed(known, replace(question, run=at(5)), basis).at is None
    spoilt = known.evidence[0].model_copy(update={"state": "?"})
    assert Book.resumed(known.model_copy(update={"evidence": (spoilt,)}), question, basis).at is None
    resumed = followed(Book.resumed(known, question, basis), question, scraped("200", (5, 5), (10, 10), (20, 30)))
    assert resumed.state.canary.requests == OPEN.canary.requests + 20


def test_a_restart_at_any_second_leaves_the_same_e_values() -> None:
    """To a billionth, as the status has them at the end."""
    spec = sequential(metrics=[{**RATE, "compare": "primary"}], interval="15s", stepWeights=[10, 50], stepDuration="1m")
    ends = []
    for restarts in ((), range(1, 160)):
        world = World(spec, target=None)
        world.apply("a")
        world.now = -60.0
        world.run(0.0)
        world.signals.stable_rps, world.signals.success_rate, world.signals.stable_success_rate = 60.0, 99.7, 99.9
        happenings = [(1.0, lambda world: world.apply("b"))]
        happenings += [(second + 0.5, lambda world: world.restart(up=True)) for second in restarts]
        world.run(160.0, happenings)
        assert world.status.phase is Phase.PROGRESSING
        ends.append([(one.name, one.at, unpack(one.state)) for one in world.status.evidence])
    ((_, first_at, first),), ((_, second_at, second),) = ends
    assert first is not None
    assert second is not None
    assert first_at == second_at
    assert first.canary.requests == pytest.approx(second.canary.requests, abs=1e-9)
    logs = zip(first.absolute + first.relative, second.absolute + second.relative, strict=True)
    assert max(abs(one - other) for one, other in logs if one != other) < 1e-8


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_every_decision_is_lawful(seed: int) -> None:
    """Releases, failures, outages, edits and restarts in any order, each decision held against the invariants."""
    random = Random(seed)
    policies = {name: random.choice(["hold", "advance", "fail"]) for name in ("onInconclusive", "onSharedBreach")}
    spec = sequential(
        interval=random.choice(["5s", "15s", "40s"]), maxHold="90s", promote=random.choice(["evidence", "time"]),
        metrics=[RATE | {"compare": random.choice(["none", "primary"])}, SLOW | {"onNoData": random.choice(POLICIES)}],
        threshold=2, warmup=random.choice(["0s", "20s"]), stepWeights=[10, 40, 70], **policies,
    )  # fmt: skip
    world = World(spec, target=None)
    world.apply("a")
    world.now = -60.0
    world.run(0.0)
    world.signals.stable_rps = random.choice([0.0, 2.0, 80.0])
    world.watchers.append(lambda before, seen, decision: check(world.spec, before, seen, decision))
    happenings: list[tuple[float, Happening]] = [(1.0, lambda world: world.apply("b"))]
    happenings += [(random.uniform(5, 600), _drawn(random, index)) for index in range(30)]
    world.run(700.0, happenings)
    assert world.status.phase is not None
    assert {one.name for one in world.status.evidence} <= {"request-success-rate", "request-duration"}


def _drawn(random: Random, index: int) -> Happening:
    name, value = random.choice([
        ("success_rate", 100.0), ("success_rate", 90.0), ("success_rate", None), ("stable_success_rate", 90.0),
        ("stable_success_rate", 100.0), ("duration_ms", 3000.0), ("duration_ms", 20.0), ("metrics_down", "no answer"),
        ("metrics_down", ""), ("canary_rps", 0.0), ("canary_rps", 5.0), ("stable_rps", 200.0), ("unreached", 5.0),
        ("unreached", 0.0), ("apply", f"v{index}"), ("restart", None), ("restart", None), ("pause", None),
        ("resume", None), ("weight", None),
    ])  # fmt: skip
    asks = {"pause": {"pause": str(index)}, "resume": {"resume": str(index)}}
    asks["weight"] = {"set-weight": json.dumps({"id": str(index), "weight": random.choice([5, 30, 70])})}

    def happen(world: World) -> None:
        if name == "apply":
            world.apply(str(value))
        elif name == "restart":
            world.restart(up=True)
        elif name in asks:
            world.annotations |= asks[name]
        else:
            setattr(world.signals, name, value)

    return happen


def test_a_users_own_counters_are_judged_by_them_alone() -> None:
    """What callers of the mesh saw is no matter of theirs."""
    own = {"name": "checkout", "objective": 99, "counters": {"bad": "failed_total", "total": "all_total"}}
    assert judged(sequential(metrics=[own]), running(10), 10, Evidenced(GOOD)).event == "Advance"
    assert judged(sequential(metrics=[own]), running(10), 10, Evidenced(BAD)).event == "Rollback"


def test_a_fault_that_both_versions_have_holds_what_the_counts_would_let_pass() -> None:
    """And the counts stay what they say."""
    fault = Fault("rule default", "aborts 40 % of its requests with 500", Subject.BOTH, code=500)
    observed = replace(seen_at(10, route_weight=10), faults=(fault,))
    answers: list[Sample] = []
    decision = step(sequential(), running(10), observed)
    for _ in range(3):
        decision = step(sequential(), running(10), replace(observed, samples=tuple(answers)))
        answers += [
            Sample(one, observed.now, Evidenced(GOOD) if isinstance(one, Weighing) else Value(40.0))
            for one in decision.asks
        ]
    (result,) = decision.status.metrics
    assert (decision.event, result.verdict, result.value) == ("Undecided", Verdict.SHARED_BREACH, 100.0)


def test_a_reading_goes_back_to_where_the_counting_is() -> None:
    """To the beginning of the step before there is any."""
    assert reaches_back_s(Book(), weighing(40)) == 40.0
    assert reaches_back_s(Book(at=at(30)), weighing(40)) == 10.0


@pytest.mark.parametrize("apart", [0, 1], ids=["both halves at once", "one half, then the other"])
def test_failures_in_clumps_are_known_from_the_hour_before(apart: int) -> None:
    """Bursts that both halves of the pods share cancel in the comparison, and only there."""
    count, series = count_of(sequential().analysis.metrics[0], None), list[Series]()
    for pod in range(2):
        bursts = [100.0 * ((minute + apart * pod) // 2) for minute in range(61)]
        for code, totals in (("500", bursts), ("200", [6000.0 * minute for minute in range(61)])):
            labels = frozenset({"pod": f"app-primary-{pod}", "response_code": code}.items())
            series.append(Series(labels, tuple(Scraped(60.0 * minute, total) for minute, total in enumerate(totals))))
    phi = clumps_in({Counter.REQUESTS: tuple(series)}, 3600.0, count)
    assert (phi.relative > 10, phi.absolute > 10) == ((False, True) if apart == 0 else (True, False))
