"""What a tick's counts multiply each bet's capital by.

The null is `p_c <= rho * p_p + delta`: the canary's share of bad requests against the primary's, in every tick. A bet
g > 1 wins if the canary is worse (against the null, FAIL); g < 1 wins if it is better (against the opposite null,
PASS). With n requests and e bad ones of canary (c) and primary (p):

    theta = n_c*rho / (n_c*rho + n_p)      D = 1 - theta + g*theta      u = g/D      v = 1/D
    log L(g) = e_c*log u + e_p*log v - (u - 1)*delta*n_c

Valid for Bernoulli requests of any rate, whatever the primary's share does from tick to tick: with 1 + x <= e^x,
E[L | n] = (1 + p_c(u-1))^n_c * (1 - p_p(1-v))^n_p * e^(-(u-1)*delta*n_c)
        <= exp(n_c*p_c*(u-1) - n_p*p_p*(1-v) - (u-1)*delta*n_c), and as n_p*(1-v) = n_c*rho*(u-1) this is
exp((u-1)*n_c*(p_c - rho*p_p - delta)) <= 1. For g < 1 all signs turn (u < 1 < v), and so does the null.

It is the conditional-binomial likelihood ratio of two Poisson processes with a common, time-varying factor of Lindon
and Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022 (arXiv 2011.03567), with a tolerance
delta added. A finite, uniform mixture of bets is the method of mixtures (Robbins, "Statistical methods related to the
law of the iterated logarithm", Ann. Math. Statist. 41(5), 1970; Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences", Ann. Statist. 49(2), 2021); of m bets it costs at most log m.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log, log1p

from rollouts.core.evidence.counts import Tick

FAIL_BETS = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 40.0, 100.0, 400.0)
PASS_BETS = (0.8, 0.65, 0.5, 0.35, 0.2, 0.1, 0.03, 0.01)
BETS = FAIL_BETS + PASS_BETS
"""Both sides, first those for failure."""
FAILS = len(FAIL_BETS)

LOGS = tuple(log(bet) for bet in BETS)
_ALL = tuple((bet, bet - 1.0, log(bet)) for bet in BETS)
_FAIL, _PASS = _ALL[:FAILS], _ALL[FAILS:]

Logs = tuple[float, ...]
"""One logarithm for each of BETS."""


def against_limit(tick: Tick, limit: float) -> list[float]:
    """Log L of each bet for the absolute null `p_c <= limit` (theta is 0, so u = g and v = 1)."""
    canary = tick.canary
    paid, bad, perhaps = limit * canary.requests, canary.bad, canary.perhaps_bad
    fails = [bad * log_g - more * paid for _, more, log_g in _FAIL]
    return fails + [perhaps * log_g - more * paid for _, more, log_g in _PASS]


def gains(tick: Tick, rho: float) -> tuple[list[float], list[float]]:
    """For each bet `e_c*log u + e_p*log v`, and the price `(u - 1)*n_c` of each unit of delta: L = gain - delta*price.

    A failure counts what was bad of the canary surely and of the primary perhaps; a pass the other way round.
    """
    canary, primary = tick.canary, tick.primary
    requests = canary.requests
    if primary is None or primary.requests == 0.0 or requests == 0.0:
        return [0.0] * len(BETS), [0.0] * len(BETS)
    theta = requests * rho / (requests * rho + primary.requests)
    price = [(g / (1.0 + theta * more) - 1.0) * requests for g, more, _ in _ALL]
    won: list[float] = []
    for side, bad, theirs in ((_FAIL, canary.bad, primary.perhaps_bad), (_PASS, canary.perhaps_bad, primary.bad)):
        both = bad + theirs
        # Most ticks of a good service have none: nothing is won then.
        won += [bad * log_g - both * log1p(theta * more) for _, more, log_g in side] if both else [0.0] * len(side)
    return won, price


def log_sum(logs: Sequence[float]) -> float:
    """Log of the sum of what these are the logarithms of."""
    top = max(logs)
    if top == -inf:
        return -inf
    return top + log(sum([exp(one - top) for one in logs]))


def log_add(one: float, other: float) -> float:
    """Log of the sum of two."""
    if one < other:
        one, other = other, one
    return one if other == -inf else one + log1p(exp(other - one))
