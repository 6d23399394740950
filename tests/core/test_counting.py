"""Counts from raw counters are exact, whatever befalls the counters."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from rollouts.core.counting import Births, Labels, Ledger, Scraped, Series, absorb, open_ledger
from tests.promql.counted import COUNTED_EVERY_S, count_all, lost_percent
from tests.promql.pods import SCRAPE_S, Fleet

POD: Labels = frozenset({("pod", "a"), ("response_code", "500")})


def series(*points: tuple[float, float], labels: Labels = POD) -> Series:
    """Instants and values."""
    return Series(labels, tuple(Scraped(at, value) for at, value in points))


def counted(ledger: Ledger, *answers: Series) -> list[float]:
    """What each answer in turn adds."""
    found = []
    for answer in answers:
        ledger, growths = absorb(ledger, [answer])
        found.append(sum(growth.count for growth in growths))
    return found


@pytest.mark.parametrize("rps", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("seed", range(8))
def test_counts_equal_the_truth_at_the_last_scrape(rps: float, seed: int) -> None:
    """At each evaluation, of every pod and code: births, restarts, missed and late scrapes, pods that come and go."""
    fleet = Fleet(Random(seed), rps).play()
    for at_s, counts in count_all(fleet):
        assert counts == Counter(fleet.known(at_s))


@pytest.mark.parametrize("seed", range(4))
def test_after_the_load_and_one_more_scrape_all_requests_are_counted(seed: int) -> None:
    """With two scrapers of which one dies, and whose clocks differ: each request counts once."""
    fleet = Fleet(Random(seed), 5.0, restarts=0.0, goes=0.0, twins=True).play()
    *_, (_, counts) = count_all(fleet)
    assert counts == fleet.requests


def test_increase_would_have_lost_the_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside exact counts, what `increase()` over the same scrapes makes of the errors, by requests a second."""
    lost = {rps: lost_percent(rps, runs=20) for rps in (0.1, 1.0, 10.0)}
    with capsys.disabled():
        print(
            "\nerrors lost by increase(): "
            + ", ".join(f"{percent:.0f} % at {rps:g}/s" for rps, percent in lost.items())
        )
    assert lost[0.1] > 50
    assert lost[0.1] > lost[1.0] > lost[10.0] > 2


def test_nothing_of_before_counts_and_what_is_born_later_counts_whole() -> None:
    """The ledger opens at what is there; a label or a pod that was not starts from 0."""
    ledger = open_ledger([series((0, 100))])
    other = POD - {("pod", "a")} | {("pod", "b")}
    ledger, growths = absorb(ledger, [series((0, 100), (15, 103)), series((10, 4), labels=other)])
    assert {(growth.count, growth.since, growth.until) for growth in growths} == {(3, 0, 15), (4, None, 10)}
    assert absorb(ledger, [series((0, 100), (15, 103))]) == (ledger, ())


def test_a_label_that_is_born_in_a_known_process_grew_since_that_was_scraped() -> None:
    """Its first failures are not of a later time than the good answers beside them; a new process' are of any."""
    good = POD - {("response_code", "500")} | {("response_code", "200")}
    opened = open_ledger([series((0, 100), labels=good)])
    for answers in (
        [series((0, 100), (15, 110), labels=good), series((15, 2))],
        # The scrape before is in the same answer, or in none: then the ledger knows it.
        [series((15, 110), labels=good), series((15, 2))],
    ):
        _, growths = absorb(opened, answers)
        assert {(growth.count, growth.since, growth.until) for growth in growths} == {(10, 0, 15), (2, 0, 15)}
    _, growths = absorb(opened, [series((0, 100), (15, 110), (30, 130), labels=good), series((30, 3))])
    assert (3, 15, 30) in {(growth.count, growth.since, growth.until) for growth in growths}


def test_a_restart_counts_from_zero_and_a_gap_from_where_it_was() -> None:
    """However long nobody scraped it."""
    opened = open_ledger([series((0, 100))])
    assert counted(opened, series((15, 2)), series((9000, 5))) == [2, 3]
    assert counted(opened, series((15, 104), (30, 3), (45, 1))) == [4 + 3 + 1]


def test_a_restart_that_has_passed_its_old_count_is_not_seen() -> None:
    """By nobody who sees the counter only: the difference counts, and no more."""
    assert counted(open_ledger([series((0, 3))]), series((15, 10))) == [7]


def test_what_came_late_counts_when_it_comes() -> None:
    """Each sample once, in whatever answer it is first."""
    opened = open_ledger([series((0, 1))])
    assert counted(opened, series((0, 1)), series((0, 1), (15, 4)), series((15, 4), (30, 4))) == [0, 3, 0]


def _by(scraper: str, *points: tuple[float, float]) -> Series:
    return series(*points, labels=POD | {("instance", f"10.0.0.1:{scraper}"), ("job", scraper)})


def test_two_scrapers_of_one_pod_count_once() -> None:
    """One is followed while it has news; then another goes on, though by its clock it read the same earlier."""
    ledger = open_ledger([_by("a", (0, 10)), _by("b", (1, 10))])
    steps = (
        ([_by("a", (15, 14)), _by("b", (1, 10), (16, 15))], 5),
        ([_by("a", (15, 14), (30, 20)), _by("b", (16, 15), (28, 19))], 4),
        ([_by("a", (15, 14), (30, 20), (45, 22))], 3),
        ([_by("a", (45, 22)), _by("b", (44, 21), (46, 21), (47, 23))], 1),
        # One that was never there: what it has less is no restart.
        ([_by("c", (48, 22), (60, 25))], 2),
        ([_by("c", (60, 25), (75, 4))], 4),
    )
    for answer, count in steps:
        ledger, growths = absorb(ledger, answer)
        assert sum(growth.count for growth in growths) == count


def test_a_process_out_of_sight_may_be_known_from_first_sight_only() -> None:
    """What it counted in its life before is not the run's; a label that comes up in it later is."""
    ledger = open_ledger([], Births.FROM_FIRST_SIGHT)
    good = POD - {("response_code", "500")} | {("response_code", "200")}
    ledger, growths = absorb(ledger, [series((0, 1000), (15, 1010), labels=good), series((15, 2))])
    assert sorted(growth.count for growth in growths) == [2, 10]
    ledger, growths = absorb(ledger, [series((30, 1011), labels=good), series((30, 3))])
    assert [growth.count for growth in growths] == [1, 1]


def test_without_a_pod_the_scraped_address_is_the_process() -> None:
    """Two addresses are two processes there."""
    first, second = (frozenset({("instance", name), ("job", "x")}) for name in "ab")
    _, growths = absorb(open_ledger([]), [series((0, 2), labels=first), series((0, 3), labels=second)])
    assert sorted(growth.count for growth in growths) == [2, 3]
    assert {growth.labels for growth in growths} == {first - {("job", "x")}, second - {("job", "x")}}


def test_what_is_no_count_is_left_out() -> None:
    """NaN, infinity and less than nothing are no requests."""
    opened = open_ledger([series((0, 1), (1, float("nan")))])
    assert counted(opened, series((15, float("inf")), (16, -1), (17, 3)), series()) == [2, 0]


def test_evaluations_are_as_far_apart_as_is_said() -> None:
    """What the tests above rely on."""
    assert COUNTED_EVERY_S == SCRAPE_S
