"""What people are told: verdicts of all metrics, intervals, how much is still needed, and in which words."""

from __future__ import annotations

from functools import reduce
from math import exp, log

import pytest

from rollouts.core.evidence.assess import Evidence, assess
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.dispersion import Dispersion, between, dispersion_of, over_time
from rollouts.core.evidence.intervals import of_rate
from rollouts.core.evidence.state import State, absorb
from rollouts.core.evidence.verdict import Finding, log_mean_against, together
from rollouts.core.evidence.words import number, percent, rough

COMPARED, ALONE, USUAL = Limits(0.01, compare=True), Limits(0.01), Settings()
STUDY = [Tick(Arm(22.55, 0.1), Arm(203.025, 0.2))] * 40
"""4 of 902 and 8 of 8121, in forty ticks."""


def _of(*told: Tick, limits: Limits = COMPARED, settings: Settings = USUAL, begin: State | None = None) -> Evidence:
    state = reduce(lambda state, tick: absorb(state, tick, limits, settings), told, begin or State())
    return assess(state, limits, settings)


def test_undecided_says_what_was_counted_and_what_is_needed() -> None:
    """In one sentence that begins with the counts."""
    told = _of(*STUDY)
    assert told.finding is Finding.INCONCLUSIVE
    assert told.message.startswith(
        "4 of 902 failed (0.44 %); limit 0.35 %; undecided; primary 8 of 8121 (0.10 %); about "
    )
    assert told.message.endswith("more requests would tell")
    assert told.needed is not None
    assert told.needed > 1000


def test_intervals_are_the_studys() -> None:
    """Estimate, confidence sequence and excess of its example, in percent."""
    told = _of(*STUDY)
    assert told.estimate == pytest.approx(0.00443, abs=1e-5)
    assert told.interval == pytest.approx((0.0005, 0.0152), abs=1e-4)
    assert told.primary_interval == pytest.approx((0.0002, 0.0025), abs=1e-4)
    assert told.excess == pytest.approx(0.0034, abs=1e-4)
    assert told.excess_interval == pytest.approx((-0.0010, 0.0144), abs=2e-4)


def test_a_failure_says_the_odds() -> None:
    """And that nothing more is needed."""
    told = _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 3)
    assert told.message == (
        "225 of 450 failed (50.0 %); limit 0.31 %; too many: evidence 47.8:1, needed 20:1; primary 3 of 4050 (0.07 %)"
    )
    assert told.against == pytest.approx(47.8, abs=0.1)
    assert told.support < 0.1


def test_a_pass_a_breach_and_no_data_have_their_words() -> None:
    """Each."""
    assert _of(*[Tick(Arm(15000, 15), Arm(135000, 135))] * 4).message == (
        "60 of 60000 failed (0.10 %); limit 0.35 %; good; primary 540 of 540000 (0.10 %)"
    )
    missed = "the objective of at most 1.0 % is missed"
    assert f"{missed} by both versions" in _of(*[Tick(Arm(150, 30), Arm(1350, 270))] * 20).message
    alone = _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 3, settings=Settings(metrics=3))
    assert alone.finding is Finding.SHARED_BREACH
    assert f"{missed}, but worse than the primary is not proven" in alone.message
    empty = assess(State(), COMPARED, USUAL)
    assert (empty.message, empty.estimate, empty.interval, empty.excess, empty.needed) == (
        "no request of the canary was counted", None, None, None, None,
    )  # fmt: skip


def test_without_the_primary_the_words_say_who_judges() -> None:
    """Where a comparison was wanted; where none was, nobody misses it."""
    lonely = _of(*[Tick(Arm(20, 0))] * 2)
    assert "no request of the primary to compare with, so the objective judges" in lonely.message
    assert (lonely.alone, lonely.limit, lonely.excess, lonely.excess_interval) == (True, 0.01, None, None)
    assert "primary" not in _of(*[Tick(Arm(20, 0))] * 2, limits=ALONE).message


def test_requests_at_different_times_are_no_comparison() -> None:
    """The primary's before the canary had any: there is no interval of the difference."""
    told = _of(Tick(Arm(), Arm(100, 1)), Tick(Arm(5, 1)))
    assert (told.alone, told.excess_interval) == (False, None)


def test_a_bracket_is_told_as_one() -> None:
    """From the surely bad to the perhaps bad."""
    limits = Limits(0.01, bad_word="were slower than 500 ms")
    told = _of(*[Tick(Arm(150, 1, 2))] * 2, limits=limits)
    assert told.message.startswith("2 to 4 of 300 were slower than 500 ms (0.67 % to 1.3 %); limit 1.0 %")
    assert told.interval is not None
    wider = of_rate(Arm(300, 2, 2), log(40))
    assert wider is not None
    assert (told.interval[0], told.interval[1] > wider[1]) == (wider[0], True)


def test_a_canary_at_its_limit_never_tells() -> None:
    """No figure is given where the present share decides nothing."""
    told = _of(*[Tick(Arm(1000, 10))] * 6, limits=ALONE)
    assert (told.finding, told.needed) == (Finding.INCONCLUSIVE, None)
    assert told.message.endswith("undecided")


