"""What is allowed now, and how many more requests would decide if everything stays as it is.

A bet's log capital grows by its expected gain for each request of the canary, at most the Kullback-Leibler divergence
of two Poisson rates p*log(p/L) - p + L where the limit is fixed (Wald, "Sequential Analysis", 1947: the expected sample
size is the evidence asked for over that of one observation). The quickest bet gives the figure.
"""

from __future__ import annotations

from math import ceil, log, log1p

from rollouts.core.evidence.bets import BETS, FAILS, LOGS
from rollouts.core.evidence.counts import Limits, Settings
from rollouts.core.evidence.state import State, judged_alone

NEVER = 1e7
"""Requests beyond which nobody waits."""


def limit_now(state: State, limits: Limits) -> float:
    """The share of bad requests that the canary may have: the objective's, or what the primary's share gives now."""
    primary = state.primary
    if judged_alone(state, limits):
        return limits.slo
    return limits.ratio * primary.bad / primary.requests + limits.delta


def requests_needed(state: State, limits: Limits, settings: Settings) -> float | None:
    """How many more requests of the canary decide, at the present shares and traffic; None if they hardly ever would.

    0 where it is decided. A rough figure: chance, the cap and the onset are left out.
    """
    canary, alone = state.canary, judged_alone(state, limits)
    if canary.requests == 0.0:
        return None
    capital, phi = (state.absolute, state.dispersion.absolute) if alone else (state.relative, state.dispersion.relative)
    best = NEVER
    sides = ((range(FAILS), settings.metrics / settings.alpha), (range(FAILS, len(BETS)), 1.0 / settings.beta))
    for side, wanted in sides:
        target = log(wanted * len(side))
        for bet in side:
            growth = _growth(bet, state, limits, alone=alone) / phi
            if growth > 0.0:
                best = min(best, max(0.0, target - capital[bet]) / growth)
    return None if best >= NEVER else float(ceil(best))


def _growth(bet: int, state: State, limits: Limits, *, alone: bool) -> float:
    """What one more request of the canary, and the primary's that come with it, adds to a bet's log capital."""
    canary, primary, g = state.canary, state.primary, BETS[bet]
    fails = bet < FAILS
    bad = (canary.bad if fails else canary.perhaps_bad) / canary.requests
    if alone:
        return bad * LOGS[bet] - (g - 1.0) * limits.slo
    theirs = (primary.perhaps_bad if fails else primary.bad) / canary.requests
    theta = canary.requests * limits.ratio / (canary.requests * limits.ratio + primary.requests)
    more = theta * (g - 1.0)
    return bad * LOGS[bet] - (bad + theirs) * log1p(more) - (g / (1.0 + more) - 1.0) * limits.delta
