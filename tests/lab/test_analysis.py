"""The play of real metrics: its plans are sound, it counts right itself, and only a good run meets what it expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.analysis.counts import Answered, Growth, Scrape, growths, pair, read_shown
from e2e.analysis.facts import Held, ReleaseFacts
from e2e.analysis.judge import judge_release
from e2e.analysis.judge_counts import judge_counts, judge_decision, judge_totals
from e2e.analysis.plan import ERRORS, GIVEN_UP, GOOD, HELD_THEN_FAILED, OUTLASTED, RELEASES, UNDECIDED, Release
from e2e.analysis.report import figure_lines, release_json
from e2e.analysis.seen import Evaluation, Journal, MetricSeen, StatusSeen, read_evaluations
from e2e.analysis.totals import Totals, count, of_clients
from e2e.lab.load import Record
from e2e.lab.workload.exposition import Source
from e2e.lab.workload.meter import Meter
from e2e.lab.workload.scrape_log import ScrapeLog
from e2e.lab.workload.views import read_pod
from e2e.play.result import Result
from rollouts.core.counting import Scraped, Series

Json = dict[str, Any]
WEIGHT_S, SCRAPE_S = 100.0, 2.0
AHEAD_S = 0.2
"""How far the controller's clock is."""


def pods(canary: tuple[int, int], primary: tuple[int, int] = (0, 0)) -> dict[tuple[str, str], Answered]:
    """What two pods have answered: all, and badly."""
    found = {("app-primary", "p"): Answered(1000 + primary[0], primary[1])}
    return found | ({("app", "c"): Answered(*canary)} if canary[0] else {})


def scraped(release: Release) -> list[Scrape]:
    """Every two seconds from before the weight on, at 10 to 50 requests a second of the canary, 1 of 10 bad or none."""
    per_scrape = int(release.rate_per_s * SCRAPE_S * release.percent / 100)
    bad = per_scrape // 10 if release.ends == "Failed" else 0
    rest = int(release.rate_per_s * SCRAPE_S) - per_scrape
    return [
        Scrape(WEIGHT_S - 4.5 + n * SCRAPE_S, pods((max(0, n - 1) * per_scrape, max(0, n - 1) * bad), (n * rest, 0)))
        for n in range(40)
    ]


def told(scrapes: Sequence[Scrape], release: Release, count: int) -> list[Evaluation]:
    """The evaluations of a controller that counts right."""
    last = [WEIGHT_S + (n + 1) * release.interval_s for n in range(count)]
    found, base = [], next(one for one in scrapes if one.at_s >= WEIGHT_S).pods
    for at_s in last:
        now = [one for one in scrapes if one.at_s <= at_s - AHEAD_S][-1].pods
        # A canary's pod that was scraped before the weight counts from the first scrape after that.
        canary = now["app", "c"].less(base["app", "c"])
        primary = now["app-primary", "p"].less(base["app-primary", "p"])
        counts = (canary.requests, canary.bad, primary.requests, primary.bad)
        found.append(Evaluation(at_s, "request-success-rate", *counts, at_s - AHEAD_S + 0.05))
    return found


def answers(release: Release) -> list[Record]:
    """Some of the clients' requests; the canary's are bad where it may be."""
    bad = Record(WEIGHT_S + 1, WEIGHT_S + 1, 5.0, 500, workload="app") if release.may_fail else None
    good = [Record(WEIGHT_S + n, WEIGHT_S + n, 5.0, 200, workload="app-primary") for n in range(60)]
    return [*good, *([bad] if bad else [])]


SAID = {
    HELD_THEN_FAILED.title: "request-success-rate: no request of the canary was counted",
    UNDECIDED.title: "request-success-rate: 0 of 4 failed (0.00 %); limit 1.0 %; undecided",
    OUTLASTED.title: "request-success-rate: Prometheus at http://127.0.0.1:9090: connection failed: refused",
}


