"""The judges of runs by strategies: whole ones pass, and each way of spoiling one is found, by name."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from e2e.lab.load import Record
from e2e.play.seen import PRIMARY, TARGET, Shares, StatusSeen
from e2e.strategies.facts import MATCHING, OTHERS, RunFacts
from e2e.strategies.judge_copies import judge_copies, judge_tests
from e2e.strategies.judge_run import judge_run
from e2e.strategies.plans import SCRIPTS
from e2e.strategies.report import figure_lines, run_json
from e2e.strategies.spans import GUARD_S, read_spans
from tests.lab.first_light_facts import record
from tests.lab.strategies_facts import BEGIN_S, INTERVAL_S, LOOK_S, run_of

Spoil = Callable[[RunFacts], RunFacts]


def _failed(facts: RunFacts) -> list[str]:
    return [result.expected for result in [*judge_run(facts), *judge_copies(facts)] if not result.ok]


@pytest.mark.parametrize("story", SCRIPTS)
def test_a_run_as_it_should_be_meets_every_expectation(story: str) -> None:
    """Nothing is found wrong, and there is something to find."""
    facts = run_of(story)
    assert _failed(facts) == []
    assert len(judge_run(facts)) >= 13


def _changed(facts: RunFacts, clients: str, at_s: float, **changes: object) -> RunFacts:
    """The run in which the first answer to those clients from that time on is another."""
    records = list(facts.records[clients])
    place = next(place for place, item in enumerate(records) if item.sent_at_s >= at_s)
    records[place] = replace(records[place], **changes)  # type: ignore[arg-type] # fields of a Record by name
    return replace(facts, records={**facts.records, clients: tuple(records)})


def _a_stray(facts: RunFacts) -> RunFacts:
    return _changed(facts, OTHERS, BEGIN_S + 1, workload=TARGET, version="2")


def _a_matching_one_on_the_primary(facts: RunFacts) -> RunFacts:
    return _changed(facts, MATCHING, BEGIN_S + 1, workload=PRIMARY, version="1")


def _too_early(facts: RunFacts) -> RunFacts:
    return _changed(facts, MATCHING, BEGIN_S - 1, workload=TARGET, version="2")


def _an_error(facts: RunFacts) -> RunFacts:
    return _changed(facts, OTHERS, BEGIN_S + 1, status=503)


def _an_error_at_the_end(facts: RunFacts) -> RunFacts:
    return _changed(facts, MATCHING, facts.ended_at_s - 1, status=0, error="reset")


def _the_old_version_after(facts: RunFacts) -> RunFacts:
    return _changed(facts, MATCHING, facts.ended_at_s - 1, version="1")


def _the_new_version_before(facts: RunFacts) -> RunFacts:
    return _changed(facts, OTHERS, -1.0, version="2")


def _cut_short(facts: RunFacts) -> RunFacts:
    first, *others = facts.shares
    return replace(facts, shares=(replace(first, at_s=first.at_s + 5.0), *others))


def _another_route(facts: RunFacts) -> RunFacts:
    first, *others = facts.shares
    return replace(facts, shares=(replace(first, shares=Shares(100, 100)), *others))


def _never_begun(facts: RunFacts) -> RunFacts:
    return replace(facts, shares=())


def _a_check_less(facts: RunFacts) -> RunFacts:
    return replace(facts, statuses=tuple(seen for seen in facts.statuses if seen.iterations != 1))


def _failed_in_the_end(facts: RunFacts) -> RunFacts:
    return replace(facts, statuses=(*facts.statuses, StatusSeen(facts.ended_at_s, "Failed", 0, 0)))


def _few(facts: RunFacts) -> RunFacts:
    return replace(facts, records={name: found[::3] for name, found in facts.records.items()})


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        pytest.param(_a_stray, "no canary for clients without it ever", id="a stray"),
        pytest.param(
            _a_matching_one_on_the_primary, "clients with the header get their share", id="one on the primary"
        ),
        pytest.param(_too_early, "no canary for clients with the header before its time", id="too early"),
        pytest.param(_an_error, "no error for clients without it", id="an error"),
        pytest.param(_an_error_at_the_end, "no error for clients with the header", id="an error at the end"),
        pytest.param(_the_old_version_after, "after the end all get version 2", id="the old version after"),
        pytest.param(_the_new_version_before, "until promotion the primary answers with version 1", id="new before"),
        pytest.param(_cut_short, "each step is held for its time", id="cut short"),
        pytest.param(_another_route, "the routes, as", id="another route"),
        pytest.param(_never_begun, "the routes, as", id="never begun"),
        pytest.param(_a_check_less, "the first step takes 3 checks", id="a check less"),
        pytest.param(_failed_in_the_end, "phases", id="failed in the end"),
        pytest.param(_few, "clients send at least 100 requests/s", id="few requests"),
        pytest.param(lambda facts: replace(facts, overdue="the end"), "the run comes to its end", id="overdue"),
        pytest.param(
            lambda facts: replace(facts, canary_replicas=2), "the primary runs version 2", id="not scaled down"
        ),
    ],
)
def test_each_way_of_spoiling_an_ab_test_is_found(spoil: Spoil, found: str) -> None:
    """The expectation that names it fails."""
    assert any(expected.startswith(found) for expected in _failed(spoil(run_of("A/B"))))


def test_a_bad_version_excuses_its_own_errors_to_its_own_clients_only() -> None:
    """Not the primary's, not those of clients that are to get none, and none once it is out of use."""
    facts = run_of("A/B, bad")
    late_s = read_spans(facts)[-1].since_s + 1
    of_primary = _changed(facts, MATCHING, BEGIN_S + 1, workload=PRIMARY, version="1", status=500)
    assert "no error for clients with the header but of the bad version" in _failed(of_primary)
    assert "no error for clients without it" in _failed(_an_error(facts))
    still_there = _changed(facts, MATCHING, late_s, workload=TARGET, version="2")
    assert "no bad answer for clients with the header once weight 0 is in force" in _failed(still_there)


