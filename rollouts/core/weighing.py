"""Metrics that are evaluated sequentially: what is asked for them, and what the answer means.

The statistics are evidence/'s matter. Here the spec becomes limits, the status a question, and the evidence a result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from rollouts.api.analysis import Analysis
from rollouts.api.canary import CanarySpec
from rollouts.api.durations import duration_s
from rollouts.api.metric import DURATION, Compare, Metric
from rollouts.api.sequential import objective_of, threshold_ms_of
from rollouts.api.status import CanaryStatus, EvidenceStatus, MetricResult, Verdict
from rollouts.core.evidence.assess import Evidence, assess
from rollouts.core.evidence.counts import Limits, Settings
from rollouts.core.evidence.packed import pack
from rollouts.core.evidence.verdict import Finding, together
from rollouts.core.instants import Instants
from rollouts.core.measurement import Evidenced, Rejected, Sample, Unreachable, Weighing

MIN_REQUESTS = 50
"""Of the canary in each step, where the metric says nothing: a step that passes has seen some."""
Weighed = Mapping[Weighing, Sample | None]

_VERDICTS = {
    Finding.PASS: Verdict.PASS, Finding.FAIL: Verdict.FAIL, Finding.INCONCLUSIVE: Verdict.INCONCLUSIVE,
    Finding.SHARED_BREACH: Verdict.SHARED_BREACH, Finding.NO_DATA: Verdict.NO_DATA,
}  # fmt: skip


def weighings_of(spec: CanarySpec, status: CanaryStatus, instants: Instants, at: datetime) -> dict[str, Weighing]:
    """The question for each such metric, by its name."""
    began = status.dwell_started_at or at
    known = {one.name: one.at for one in status.evidence}
    run = status.started_at or began
    return {
        metric.name: Weighing(
            metric=metric.name, run=run, step_from=began, at=at,
            counts_from=began + timedelta(seconds=_warm_s(spec.analysis, metric) if status.step_index <= 1 else 0.0),
            missed=(*_baseline(known.get(metric.name), began), *instants.between(known.get(metric.name, began), at)),
        )
        for metric in spec.analysis.sequential
    }  # fmt: skip


def _warm_s(analysis: Analysis, metric: Metric) -> float:
    """How long the requests of a run's first weight do not count."""
    return max(duration_s(analysis.warmup), duration_s(metric.initial_delay or "0s"))


def _baseline(known: datetime | None, began: datetime) -> tuple[datetime, ...]:
    """Counting begins with the dwell of the first weight."""
    return (began,) if known is None else ()


def limits_of(metric: Metric) -> Limits:
    """How bad a metric may be."""
    objective, absolute = objective_of(metric), metric.tolerance.absolute
    return Limits(
        slo=1 - (objective if objective is not None else 100.0) / 100,
        compare=metric.compare is Compare.PRIMARY,
        ratio=metric.tolerance.ratio,
        absolute=None if absolute is None else absolute / 100,
        min_requests=metric.min_requests or MIN_REQUESTS,
        bad_word=_bad_word(metric),
    )


def _bad_word(metric: Metric) -> str:
    limit_ms = threshold_ms_of(metric)
    return f"took over {limit_ms:g} ms" if metric.name == DURATION and limit_ms is not None else "failed"


def settings_of(analysis: Analysis) -> Settings:
    """How sure the run is to be."""
    voting = sum(not metric.dry_run for metric in analysis.sequential)
    alpha = 1 - analysis.confidence / 100
    return Settings(alpha=alpha, min_intervals=analysis.min_intervals, metrics=max(1, voting))


def basis_of(metric: Metric, analysis: Analysis) -> str:
    """Hash of all that evidence rests on: what is counted, and against which limits."""
    counted = metric.failures, threshold_ms_of(metric), metric.reporter, metric.counters
    text = repr((limits_of(metric), settings_of(analysis), counted))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def evidence_of(metric: Metric, analysis: Analysis, sample: Sample | None) -> Evidence | None:
    """What an answer says; None if it is none, or no evidence."""
    if sample is None or not isinstance(sample.outcome, Evidenced):
        return None
    return assess(sample.outcome.state, limits_of(metric), settings_of(analysis))


def proven_against(analysis: Analysis, weighed: Weighed) -> str:
    """Why the canary is to be rolled back, whatever else is not known yet; empty if nothing is proven."""
    voting = {metric.name: metric for metric in analysis.sequential if not metric.dry_run}
    found = [(q.metric, evidence_of(voting[q.metric], analysis, weighed[q])) for q in weighed if q.metric in voting]
    evidences = [(name, evidence) for name, evidence in found if evidence is not None]
    if together([evidence for _, evidence in evidences], settings_of(analysis)) is not Finding.FAIL:
        return ""
    name, strongest = max(evidences, key=lambda one: one[1].log_against)
    return f"{name}: {strongest.message}"


def judge_evidence(metric: Metric, analysis: Analysis, weighing: Weighing, sample: Sample) -> MetricResult:
    """The result of one metric, of the instant that was asked about."""
    evidence, message, verdict, value = evidence_of(metric, analysis, sample), "", Verdict.ERROR, None
    if evidence is not None and isinstance(sample.outcome, Evidenced):
        verdict, message = _verdict(evidence, sample.outcome)
        value = None if evidence.estimate is None else round(100 * (1 - evidence.estimate), 3)
    elif isinstance(sample.outcome, Rejected | Unreachable):
        message = sample.outcome.reason
    else:
        message = "no answer of a metric source"
    told = f"{metric.name}: {message}"[:256]
    return MetricResult(
        name=metric.name, verdict=verdict, value=value, message=told, measured_at=weighing.at, dry_run=metric.dry_run,
    )  # fmt: skip


def _verdict(evidence: Evidence, outcome: Evidenced) -> tuple[Verdict, str]:
    """With what is still missing at the present weight, whatever was proven at those before."""
    state, note = outcome.state, f"; {outcome.note}" if outcome.note else ""
    if evidence.finding is Finding.FAIL:
        return Verdict.FAIL, evidence.message + note
    if not outcome.counted:
        return Verdict.INCONCLUSIVE, f"counting begins{note}"
    if state.step_requests == 0:
        return Verdict.NO_DATA, f"no request of the canary was counted{note}"
    if evidence.finding is Finding.PASS and not evidence.enough:
        few = f"{state.step_requests:.0f} requests in this step are few"
        return Verdict.INCONCLUSIVE, f"{evidence.message}; {few}{note}"
    return _VERDICTS[evidence.finding], evidence.message + note


def remembered(analysis: Analysis, status: CanaryStatus, weighed: Weighed) -> tuple[EvidenceStatus, ...]:
    """What the status is to remember: of metrics without an answer, what it did."""
    metrics = {metric.name: metric for metric in analysis.sequential}
    kept = {one.name: one for one in status.evidence if one.name in metrics}
    return tuple(_updated(kept, metrics, analysis, weighed.items()).values())


def _updated(
    kept: dict[str, EvidenceStatus], metrics: Mapping[str, Metric], analysis: Analysis,
    weighed: Iterable[tuple[Weighing, Sample | None]],
) -> dict[str, EvidenceStatus]:  # fmt: skip
    for weighing, sample in weighed:
        if sample is not None and isinstance(sample.outcome, Evidenced) and weighing.metric in metrics:
            kept[weighing.metric] = EvidenceStatus(
                name=weighing.metric, at=weighing.at, basis=basis_of(metrics[weighing.metric], analysis),
                state=pack(sample.outcome.state),
            )  # fmt: skip
    return kept