def facts(release: Release, evaluations: int) -> ReleaseFacts:
    """A release that went as it should."""
    scrapes = scraped(release)
    reason = " / ".join(release.words)
    told_at_s = WEIGHT_S + evaluations * release.interval_s
    end = "Failed" if release.ends == "Failed" else "Promoting"
    ready = "Inconclusive: undecided after 40s, and onInconclusive is hold; promote or abort it by hand, or wait"
    held = Held(WEIGHT_S + 1, WEIGHT_S + 9, MetricSeen("m", "V", SAID.get(release.title, "")), ready)
    records = answers(release)
    counted = of_clients(records)
    return ReleaseFacts(
        release=release,
        version="2",
        began_at_s=WEIGHT_S - 5,
        ended_at_s=told_at_s + 20,
        statuses=(
            StatusSeen(WEIGHT_S - 4, 1, "Initialized", 0, None, "", ""),
            StatusSeen(WEIGHT_S, 1, "Progressing", release.percent, WEIGHT_S, "", ""),
            StatusSeen(told_at_s, 1, end, 0, None, reason, "", (MetricSeen("m", "Pass", "all good"),)),
            StatusSeen(told_at_s + 5, 1, release.ends, 0, None, reason, ""),
        ),
        records=tuple(records),
        events=(f"Rollback: {reason}",),
        evaluations=tuple(told(scrapes, release, evaluations)) if release in (ERRORS, GOOD) else (),
        scrapes=tuple(scrapes),
        totals=Totals(counted, counted),
        serves="2" if release.ends == "Succeeded" else "1",
        held=held if release.title in SAID else None,
        down_s={OUTLASTED.title: (WEIGHT_S, told_at_s - 1), GIVEN_UP.title: (WEIGHT_S, told_at_s + 1)}.get(
            release.title
        ),
        lies_told=3,
    )


def failed(results: Sequence[Result]) -> list[str]:
    """What was not met."""
    return [result.expected for result in results if not result.ok]


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.title)
def test_a_release_as_planned_meets_all(release: Release) -> None:
    """Its Canary is one, and its figures are a row and its reason a line."""
    assert release.spec.analysis.metrics
    assert failed([*judge_release(facts(release, 4))]) == []
    lines = figure_lines([release_json(facts(release, 4))])
    assert lines[1].startswith(release.title)
    assert lines[-1] == f"{release.title}: {' / '.join(release.words) or 'all good'}"


@pytest.mark.parametrize(
    ("release", "change", "expected"),
    [
        (ERRORS, lambda seen: replace(seen, overdue="late"), "it ends as Failed"),
        (ERRORS, lambda seen: replace(seen, statuses=seen.statuses[:2]), "it ends as Failed"),
        (ERRORS, lambda seen: replace(seen, serves="2"), "another version serves"),
        (GOOD, lambda seen: replace(seen, serves="1"), "its version serves"),
        (ERRORS, lambda seen: replace(seen, events=("Rollback: failed",)), "so does an Event"),
        (
            ERRORS,
            lambda seen: replace(seen, statuses=(*seen.statuses, replace(seen.statuses[-1], promoted="it failed"))),
            "condition Promoted says why: failed (, limit , primary 0 of",
        ),
        (
            ERRORS,
            lambda seen: replace(seen, records=seen.records[-1:]),
            "no client error from 1 s after the rollback on",
        ),
        (GOOD, lambda seen: replace(seen, records=()), "no client error"),
        (GOOD, lambda seen: replace(seen, records=(Record(101, 101, 1.0, 0, "reset"),)), "no client error"),
        (UNDECIDED, lambda seen: replace(seen, held=None), "it waits"),
        (
            HELD_THEN_FAILED,
            lambda seen: replace(seen, held=replace(seen.held, until_s=WEIGHT_S + 30)),
            "it waits, and its metric says: no request of the canary was counted",
        ),
        (
            UNDECIDED,
            lambda seen: replace(seen, held=replace(seen.held, ready="Progressing: ")),
            "condition Ready says what a person may do",
        ),
        (OUTLASTED, lambda seen: replace(seen, down_s=None), "Prometheus was away"),
        (
            OUTLASTED,
            lambda seen: replace(seen, down_s=(WEIGHT_S, WEIGHT_S + 60)),
            "it decides when Prometheus is back, not before",
        ),
        (
            GIVEN_UP,
            lambda seen: replace(seen, down_s=(WEIGHT_S, WEIGHT_S + 3)),
            "it gives up while Prometheus is away",
        ),
        (RELEASES[-1], lambda seen: replace(seen, lies_told=0), "it was lied to"),
    ],
)
def test_a_release_that_went_otherwise_is_noticed(
    release: Release, change: Callable[[ReleaseFacts], ReleaseFacts], expected: str
) -> None:
    """Each expectation can fail."""
    assert expected in failed([*judge_release(change(facts(release, 4)))])