def test_needed_requests_are_about_right() -> None:
    """So many more, at the same share, decide; half of them don't."""
    tick = Tick(Arm(20, 0.2), Arm(180, 0.2))
    told = _of(*[tick] * 5)
    assert told.needed is not None
    ticks = round(told.needed / 20)
    assert ticks > 10
    assert _of(*[tick] * (5 + 2 * ticks)).finding is Finding.FAIL
    assert _of(*[tick] * (5 + ticks // 2)).finding is Finding.INCONCLUSIVE
    assert _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 9).needed == 0.0


def test_an_interval_covers_and_narrows() -> None:
    """The share is in it, and more requests make it narrower; dispersion makes it wider."""
    few, many = of_rate(Arm(100, 5), log(40)), of_rate(Arm(10_000, 500), log(40))
    assert few is not None
    assert many is not None
    assert few[0] < many[0] < 0.05 < many[1] < few[1]
    clumped = of_rate(Arm(10_000, 500), log(40), 8.0)
    assert clumped is not None
    assert clumped[0] < many[0] < many[1] < clumped[1]
    assert of_rate(Arm(), log(40)) is None
    assert of_rate(Arm(2, 2), log(40)) == pytest.approx((0.0, 1.0), abs=0.2)


def test_all_metrics_together_average_their_evidence() -> None:
    """One that has M times the proof fails all; two of half the proof do too; none is multiplied."""
    settings = Settings(metrics=2)
    good = _of(*[Tick(Arm(15000, 15), Arm(135000, 135))] * 4, settings=settings)
    bad = _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 3, settings=settings)
    half = _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 2, settings=settings)
    assert bad.finding is Finding.FAIL
    assert together([good, bad], settings) is Finding.FAIL
    assert together([half, half], settings) is Finding.INCONCLUSIVE
    assert exp(log_mean_against([half, half], settings)) == pytest.approx(half.against)
    almost = _of(*[Tick(Arm(150, 75), Arm(1350, 1))] * 3, settings=Settings(metrics=3))
    assert almost.finding is not Finding.FAIL
    assert together([almost, almost, almost], Settings(metrics=3)) is Finding.FAIL
    assert together([almost], Settings(metrics=3)) is not Finding.FAIL
    assert together([good, good], settings) is Finding.PASS


def test_the_worst_metric_speaks_for_all() -> None:
    """An outage before no data, no data before undecided, undecided before a pass."""
    settings = Settings(metrics=2)
    outage = _of(*[Tick(Arm(150, 30), Arm(1350, 270))] * 20, settings=settings)
    empty, unsure = assess(State(), COMPARED, settings), _of(*STUDY, settings=settings)
    good = _of(*[Tick(Arm(15000, 15), Arm(135000, 135))] * 4, settings=settings)
    assert together([good, outage], settings) is Finding.SHARED_BREACH
    assert together([unsure, empty], settings) is Finding.NO_DATA
    assert together([good, unsure], settings) is Finding.INCONCLUSIVE
    assert together([], settings) is Finding.NO_DATA


def test_independent_failures_have_no_dispersion() -> None:
    """Nor have too few, nor a slight excess."""
    even = [(Arm(1000, 5 + at % 3), Arm(1000, 6 - at % 3)) for at in range(60)]
    assert dispersion_of(even) == Dispersion()
    assert between([(Arm(1000, 50), Arm(1000, 0))] * 9) == 1.0
    assert between([(Arm(1000, 1), Arm(1000, 0))] * 60) == 1.0
    assert between([]) == over_time([]) == over_time([Arm(1000, 500)]) == 1.0
    assert between([(Arm(1000, 50), Arm())] * 60) == 1.0
    assert over_time([Arm(1000, 0)] * 59 + [Arm(1000, 9)]) == 1.0


def test_clumps_of_one_half_are_dispersion_of_both_kinds() -> None:
    """Bursts that halves share are none between them, but are over time; the factor has an end."""
    own = [(Arm(1000, 40 * (at % 4 == 0)), Arm(1000, 40 * (at % 4 == 2))) for at in range(60)]
    found = dispersion_of(own)
    assert found.relative == pytest.approx(40.0)
    assert found.absolute > 15.0
    shared = [(Arm(1000, 40 * (at % 4 == 0)), Arm(1000, 40 * (at % 4 == 0))) for at in range(60)]
    assert dispersion_of(shared).relative == 1.0
    assert dispersion_of(shared).absolute > 15.0
    assert between([(Arm(1e6, 1e5), Arm(1e6, 0))] * 20) == 200.0


def test_numbers_are_short() -> None:
    """As a person writes them."""
    assert [number(of) for of in (4.0, 3.9999999, 2.5, 1234.5)] == ["4", "4", "2.5", "1234"]
    assert [percent(of) for of in (0.0, 0.00001, 0.0044, 0.5)] == ["0.00 %", "0.001 %", "0.44 %", "50.0 %"]
    assert [rough(of) for of in (0.0, 7.0, 3141.0, 96000.0)] == ["0", "7", "3,000", "100,000"]
