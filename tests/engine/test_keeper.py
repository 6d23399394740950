"""The keeper of counts: what it reads, what it remembers of a run, and what a process that takes over has of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
import structlog

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.provider import Provider
from rollouts.api.resources import ANALYSIS_TEMPLATES, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.counting import Scraped, Series
from rollouts.core.evidence.packed import pack
from rollouts.core.measurement import Evidenced, NoData, Outcome, Rejected, Unreachable, Weighing
from rollouts.core.measurement import Subject as Side
from rollouts.core.weighing import basis_of
from rollouts.core.word_patterns import pods_pattern
from rollouts.engine.custom import CounterPairs, CustomMetrics, OneSource
from rollouts.engine.keeper import FindPairs, Keeper
from rollouts.engine.recipes import Standing
from rollouts.engine.subject import Subject
from rollouts.metrics.prometheus_answer import Rows
from rollouts.ports import MetricSource, SecretData, SeriesOutcome, Sources, WorkloadQuery
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.scenario import Scenario
from rollouts.testing.scenario_run import run
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from tests.api.templates import manifest as template
from tests.core.given import at, spec_of
from tests.engine.world import canary_manifest

RATE: dict[str, Any] = {"name": "request-success-rate", "objective": 99}
SLOW: dict[str, Any] = {"name": "request-duration", "objective": 99, "threshold": "400ms"}


@dataclass
class Scraper:
    """Implements `ports.GroupedSource` over what `tell` says of a query, and notes what was asked."""

    tell: Callable[[str, float], SeriesOutcome]
    asked: list[str] = field(default_factory=list)

    async def measure_of(self, question: WorkloadQuery, at: datetime) -> Outcome:  # noqa: ARG002 - never asked
        """No single value."""
        return NoData()

    async def series_of(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """As the port says."""
        await asyncio.sleep(0)
        self.asked.append(question.query)
        return self.tell(question.query, at.timestamp())


def series(end_s: float, *labels: dict[str, str], per_s: float = 1.0) -> tuple[Series, ...]:
    """Counters that grow since second 0, scraped every 5 s."""
    begin_s, samples = at(0).timestamp(), list[Scraped]()
    for second in range(0, int(end_s - begin_s) + 1, 5):
        samples.append(Scraped(begin_s + second, per_s * second))
    return tuple(Series(frozenset({"pod": "app-1", **one}.items()), tuple(samples)) for one in labels)


def canary(*metrics: dict[str, Any], status: CanaryStatus | None = None, **analysis: Any) -> Subject:
    """A Canary in mid-run."""
    spec = spec_of(**{"evaluation": "sequential", "metrics": list(metrics), **analysis})
    manifest = canary_manifest() | {"spec": spec.model_dump(by_alias=True)}
    manifest["metadata"] = {**manifest["metadata"], "uid": "1"}
    manifest["status"] = (status or CanaryStatus(started_at=at(0))).to_wire()
    return Subject(manifest, Owner.of(manifest), CanarySpec.model_validate(manifest["spec"]))


def weighing(second: float, *missed: float, metric: str = "request-success-rate", run_from: float = 0) -> Weighing:
    """A question of a run whose weight came at second 0."""
    return Weighing(metric, at(run_from), at(0), at(0), at(second), tuple(map(at, missed)))


async def _answer(keeper: Keeper, question: Weighing, subject: Subject) -> Evidenced:
    answer = await keeper.weigh(question, subject)
    assert isinstance(answer, Evidenced), answer
    return answer


async def test_the_same_question_is_read_once() -> None:
    """And its answer is the same, also for two that ask at one time."""
    scraper = Scraper(lambda _, end_s: series(end_s, {"response_code": "200"}))
    keeper, subject = Keeper(scraper), canary(RATE)
    first, second = await asyncio.gather(*(keeper.weigh(weighing(10, 0), subject) for _ in range(2)))
    assert first == second == await keeper.weigh(weighing(10, 0), subject)
    assert len([query for query in scraper.asked if '"app"' in query]) == 1
    assert (await _answer(keeper, weighing(20), subject)).state.canary.requests == 20.0


async def test_each_evaluations_counts_are_logged() -> None:
    """At debug: once for each, with what was counted of both sides so far."""
    keeper = Keeper(Scraper(lambda query, end_s: series(end_s, {"response_code": "200" if "pri" in query else "500"})))
    subject = canary(RATE | {"compare": "primary"})
    with structlog.testing.capture_logs() as logs:
        for question in (weighing(10, 0), weighing(10, 0), weighing(20)):
            await _answer(keeper, question, subject)
    told = [
        (log["metric"], log["at"], log["requests"], log["bad"], log["primary_requests"], log["primary_bad"])
        for log in logs
        if (log["event"], log["log_level"]) == ("counted", "debug")
    ]
    assert told == [
        ("request-success-rate", at(10).isoformat(), 10.0, 10.0, 10.0, 0.0),
        ("request-success-rate", at(20).isoformat(), 20.0, 20.0, 20.0, 0.0),
    ]


async def test_an_outage_loses_nothing() -> None:
    """The next reading reaches back over it, and each missed evaluation is made up for."""
    down = False

    def tell(_: str, end_s: float) -> SeriesOutcome:
        return Unreachable("no answer") if down else series(end_s, {"response_code": "200"})

    subject, steady = canary(RATE), Keeper(Scraper(tell))
    whole = [await _answer(steady, weighing(second, 0), subject) for second in (10, 20, 30, 40)][-1]
    broken = Keeper(Scraper(tell))
    await _answer(broken, weighing(10, 0), subject)
    down = True
    assert await broken.weigh(weighing(20), subject) == Unreachable("no answer")
    down = False
    assert (await _answer(broken, weighing(40, 20, 30), subject)).state == whole.state


async def test_the_next_process_goes_on_from_the_status() -> None:
    """With what it says of this run and these limits."""
    scraper = Scraper(lambda _, end_s: series(end_s, {"response_code": "200"}))
    subject, keeper = canary(RATE), Keeper(scraper)
    told = await _answer(keeper, weighing(10, 0), subject)
    whole = await _answer(keeper, weighing(30, 20), subject)
    basis = basis_of(subject.spec.analysis.metrics[0], subject.spec.analysis)
    entry = {"name": RATE["name"], "at": at(10), "basis": basis, "state": pack(told.state)}
    status = CanaryStatus.model_validate({"startedAt": at(0), "evidence": [entry]})
    resumed = await _answer(Keeper(scraper), weighing(30, 20), canary(RATE, status=status))
    assert resumed.state.canary == whole.state.canary
    assert resumed.state.absolute == pytest.approx(whole.state.absolute, abs=1e-9)
    anew = await _answer(Keeper(scraper), weighing(30, 0, run_from=1), canary(RATE, status=status))
    assert anew.state.canary.requests == 30.0


async def test_another_run_and_other_limits_begin_anew() -> None:
    """What was proven of one says nothing of the other."""
    scraper = Scraper(lambda _, end_s: series(end_s, {"response_code": "200"}))
    keeper = Keeper(scraper)
    assert (await _answer(keeper, weighing(20, 0), canary(RATE))).state.ticks == 1
    stricter = canary({**RATE, "objective": 99.9})
    assert (await _answer(keeper, weighing(30), stricter)).state.canary.requests == 30.0
    keeper.forget(ObjectKey.of(stricter.manifest))
    assert (await _answer(keeper, weighing(40, 0), stricter)).state.canary.requests == 40.0


async def test_a_run_that_nobody_asks_about_is_forgotten() -> None:
    """What it was is in its status."""
    keeper = Keeper(Scraper(lambda _, end_s: series(end_s, {"response_code": "200"})))
    over, running = canary(RATE), canary(RATE)
    running.manifest["metadata"] = {**running.manifest["metadata"], "name": "other"}
    await _answer(keeper, weighing(10, 0), over)
    await _answer(keeper, weighing(3620, 0), running)
    await _answer(keeper, weighing(3630), running)
    assert (await _answer(keeper, weighing(3640, 0), over)).state.ticks == 1


async def test_only_the_edges_around_the_limit_are_read_again() -> None:
    """Which there are is known from the first reading; that none is the limit itself is said."""

    def tell(query: str, end_s: float) -> SeriesOutcome:
        if "app-primary" in query:
            return ()
        slow = {"100": 0.5, "250": 0.9, "500": 0.98, "+Inf": 1.0}
        return tuple(one for le, share in slow.items() for one in series(end_s, {"le": le}, per_s=10 * share))

    scraper, subject = Scraper(tell), canary(SLOW)
    keeper = Keeper(scraper)
    answer = await _answer(keeper, weighing(10, 0, metric="request-duration"), subject)
    assert (answer.state.canary.bad, answer.state.canary.perhaps_bad) == pytest.approx((2.0, 10.0))
    assert answer.note == "400 ms is no edge of a bucket: between 250 and 500 ms nobody knows"
    await _answer(keeper, weighing(20, metric="request-duration"), subject)
    assert 'le=~"250([.]0)?|500([.]0)?|[+]Inf"' in scraper.asked[-1]


async def test_counters_of_a_users_own_are_a_pair_for_each_side() -> None:
    """With the names of the workload and of its pods put in."""
    own = {
        "name": "checkout", "objective": 99, "compare": "primary",
        "counters": {"bad": 'bad_total{pod=~"{{ pods }}"}', "total": 'all_total{app="{{target}}",ns="{{namespace}}"}'},
    }  # fmt: skip
    scraper = Scraper(lambda query, end_s: series(end_s, {}, per_s=0.1 if query.startswith("bad") else 2.0))
    keeper = Keeper(scraper, _find_pairs(MemoryCluster(VirtualClock().now)))
    answer = await _answer(keeper, weighing(10, 0, metric="checkout"), canary(own))
    assert (answer.state.canary.requests, answer.state.canary.bad) == (20.0, 1.0)
    assert answer.state.primary.requests == 20.0
    assert scraper.asked[:2] == [
        'all_total{app="app",ns="shop"}[70s]',
        f'bad_total{{pod=~"(?:{pods_pattern("app", per_node=False)})"}}[70s]',
    ]


async def test_counters_of_a_template_are_weighed() -> None:
    """With its arguments and its own words; and what can't be found is said."""
    cluster = MemoryCluster(VirtualClock().now)
    counters = {"bad": '{{ args.what }}_bad_total{app="{{ target }}"}', "total": 'all_total{app="{{ target }}"}'}
    cluster.put(ANALYSIS_TEMPLATES, template({"counters": counters, "args": [{"name": "what"}]}))
    own = {"name": "checkout", "objective": 99, "evaluation": "sequential", "templateRef": {"name": "errors"}}
    scraper = Scraper(lambda query, end_s: series(end_s, {}, per_s=0.1 if query.startswith("cart_bad") else 2.0))
    keeper, question = Keeper(scraper, _find_pairs(cluster)), weighing(10, 0, metric="checkout")
    answer = await _answer(keeper, question, canary({**own, "templateVariables": {"what": "cart"}}))
    assert (answer.state.canary.requests, answer.state.canary.bad) == (20.0, 1.0)
    assert scraper.asked[:2] == ['all_total{app="app"}[70s]', 'cart_bad_total{app="app"}[70s]']

    refused = await Keeper(scraper, _find_pairs(cluster)).weigh(question, canary(own))
    assert isinstance(refused, Rejected)
    assert refused.kind == "ArgumentMissing"
    cluster.put(ANALYSIS_TEMPLATES, template({"query": "sum(x)"}))
    single = await Keeper(scraper, _find_pairs(cluster)).weigh(question, canary(own))
    assert single == Rejected(
        "AnalysisTemplate shop/errors gives single values: sequential evaluation needs counters", "QueryInvalid"
    )
    assert await Keeper(scraper).weigh(question, canary(own)) == Rejected("nobody knows the counters of checkout")