@pytest.mark.parametrize(("release", "evaluations"), [(ERRORS, 3), (GOOD, 5)])
def test_right_counts_and_a_timely_decision_are_found_so(release: Release, evaluations: int) -> None:
    """By a clock that is somewhat ahead too; what a pod had answered before the weight counts for nobody."""
    seen = facts(release, evaluations)
    results = [*judge_counts(seen), *judge_decision(seen), *judge_totals(seen)]
    assert failed(results) == []
    assert len(results) == 4


COUNTS = "at each evaluation the counts are those that the last scrape was shown"


@pytest.mark.parametrize("field", ["requests", "bad", "primary_requests", "primary_bad"])
def test_one_request_too_many_is_noticed(field: str) -> None:
    """In any count of any evaluation."""
    seen = facts(ERRORS, 3)
    wrong = replace(seen.evaluations[1], **{field: getattr(seen.evaluations[1], field) + 1})
    results = [*judge_counts(replace(seen, evaluations=(seen.evaluations[0], wrong, seen.evaluations[2])))]
    assert failed(results) == [COUNTS]
    assert results[0].detail.startswith("at 10.0 s ")


def test_a_scrape_that_is_under_way_may_count_in_the_next_evaluation() -> None:
    """If it began a moment before the answer was there; one that began half a second before has to be in it."""
    seen = facts(ERRORS, 3)
    first, second, third = seen.evaluations
    *_, before, last = (one for one in seen.scrapes if one.at_s <= second.at_s - AHEAD_S)
    missing = last.pods["app", "c"].less(before.pods["app", "c"])
    beside = last.pods["app-primary", "p"].less(before.pods["app-primary", "p"])
    without = replace(
        second,
        requests=second.requests - missing.requests,
        bad=second.bad - missing.bad,
        primary_requests=second.primary_requests - beside.requests,
    )
    for after_s, wrong in ((0.2, []), (0.5, [COUNTS])):
        told = replace(without, read_at_s=last.at_s + after_s)
        assert failed([*judge_counts(replace(seen, evaluations=(first, told, third)))]) == wrong


def test_a_late_decision_and_an_early_one_are_noticed() -> None:
    """Ten seconds after it was proven, and an evaluation before."""
    seen = facts(ERRORS, 3)
    late = replace(seen.statuses[2], at_s=seen.statuses[2].at_s + 10)
    for statuses in ((*seen.statuses[:2], late, seen.statuses[3]), seen.statuses[:2]):
        assert len(failed([*judge_decision(replace(seen, statuses=statuses))])) == 1
    early = replace(seen, evaluations=seen.evaluations[:2])
    assert "never proven" in next(iter(judge_decision(early))).detail


def test_an_evaluation_that_was_left_out_is_noticed() -> None:
    """The others count right all the same."""
    seen = facts(GOOD, 5)
    some = replace(seen, evaluations=(*seen.evaluations[:2], *seen.evaluations[3:]))
    assert failed([*judge_counts(some)]) == ["an evaluation each 10 s"]
    assert failed([*judge_counts(replace(some, down_s=(WEIGHT_S, WEIGHT_S + 20)))]) == []


def test_totals_that_differ_are_told() -> None:
    """By workload and status."""
    totals = Totals({("app", "200"): 3.0}, {("app", "200"): 3.0, ("app", "500"): 1.0})
    assert totals.differences == ["app 500: 0 counted, 1 answered"]
    seen = replace(facts(ERRORS, 3), totals=totals)
    assert len(failed([*judge_totals(seen)])) == 1
    assert len(failed([*judge_totals(replace(seen, totals=Totals()))])) == 1


