"""What holds for any counts: the e-value's direction, its closed form, and that a tick may be cut in two."""

from __future__ import annotations

from functools import reduce
from math import exp, isclose, lgamma, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.core.evidence.bets import BETS, FAIL_BETS, FAILS, PASS_BETS, against_limit, gains
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.state import State, absorb, log_against, log_breach, log_for

PLAIN = Settings(min_intervals=1, first_share=1.0)
"""No cap and no later onsets."""
COMPARED, ALONE = Limits(0.01, compare=True), Limits(0.01)
counts = st.integers(1, 5000)
shares = st.floats(0.0, 1.0)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    """Any version's counts."""
    requests = draw(counts)
    return Arm(requests, draw(st.integers(0, requests)))


@st.composite
def ticks(draw: st.DrawFn) -> Tick:
    """Both versions' counts."""
    return Tick(draw(arms()), draw(arms()))


def _after(told: list[Tick], limits: Limits, chosen: Settings) -> State:
    return reduce(lambda state, tick: absorb(state, tick, limits, chosen), told, State())


@pytest.mark.parametrize("limits", [COMPARED, ALONE], ids=["compared", "alone"])
@given(told=st.lists(ticks(), min_size=1, max_size=4), more=counts)
@settings(max_examples=60, deadline=None)
def test_a_worse_canary_never_lowers_the_evidence_against_it(limits: Limits, told: list[Tick], more: int) -> None:
    """One tick with more bad requests of the canary: evidence against it does not fall, nor that for it rise."""
    last = told[-1]
    worse = [*told[:-1], Tick(Arm(last.canary.requests, last.canary.bad + more), last.primary)]
    before, after = _after(told, limits, Settings()), _after(worse, limits, Settings())
    assert log_against(after, limits, Settings()) >= log_against(before, limits, Settings()) - 1e-9
    assert log_for(after, limits) <= log_for(before, limits) + 1e-9


@given(told=st.lists(ticks(), min_size=1, max_size=4), more=counts)
@settings(max_examples=60, deadline=None)
def test_a_worse_primary_never_raises_the_evidence_against_the_canary(told: list[Tick], more: int) -> None:
    """One tick with more bad requests of the primary: evidence against the canary falls or stays, the other rises."""
    last = told[-1]
    assert last.primary is not None
    worse = [*told[:-1], Tick(last.canary, Arm(last.primary.requests, last.primary.bad + more))]
    before, after = _after(told, COMPARED, Settings()), _after(worse, COMPARED, Settings())
    assert log_against(after, COMPARED, Settings()) <= log_against(before, COMPARED, Settings()) + 1e-9
    assert log_for(after, COMPARED) >= log_for(before, COMPARED) - 1e-9


@given(tick=ticks(), part=st.floats(0.05, 0.95), own=shares, theirs=shares)
@settings(max_examples=100, deadline=None)
def test_a_tick_may_be_cut_in_two(tick: Tick, part: float, own: float, theirs: float) -> None:
    """With the same ratio of requests in both parts, wherever the bad ones fall: the e-values are the same."""
    assert tick.primary is not None
    parts = [_cut(arm, part, where) for arm, where in ((tick.canary, own), (tick.primary, theirs))]
    cut_in_two = [Tick(canary, primary) for canary, primary in zip(*parts, strict=True)]
    whole, cut = _after([tick], COMPARED, PLAIN), _after(cut_in_two, COMPARED, PLAIN)
    assert log_against(cut, COMPARED, PLAIN) == pytest.approx(log_against(whole, COMPARED, PLAIN), rel=1e-9, abs=1e-7)
    assert log_for(cut, COMPARED) == pytest.approx(log_for(whole, COMPARED), rel=1e-9, abs=1e-7)
    assert log_breach(cut, PLAIN) == pytest.approx(log_breach(whole, PLAIN), rel=1e-9, abs=1e-7)


def _cut(arm: Arm, part: float, where: float) -> tuple[Arm, Arm]:
    """Both parts of an arm; between all that the first must take and all that it can, it takes bad ones by `where`."""
    first = part * arm.requests
    least, most = max(0.0, arm.bad - (arm.requests - first)), min(arm.bad, first)
    bad = least + where * (most - least)
    return Arm(first, bad), Arm(arm.requests - first, arm.bad - bad)


@given(told=st.lists(ticks(), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_without_guards_it_is_the_closed_form(told: list[Tick]) -> None:
    """With phi 1, no cap and no later onset: the mean over bets of the product over ticks."""
    state = _after(told, COMPARED, PLAIN)

    def log_product(g: float) -> float:
        total = 0.0
        for tick in told:
            canary, primary = tick.canary, tick.primary
            assert primary is not None
            theta = canary.requests * 1.5 / (canary.requests * 1.5 + primary.requests)
            d = 1 - theta + g * theta
            u, v = g / d, 1 / d
            total += canary.bad * log(u) + primary.bad * log(v) - (u - 1) * 0.002 * canary.requests
        return total

    def log_mean(logs: list[float]) -> float:
        top = max(logs)
        return top + log(sum(exp(one - top) for one in logs) / len(logs))

    fail, good = ([log_product(g) for g in side] for side in (FAIL_BETS, PASS_BETS))
    assert log_against(state, COMPARED, PLAIN) == pytest.approx(log_mean(fail), rel=1e-9, abs=1e-7)
    assert log_for(state, COMPARED) == pytest.approx(log_mean(good), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize(
    ("theirs", "requests", "primary_requests"), [(0.0, 4, 30), (0.02, 6, 12), (0.2, 5, 5)], ids=["none", "few", "many"]
)
def test_no_bet_has_a_hope_at_the_limit(theirs: float, requests: int, primary_requests: int) -> None:
    """The expected factor of one tick, summed over all outcomes of both binomials, is 1 at most: for each bet."""
    own = 1.5 * theirs + 0.002

    def chance(n: int, k: int, p: float) -> float:
        if p == 0.0:
            return float(k == 0)
        logs = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        return exp(logs + k * log(p) + (n - k) * log(1 - p))

    expected = [0.0] * len(BETS)
    for bad in range(requests + 1):
        for their_bad in range(primary_requests + 1):
            weight = chance(requests, bad, own) * chance(primary_requests, their_bad, theirs)
            won, price = gains(Tick(Arm(requests, bad), Arm(primary_requests, their_bad)), 1.5)
            for at, (gain, paid) in enumerate(zip(won, price, strict=True)):
                expected[at] += weight * exp(gain - 0.002 * paid)
    assert max(expected) <= 1.0 + 1e-12
    alone = [0.0] * len(BETS)
    for bad in range(requests + 1):
        for at, one in enumerate(against_limit(Tick(Arm(requests, bad)), own)):
            alone[at] += chance(requests, bad, own) * exp(one)
    assert max(alone) <= 1.0 + 1e-12
    assert not isclose(max(expected[:FAILS]), 0.0)
