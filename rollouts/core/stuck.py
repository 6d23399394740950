"""A step that has waited long enough for evidence, where a person is to decide then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.durations import duration_s
from rollouts.api.sequential import Otherwise, Promote
from rollouts.api.status import CanaryStatus, MetricResult, Verdict
from rollouts.core.observed import Problem

STUCK = "Inconclusive"
_BAD = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.SHARED_BREACH, Verdict.NO_DATA})


def is_held_long(spec: CanarySpec, status: CanaryStatus, at: datetime) -> bool:
    """Whether the step has waited for evidence as long as it may."""
    began = status.dwell_started_at
    return began is not None and at - began >= timedelta(seconds=duration_s(spec.analysis.max_hold))


def stuck_of(spec: CanarySpec, status: CanaryStatus, results: Iterable[MetricResult]) -> Problem | None:
    """That the release waits for a person, since none of the evidence says anything."""
    analysis, told = spec.analysis, tuple(results)
    open_ = [result.name for result in told if result.verdict is Verdict.INCONCLUSIVE]
    weighed = {metric.name for metric in analysis.sequential}
    if not open_ or not weighed.issuperset(open_):
        return None
    if analysis.on_inconclusive is not Otherwise.HOLD or analysis.promote is Promote.TIME:
        return None
    if any(result.verdict in _BAD for result in told) or not is_held_long(spec, status, told[0].measured_at):
        return None
    names = " and ".join(open_)
    held = f"{names}: undecided after {analysis.max_hold}, and onInconclusive is hold"
    return Problem("Inconclusive", f"{held}; promote or abort it by hand, or let more requests come")
