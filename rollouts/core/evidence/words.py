"""The evidence in one sentence: "4 of 902 failed (0.44 %); limit 0.35 %; undecided"."""

from __future__ import annotations

from math import exp, floor, log10

from rollouts.core.evidence.counts import Arm, Limits, Settings
from rollouts.core.evidence.needed import limit_now
from rollouts.core.evidence.state import State, judged_alone, log_against
from rollouts.core.evidence.verdict import Finding, finding_of

_LOG_MAX = 700.0


def told(state: State, limits: Limits, settings: Settings, needed: float | None) -> str:
    """What the counts of one metric mean, for a person."""
    finding = finding_of(state, limits, settings)
    if finding is Finding.NO_DATA:
        return "no request of the canary was counted"
    alone = judged_alone(state, limits)
    parts = [counted(state.canary, limits), f"limit {percent(limit_now(state, limits))}"]
    parts.append(_end(finding, state, limits, settings))
    if not alone:
        parts.append(f"primary {_of(state.primary)}")
    elif limits.compare:
        parts.append("no request of the primary to compare with, so the objective judges")
    if finding is Finding.INCONCLUSIVE and needed is not None:
        parts.append(f"about {rough(needed)} more requests would tell")
    return "; ".join(parts)


def counted(arm: Arm, limits: Limits) -> str:
    """One version's counts: "4 of 902 failed (0.44 %)"."""
    if arm.perhaps_bad > arm.bad:
        edge = f"{number(arm.bad)} to {number(arm.perhaps_bad)} of {number(arm.requests)} {limits.bad_word}"
        return f"{edge} ({percent(arm.bad / arm.requests)} to {percent(arm.perhaps_bad / arm.requests)})"
    return f"{number(arm.bad)} of {number(arm.requests)} {limits.bad_word} ({percent(arm.bad / arm.requests)})"


def number(count: float) -> str:
    """A count, with no more digits than it is worth."""
    tenths = round(count, 1)
    return f"{count:.0f}" if tenths == round(tenths) or count >= 100.0 else f"{tenths:.1f}"


def percent(share: float) -> str:
    """A share in percent, to two places that say something."""
    scaled = 100.0 * share
    return (
        f"{scaled:.1f} %"
        if scaled >= 1.0
        else f"{scaled:.2f} %"
        if scaled >= 0.01 or scaled == 0.0
        else f"{scaled:.1g} %"
    )


def rough(count: float) -> str:
    """A count to one digit: 3,000."""
    if count < 1.0:
        return "0"
    scale = 10 ** floor(log10(count))
    return f"{round(count / scale) * scale:,.0f}"


def _of(arm: Arm) -> str:
    return f"{number(arm.bad)} of {number(arm.requests)} ({percent(arm.bad / arm.requests)})"


def _end(finding: Finding, state: State, limits: Limits, settings: Settings) -> str:
    match finding:
        case Finding.FAIL:
            odds = exp(min(_LOG_MAX, log_against(state, limits, settings)))
            return f"too many: evidence {odds:.3g}:1, needed {settings.metrics / settings.alpha:.3g}:1"
        case Finding.SHARED_BREACH:
            missed = f"the objective of at most {percent(limits.slo)} is missed"
            both = state.primary.perhaps_bad > limits.slo * state.primary.requests
            return f"{missed} by both versions" if both else f"{missed}, but worse than the primary is not proven"
        case Finding.PASS:
            return "good"
        case _:
            return "undecided"