async def test_counters_of_another_source_are_asked_there() -> None:
    """By the template's provider; one that has none says so."""
    counters = {"bad": "bad_total", "total": "all_total"}
    provider = {"address": "https://other"}
    cluster = MemoryCluster(VirtualClock().now)
    cluster.put(ANALYSIS_TEMPLATES, template({"counters": counters, "provider": provider}))
    own = {"name": "checkout", "objective": 99, "evaluation": "sequential", "templateRef": {"name": "errors"}}
    scraper, elsewhere = Scraper(lambda *_: ()), Elsewhere()
    keeper, question = Keeper(scraper, _find_pairs(cluster, elsewhere)), weighing(10, 0, metric="checkout")
    answer = await _answer(keeper, question, canary(own))
    assert (answer.state.canary.requests, scraper.asked) == (10.0, [])
    elsewhere.failure = Unreachable("other: away")
    assert await keeper.weigh(weighing(20, metric="checkout"), canary(own)) == Unreachable("other: away")


@dataclass
class Elsewhere:
    """Implements `ports.Sources` and the source that it names."""

    failure: Unreachable | None = None

    def source(self, provider: Provider, secrets: SecretData) -> MetricSource:  # noqa: ARG002 - there is one
        """As the port says."""
        return self

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - never asked
        """No single value."""
        return NoData()

    async def rows(self, query: str, at: datetime) -> Rows:  # noqa: ARG002 - all are alike
        """As `grouping.RowSource` says."""
        return Rows(failure=self.failure) if self.failure else Rows(series(at.timestamp(), {}))


