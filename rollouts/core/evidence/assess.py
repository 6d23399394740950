"""One metric's evidence for people and for the status: verdict, estimates, how sure they are, what is still missing."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from rollouts.core.evidence.counts import Limits, Settings
from rollouts.core.evidence.intervals import Interval, of_excess, of_rate
from rollouts.core.evidence.needed import limit_now, requests_needed
from rollouts.core.evidence.state import State, judged_alone, log_against, log_for
from rollouts.core.evidence.verdict import Finding, enough_requests, finding_of
from rollouts.core.evidence.words import told

_LOG_MAX = 700.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one metric. Shares are of 1, not percent."""

    finding: Finding
    log_against: float
    """log of the e-value against the canary."""
    log_for: float
    """log of the e-value for it."""
    limit: float
    """The share of bad requests that is allowed now."""
    estimate: float | None
    """The canary's share of bad requests; None without any request, here and below."""
    interval: Interval | None
    """A confidence sequence at 1 - alpha: the true share is in it at all looks at once."""
    primary_estimate: float | None
    primary_interval: Interval | None
    excess: float | None
    """Canary's share less primary's; None unless compared."""
    excess_interval: Interval | None
    alone: bool
    """Whether the objective alone judged."""
    needed: float | None
    """How many more requests of the canary decide, if all stays as it is; None where they never would."""
    enough: bool
    """Whether the step had its least number of requests."""
    message: str

    @property
    def against(self) -> float:
        """The e-value against the canary, cut where a float ends."""
        return exp(min(self.log_against, _LOG_MAX))

    @property
    def support(self) -> float:
        """The e-value for the canary, cut likewise."""
        return exp(min(self.log_for, _LOG_MAX))


def assess(state: State, limits: Limits, settings: Settings) -> Evidence:
    """Everything that one metric's state tells."""
    canary, primary, alone = state.canary, state.primary, judged_alone(state, limits)
    level, phi = log(2.0 / settings.alpha), state.dispersion.absolute
    own = canary.bad / canary.requests if canary.requests else None
    theirs = primary.bad / primary.requests if primary.requests else None
    finding = finding_of(state, limits, settings)
    needed = requests_needed(state, limits, settings)
    return Evidence(
        finding=finding,
        log_against=log_against(state, limits, settings),
        log_for=log_for(state, limits),
        limit=limit_now(state, limits),
        estimate=own,
        interval=of_rate(canary, level, phi),
        primary_estimate=theirs,
        primary_interval=of_rate(primary, level, phi),
        excess=None if alone or own is None or theirs is None else own - theirs,
        excess_interval=None if alone else of_excess(state, level),
        alone=alone,
        needed=needed,
        enough=enough_requests(state, limits),
        message=told(state, limits, settings, needed),
    )
