"""When each e-process of a mixture over the onset starts, with which weight, and how much one tick may prove.

Any prior that sums to 1 keeps the mixture a supermartingale. This one has a part at the first tick; half of the rest is
geometric, for onsets within the usual length of a rollout, and half falls as 1/(t*(t-1)), so that a canary that is held
for a night is not trusted for ever: an onset then costs 2*log t nats, where a geometric prior alone costs t/60. Knows
no counts.
"""

from __future__ import annotations

from math import inf, log

from rollouts.core.evidence.bets import FAILS
from rollouts.core.evidence.counts import Settings

Side = tuple[slice, float, float]
"""The bets of one side, the log of the prior that starts now, and the most that a tick may add to a log capital."""


def starting(tick: int, settings: Settings) -> float:
    """The prior weight of an onset at this tick, counted from 1."""
    if tick == 1:
        return settings.first_share
    each = 1.0 / settings.onset_ticks
    soon, some_day = each * (1.0 - each) ** (tick - 2), 1.0 / (tick * (tick - 1))
    return (1.0 - settings.first_share) * (soon + some_day) / 2.0


def not_started(ticks: int, settings: Settings) -> float:
    """The prior weight of all onsets after so many ticks."""
    if ticks == 0:
        return 1.0
    soon, some_day = (1.0 - 1.0 / settings.onset_ticks) ** (ticks - 1), 1.0 / ticks
    return (1.0 - settings.first_share) * (soon + some_day) / 2.0


def cap_of(level: float, settings: Settings) -> float:
    """The most that one tick may add to a bet's log capital, on the side that is judged at `level`."""
    return inf if settings.min_intervals <= 1 else -log(level) / (settings.min_intervals - 1)


def entering(tick: int, settings: Settings) -> tuple[Side, Side]:
    """Both sides at this tick: that for failure, and that for a pass, all of which starts at the first."""
    return (
        (slice(0, FAILS), log_share(starting(tick, settings)), cap_of(settings.alpha, settings)),
        (slice(FAILS, None), 0.0 if tick == 1 else -inf, cap_of(settings.beta, settings)),
    )


def log_share(share: float) -> float:
    """Log of a share, which may be none."""
    return log(share) if share > 0.0 else -inf
