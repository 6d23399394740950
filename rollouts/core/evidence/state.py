"""What is remembered of one metric between two evaluations, and how a tick's counts change it.

The capital of each bet follows one recursion, W <- (W + w_t) * L_t: an e-process is started at every tick with its
part of a prior (half at the first tick, the rest later, see `entering`), so that a canary that turns bad late is found
as quickly as one that always was. E_t = mean of W plus the prior that has not started yet is still a supermartingale
that begins at 1, so by Ville's inequality P(E_t >= 1/alpha, ever) <= alpha for the whole run (Howard et al. 2021, as in
`bets`). The e-detectors of Shin, Ramdas and Rinaldo (arXiv 2203.03532) start e-processes in the same way but with no
prior, and control the run length only. For a pass all of the prior starts at the first tick.

Two guards keep clumped failures from counting as independent ones. Dispersion: log L / phi; x^(1/phi) is concave, so
E[L^(1/phi)] <= 1 still (Jensen). Cap: log L <= log(1/alpha) / (m - 1), as min(L, c) <= L; fewer than m ticks then can't
reach 1/alpha.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log

from rollouts.core.evidence.bets import BETS, FAILS, Logs, against_limit, gains, log_add, log_sum
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.dispersion import Dispersion
from rollouts.core.evidence.entering import Side, entering, log_share, not_started

NO_REQUESTS, INDEPENDENT = Arm(), Dispersion()
NO_CAPITAL: Logs = (-inf,) * len(BETS)
NOTHING: Logs = (0.0,) * len(BETS)
_LOG_FAILS, _LOG_PASSES = log(FAILS), log(len(BETS) - FAILS)


@dataclass(frozen=True, slots=True)
class State:
    """All of a metric's run so far. Begin with `State(dispersion=...)`."""

    ticks: int = 0
    """Ticks in which the canary had requests; others are no evidence and change nothing."""
    failed: bool = False
    """Whether this metric alone ever had proof enough for a rollback. Stays."""
    step_requests: float = 0.0
    """The canary's requests since `at_new_step`."""
    canary: Arm = NO_REQUESTS
    primary: Arm = NO_REQUESTS
    dispersion: Dispersion = INDEPENDENT
    absolute: Logs = NO_CAPITAL
    """log W of each bet that the objective is missed, or kept."""
    relative: Logs = NO_CAPITAL
    """The same of each bet against the primary; not moved unless the metric compares."""
    gain: Logs = NOTHING
    """Sums of each bet at rho = 1, for the interval of p_c - p_p: its gain ..."""
    price: Logs = NOTHING
    """... and the price of each unit of difference."""


def absorb(state: State, tick: Tick, limits: Limits, settings: Settings) -> State:
    """The state after one more tick. A tick without requests of the canary changes nothing but the primary's sum."""
    primary = state.primary if tick.primary is None else state.primary.plus(tick.primary)
    if tick.canary.requests == 0.0:
        return replace(state, primary=primary)
    sides = entering(state.ticks + 1, settings)
    absolute = _moved(state.absolute, against_limit(tick, limits.slo), state.dispersion.absolute, sides)
    relative, gain, price = state.relative, state.gain, state.price
    if limits.compare:
        won, paid = gains(tick, limits.ratio)
        delta = limits.delta
        grown = [one - delta * other for one, other in zip(won, paid, strict=True)]
        relative = _moved(relative, grown, state.dispersion.relative, sides)
        won, paid = (won, paid) if limits.ratio == 1.0 else gains(tick, 1.0)
        gain = tuple([a + b for a, b in zip(gain, won, strict=True)])
        price = tuple([a + b for a, b in zip(price, paid, strict=True)])
    after = State(
        ticks=state.ticks + 1,
        failed=state.failed,
        step_requests=state.step_requests + tick.canary.requests,
        canary=state.canary.plus(tick.canary),
        primary=primary,
        dispersion=state.dispersion,
        absolute=absolute,
        relative=relative,
        gain=gain,
        price=price,
    )
    if after.failed or log_against(after, limits, settings) < log(settings.metrics / settings.alpha):
        return after
    return replace(after, failed=True)


def at_new_step(state: State) -> State:
    """The same evidence, and a new count of the step's requests."""
    return replace(state, step_requests=0.0)


def judged_alone(state: State, limits: Limits) -> bool:
    """Whether the objective alone judges: nothing is to be compared, or the primary had no request to compare with."""
    return not limits.compare or state.primary.requests == 0.0


def log_against(state: State, limits: Limits, settings: Settings) -> float:
    """Log of the e-value against the canary: of being beyond its limit."""
    capital = state.absolute if judged_alone(state, limits) else state.relative
    return _log_mean(capital[:FAILS], _LOG_FAILS, not_started(state.ticks, settings))


def log_for(state: State, limits: Limits) -> float:
    """Log of the e-value for the canary: of being within its limit."""
    capital = state.absolute if judged_alone(state, limits) else state.relative
    return _log_mean(capital[FAILS:], _LOG_PASSES, 0.0 if state.ticks else 1.0)


def log_breach(state: State, settings: Settings) -> float:
    """Log of the e-value that the objective is missed, by whosever fault."""
    return _log_mean(state.absolute[:FAILS], _LOG_FAILS, not_started(state.ticks, settings))


def _moved(capital: Logs, grown: list[float], phi: float, sides: tuple[Side, Side]) -> Logs:
    moved: list[float] = []
    for bets, share, cap in sides:
        own = capital[bets] if share == -inf else [log_add(one, share) for one in capital[bets]]
        moved += [
            one + (cap if (more := grow / phi) > cap else more) for one, grow in zip(own, grown[bets], strict=True)
        ]
    return tuple(moved)


def _log_mean(capital: Logs, log_count: float, waiting: float) -> float:
    return log_add(log_sum(capital) - log_count, log_share(waiting))