def _find_pairs(cluster: MemoryCluster, sources: Sources | None = None) -> FindPairs:
    custom = CustomMetrics(MemorySecrets(cluster.server), sources or OneSource(Elsewhere()))

    async def find(metric: str, subject: Subject, sides: Iterable[Side]) -> CounterPairs | Rejected | Unreachable:
        return await custom.counters(metric, Standing(cluster, subject, CanaryStatus()), sides)

    return find


async def test_failures_that_come_in_clumps_count_less() -> None:
    """As the primary's pods have shown in the hour before the run."""

    def tell(query: str, end_s: float) -> SeriesOutcome:
        if ":60s]" not in query:
            return ()
        begin, found = end_s - 3600, list[Series]()
        for pod in ("a", "b"):
            bursts = [50.0 * ((minute + (pod == "b")) // 2) for minute in range(61)]
            for code, totals in (("500", bursts), ("200", [600.0 * minute for minute in range(61)])):
                labels = frozenset({"pod": pod, "response_code": code}.items())
                samples = tuple(Scraped(begin + 60 * minute, total) for minute, total in enumerate(totals))
                found.append(Series(labels, samples))
        return tuple(found)

    scraper = Scraper(tell)
    phi = (await _answer(Keeper(scraper), weighing(10, 0), canary(RATE))).state.dispersion
    assert phi.relative > 10
    assert phi.absolute == 1.0


@pytest.mark.parametrize(
    ("source", "metric", "says"),
    [
        (None, "request-success-rate", "gives no raw counters"),
        (Scraper(lambda *_: Rejected("bad data")), "request-success-rate", "bad data"),
        (Scraper(lambda *_: ()), "gone", "gone is evaluated sequentially no more"),
    ],
    ids=["no source", "refused", "no metric"],
)
async def test_what_can_not_be_answered_is_said(source: Scraper | None, metric: str, says: str) -> None:
    """An outcome, never an exception."""
    answer = await Keeper(source).weigh(weighing(10, 0, metric=metric), canary(RATE))
    assert isinstance(answer, Rejected)
    assert says in answer.reason


@pytest.mark.parametrize("second", [9, 22, 24, 38, 61, 99, 120])
def test_a_controller_that_dies_at_any_second_decides_the_same(second: float) -> None:
    """The real engine, with another process from then on: the same decisions at the same seconds."""
    spec = spec_of(
        interval="15s", stepWeights=[10, 50], stepDuration="1m", metrics=[{**RATE, "compare": "primary"}, SLOW]
    )
    rates = {"stableRps": 200, "canaryRps": 100, "successRate": 98.5, "stableSuccessRate": 99.9}
    given: dict[str, Any] = {"at": 0, **rates}
    when: list[dict[str, Any]] = [given, {"at": 5, "apply": "b"}]
    dies: list[dict[str, Any]] = [{"at": second, "controller": "down"}, {"at": second + 0.5, "controller": "up"}]
    canary_object = canary_manifest() | {"spec": spec.model_dump(by_alias=True)}
    told, again = (
        run(Scenario.of(canary_object, {"when": sorted(script, key=lambda one: one["at"]), "until": 240}), seed=3)
        for script in (when, when + dies)
    )
    decisions = [replace(one, at_s=round(one.at_s)) for one in told.decisions]
    assert [replace(one, at_s=round(one.at_s)) for one in again.decisions] == decisions
    assert decisions[-2].event == "Rollback"
    assert [one.at for one in again.status.evidence] == [one.at for one in told.status.evidence]
