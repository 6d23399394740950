"""What a tick does to what is known: guards, onsets, and whom the evidence is about."""

from __future__ import annotations

from functools import reduce
from math import inf, log

import pytest

from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.dispersion import Dispersion
from rollouts.core.evidence.entering import not_started, starting
from rollouts.core.evidence.state import State, absorb, at_new_step, judged_alone, log_against, log_breach, log_for
from rollouts.core.evidence.verdict import Finding, enough_requests, finding_of

COMPARED, ALONE, USUAL = Limits(0.01, compare=True), Limits(0.01), Settings()
DEAD = Tick(Arm(150, 150), Arm(1350, 1))
GOOD = Tick(Arm(15000, 15), Arm(135000, 135))
BOTH_BAD = Tick(Arm(150, 30), Arm(1350, 270))


def _after(*told: Tick, limits: Limits = COMPARED, settings: Settings = USUAL, begin: State | None = None) -> State:
    return reduce(lambda state, tick: absorb(state, tick, limits, settings), told, begin or State())


def test_a_dead_canary_fails_at_the_third_tick_and_not_before() -> None:
    """However many requests a tick has: the cap lets fewer than `min_intervals` prove nothing."""
    huge = Tick(Arm(1e6, 1e6), Arm(9e6, 1))
    assert [finding_of(_after(*[tick] * n), COMPARED, USUAL) for tick in (DEAD, huge) for n in (1, 2, 3)] == [
        Finding.INCONCLUSIVE, Finding.INCONCLUSIVE, Finding.FAIL,
    ] * 2  # fmt: skip


@pytest.mark.parametrize("least", [2, 3, 4, 6])
def test_fewer_ticks_than_the_least_never_reach_the_proof(least: int) -> None:
    """For each `min_intervals`."""
    settings = Settings(min_intervals=least)
    assert not _after(*[DEAD] * (least - 1), settings=settings).failed
    assert _after(*[DEAD] * (least + 1), settings=settings).failed


def test_a_good_canary_passes_and_one_that_was_bad_does_not_at_once() -> None:
    """A pass keeps the whole run in account."""
    assert finding_of(_after(*[GOOD] * 4), COMPARED, USUAL) is Finding.PASS
    burst = Tick(Arm(15000, 300), Arm(135000, 135))
    assert finding_of(_after(burst, *[GOOD] * 4), COMPARED, USUAL) is not Finding.PASS


def test_a_failure_stays() -> None:
    """Whatever good comes after it."""
    failed = _after(*[DEAD] * 3)
    later = _after(*[GOOD] * 300, begin=failed)
    assert finding_of(later, COMPARED, USUAL) is Finding.FAIL
    assert log_against(later, COMPARED, USUAL) < 0


def test_a_breach_of_both_is_nobodys_fault() -> None:
    """The objective is missed, and the canary is not blamed; against the objective alone it fails."""
    assert finding_of(_after(*[BOTH_BAD] * 20), COMPARED, USUAL) is Finding.SHARED_BREACH
    assert finding_of(_after(*[BOTH_BAD] * 20, limits=ALONE), ALONE, USUAL) is Finding.FAIL


def test_a_breach_of_both_ends_when_it_is_over() -> None:
    """It follows the evidence, and does not stick."""
    breached = _after(*[BOTH_BAD] * 5)
    assert log_breach(breached, USUAL) > log(20)
    assert finding_of(_after(*[GOOD] * 20, begin=breached), COMPARED, USUAL) is not Finding.SHARED_BREACH


def test_no_request_of_the_canary_is_no_data_for_an_hour() -> None:
    """Nothing moves but the primary's sum."""
    state = _after(*[Tick(Arm(), Arm(1350, 1))] * 240)
    assert (state.ticks, state.primary, finding_of(state, COMPARED, USUAL)) == (
        0, Arm(240 * 1350, 240), Finding.NO_DATA,
    )  # fmt: skip
    assert state.absolute == state.relative == State().absolute
    assert _after(*[Tick(Arm())] * 3) == State()
    assert log_against(state, COMPARED, USUAL) == log_for(state, COMPARED) == 0.0