def test_no_client_may_see_a_bad_version_that_only_gets_copies() -> None:
    """Its errors are excused to nobody."""
    facts = _changed(run_of("copies, bad"), OTHERS, BEGIN_S + 1, workload=TARGET, version="2", status=500)
    assert {"no error for clients without it", "no canary for clients without it ever"} <= set(_failed(facts))


def test_copies_are_counted_where_they_are_served() -> None:
    """Half the copies that there should be are far outside the band; so is a canary that answers everything."""
    facts = run_of("copies, weights")
    for factor in (0.5, 2.0):
        served = tuple(
            replace(seen, requests={**seen.requests, TARGET: int(factor * seen.requests[TARGET])})
            for seen in facts.served
        )
        assert [result.ok for result in judge_copies(replace(facts, served=served))] == [False]


def _tested(facts: RunFacts) -> tuple[Record, ...]:
    times = [BEGIN_S + number / 20 for number in range(int(2 * INTERVAL_S * 20))]
    return tuple(record(at_s, TARGET, "2") for at_s in times if at_s < facts.shares[0].before_s)


def test_testers_reach_the_canary_and_clients_do_not() -> None:
    """What its pods count in the dark step is what testers sent; without testers nothing was shown."""
    facts = run_of("blue-green")
    served = tuple(
        replace(seen, requests={**seen.requests, TARGET: int(20 * max(0.0, seen.at_s - BEGIN_S))})
        for seen in facts.served
    )
    tested = replace(facts, served=served, tests=_tested(facts))
    assert [result.ok for result in judge_tests(tested)] == [True, True]
    wrong = record(3.0, PRIMARY, "1")
    assert [result.ok for result in judge_tests(replace(tested, tests=(wrong, *tested.tests)))] == [False, True]
    assert [result.ok for result in judge_tests(replace(tested, tests=()))] == [False, False]
    hurried = replace(facts, shares=tuple(replace(seen, before_s=seen.before_s - INTERVAL_S) for seen in facts.shares))
    assert "each step is held for its time" in _failed(hurried)


def test_a_span_holds_what_surely_met_it() -> None:
    """It ends with the last look that still showed it, and leaves out what was under way."""
    span = read_spans(run_of("A/B"))[0]
    assert (span.since_s, round(span.length_s, 3)) == (BEGIN_S, round(3 * INTERVAL_S + 2 - LOOK_S, 3))
    times = (span.since_s + GUARD_S / 2, span.since_s + 2 * GUARD_S, span.until_s - GUARD_S / 2)
    assert len(span.of([record(at_s, TARGET, "2") for at_s in times])) == 1


def test_the_figures_of_a_run_are_told_in_lines() -> None:
    """Each share that the routes gave, and what both kinds of clients got."""
    lines = figure_lines([run_json(run_of("matched weights"))])
    assert lines[0] == "matched weights (version 2): apply to Succeeded 17.0 s"
    assert sum("60 % of matching, 0 % of others" in line for line in lines) == 1
