"""How sure an estimate is: confidence sequences, true at all looks at once, found by bisection.

The set of all values that the bets of `bets` do not refute: inverting a test at every value gives a confidence
sequence (Howard et al. 2021). Each side at alpha/2, with running totals only, no onset and no cap. They are for
people: no verdict is taken from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

from rollouts.core.evidence.bets import BETS, FAILS, LOGS, log_sum
from rollouts.core.evidence.counts import Arm
from rollouts.core.evidence.state import State

Interval = tuple[float, float]
_HALVINGS = 44
_FAIL, _PASS = range(FAILS), range(FAILS, len(BETS))


def of_rate(arm: Arm, level: float, phi: float = 1.0) -> Interval | None:
    """The shares p with mean_g exp((e*log g - (g-1)*p*n) / phi) < exp(level) on both sides; None without requests.

    The lower end takes the surely bad requests, the upper end those that are perhaps bad too.
    """
    if arm.requests == 0.0:
        return None

    def refuted(side: Sequence[int], bad: float, share: float) -> bool:
        logs = [(bad * LOGS[g] - (BETS[g] - 1.0) * share * arm.requests) / phi for g in side]
        return log_sum(logs) - log(len(side)) >= level

    low = _edge(lambda share: refuted(_FAIL, arm.bad, share), 0.0, arm.bad / arm.requests)
    high = _edge(lambda share: refuted(_PASS, arm.perhaps_bad, share), 1.0, arm.perhaps_bad / arm.requests)
    return low, high


def of_excess(state: State, level: float) -> Interval | None:
    """The differences d of canary's and primary's share with mean_g exp((S1_g - d*S2_g) / phi) < exp(level).

    S1 and S2 are `gain` and `price`; any real d is allowed by the proof in `bets`. None where nothing was compared.
    """
    if not any(state.price):
        return None

    def refuted(side: Sequence[int], excess: float) -> bool:
        phi = state.dispersion.relative
        logs = [(state.gain[g] - excess * state.price[g]) / phi for g in side]
        return log_sum(logs) - log(len(side)) >= level

    return _edge(lambda excess: refuted(_FAIL, excess), -1.0, 1.0), _edge(
        lambda excess: refuted(_PASS, excess), 1.0, -1.0
    )


def _edge(refuted: Callable[[float], bool], outer: float, inner: float) -> float:
    """Where refutation ends on the way from `outer` to `inner`: outer itself if not even that is refuted."""
    if not refuted(outer):
        return outer
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2.0
        if refuted(middle):
            outer = middle
        else:
            inner = middle
    return inner