def test_without_requests_of_the_primary_the_objective_judges() -> None:
    """All traffic on the canary, or no primary at all."""
    for primary in (None, Arm()):
        state = _after(*[Tick(Arm(150, 150), primary)] * 3)
        assert judged_alone(state, COMPARED)
        assert finding_of(state, COMPARED, USUAL) is Finding.FAIL
        assert finding_of(_after(*[Tick(Arm(5000, 5), primary)] * 4), COMPARED, USUAL) is Finding.PASS


def test_a_tick_without_the_primary_is_no_evidence_of_a_comparison() -> None:
    """It was measured before, and is not now."""
    before = _after(DEAD)
    after = _after(Tick(Arm(150, 150)), begin=before)
    assert log_against(after, COMPARED, USUAL) == pytest.approx(log_against(before, COMPARED, USUAL))
    assert not judged_alone(after, COMPARED)


def test_a_bracket_is_held_against_nobody() -> None:
    """What lies between two edges: a failure needs the surely bad ones, a pass counts the perhaps bad ones."""
    unsure = Tick(Arm(150, 0, 150), Arm(1350, 0, 1350))
    state = _after(*[unsure] * 40)
    assert finding_of(state, COMPARED, USUAL) is Finding.INCONCLUSIVE
    assert finding_of(_after(*[unsure] * 40, limits=ALONE), ALONE, USUAL) is Finding.INCONCLUSIVE
    assert _after(*[Tick(Arm(150, 140, 150), Arm(1350, 1, 2))] * 3).failed


def test_clumps_slow_the_evidence_down() -> None:
    """By the dispersion, each comparison by its own."""
    clumped = State(dispersion=Dispersion(relative=10.0))
    few = Tick(Arm(150, 6), Arm(1350, 1))
    plain, slow = _after(*[few] * 4), _after(*[few] * 4, begin=clumped)
    assert plain.failed
    assert not slow.failed
    assert slow.absolute == plain.absolute


def test_a_late_onset_is_found_as_quickly() -> None:
    """After an hour of health in ten ticks, after ten hours in sixteen; without a prior over onsets it takes hours."""
    assert _after(*[DEAD] * 10, begin=_after(*[GOOD] * 240)).failed
    assert _after(*[DEAD] * 16, begin=_after(*[GOOD] * 2400)).failed
    once = Settings(first_share=1.0)
    assert not _after(*[DEAD] * 240, settings=once, begin=_after(*[GOOD] * 240, settings=once)).failed


def test_the_prior_of_the_onset_sums_to_one() -> None:
    """What has started and what has not."""
    for ticks in (0, 1, 2, 60, 5000):
        started = sum(starting(tick, USUAL) for tick in range(1, ticks + 1))
        assert started + not_started(ticks, USUAL) == pytest.approx(1.0)


def test_a_new_step_counts_its_requests_anew_and_keeps_the_evidence() -> None:
    """`min_requests` are asked of each step."""
    state = _after(Tick(Arm(49, 0), Arm(400, 0)))
    assert not enough_requests(state, COMPARED)
    assert enough_requests(_after(Tick(Arm(1, 0), Arm(9, 0)), begin=state), COMPARED)
    stepped = at_new_step(_after(DEAD))
    assert (stepped.step_requests, stepped.canary, stepped.relative) == (0.0, DEAD.canary, _after(DEAD).relative)


def test_a_ratio_of_one_is_a_comparison_too() -> None:
    """The sums for the interval and those of the test are then the same."""
    limits = Limits(0.01, compare=True, ratio=1.0, absolute=0.0)
    assert _after(*[DEAD] * 3, limits=limits).failed
    assert limits.delta == 0.0
    assert COMPARED.delta == pytest.approx(0.002)


@pytest.mark.parametrize(
    "counts", [(-1, 0), (1, -1), (inf, 1), (1, inf), (float("nan"), 0), (1, float("nan")), (1, 0, inf)]
)
def test_what_is_no_count_is_refused(counts: tuple[float, ...]) -> None:
    """Negative, endless, or no number."""
    with pytest.raises(ValueError, match="no counts"):
        Arm(*counts)


def test_bad_requests_beyond_all_are_cut() -> None:
    """Two counters are never read at one instant."""
    assert Arm(10, 12) == Arm(10, 10, 10)
    assert Arm(10, 3, 2).perhaps_bad == 3
    assert Arm(10, 3, 12).perhaps_bad == 10
    assert Arm(10, 3, 4).plus(Arm(5, 1)) == Arm(15, 4, 5)