def test_totals_are_what_grew_since_the_load_began() -> None:
    """Of old pods what is new, of new ones all."""
    labels = {"destination_workload": "app", "response_code": "200"}
    old, new = (frozenset({"pod": pod, **labels}.items()) for pod in "on")
    series = [Series(old, (Scraped(1, 7), Scraped(5, 9))), Series(new, (Scraped(5, 4),))]
    assert count(series, 2.0) == {("app", "200"): 6.0}
    records = [Record(1, 1, 1.0, 200, workload="app"), Record(1, 1, 1.0, 503)]
    assert of_clients(records) == {("app", "200"): 1}


def test_what_a_scrape_was_shown_is_found_by_its_timestamp(tmp_path: Path) -> None:
    """By the first answer after it began; a look by somebody else, and a scrape without an answer, are none."""
    times = iter([10.0, 12.004, 12.9])
    log, meter = ScrapeLog(tmp_path / "log", lambda: next(times)), Meter()
    meta: Json = {"uid": "u", "namespace": "default", "name": "app-1"}
    for _ in range(3):
        log.note([Source(read_pod({"metadata": meta}), "2", meter)])
        meter.count(200, 0.001)
        meter.stand_behind("app")
        meter.count(503, 0.001)
    log.close()
    shown = read_shown((tmp_path / "log").read_text().splitlines(keepends=True))
    assert [one.pods for one in shown][:2] == [{}, {("app-1", "app-1"): Answered(2, 1)}]
    assert pair([12.0, 14.0], shown) == [Scrape(12.0, {("app-1", "app-1"): Answered(2, 1)})]


def test_growths_are_between_two_scrapes_of_a_pod() -> None:
    """A pod of the canary that was never scraped grew from nothing; of the primary nobody knows."""
    found = growths([Scrape(1, pods((0, 0))), Scrape(3, pods((4, 1), (6, 0)))], "app")
    assert found == [Growth("app-primary", Answered(6, 0), 1, 3), Growth("app", Answered(4, 1), None, 3)]


def test_the_journal_keeps_changes_of_the_one_canary() -> None:
    """And reads what counts of its status."""
    journal = Journal()
    status: Json = {
        "observedGeneration": 3,
        "phase": "Progressing",
        "desiredWeight": 10,
        "dwellStartedAt": "1970-01-01T00:01:40Z",
        "conditions": [
            {"type": "Ready", "reason": "Inconclusive", "message": "undecided"},
            {"type": "Promoted", "message": "on its way"},
        ],
        "metrics": [{"name": "m", "verdict": "Pass", "message": "fine"}],
    }
    for name in ("app", "app", "other"):
        journal.canary_seen({"metadata": {"name": name, "generation": 4}, "status": status})
    [seen] = journal.since(0.0)
    assert journal.generation == 4
    assert seen == StatusSeen(
        seen.at_s,
        3,
        "Progressing",
        10,
        100.0,
        "on its way",
        "Inconclusive: undecided",
        (MetricSeen("m", "Pass", "fine"),),
    )


def test_evaluations_are_read_from_the_controllers_log() -> None:
    """From a time on; half a line, and what is no JSON, are left out."""
    entry = {
        "canary": "default/app", "metric": "m", "at": "1970-01-01T00:01:40+00:00", "requests": 9.0, "bad": 1.0,
        "primary_requests": 0.0, "primary_bad": 0.0, "event": "counted", "timestamp": "1970-01-01T00:01:41Z",
    }  # fmt: skip
    lines = [
        "Traceback\n", json.dumps({"event": "decision"}) + "\n", json.dumps(entry) + "\n", json.dumps(entry)
    ]  # fmt: skip
    [found] = read_evaluations(lines, 100.0)
    assert (found.counts, found.read_at_s) == ((9.0, 1.0, 0.0, 0.0), 101.0)
    assert read_evaluations(lines, 101.0) == []
