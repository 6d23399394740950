"""All evidence of one judgement: which of it is still to be asked for, and what it proves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.canary import CanarySpec
from rollouts.api.metric import Metric
from rollouts.api.status import CanaryStatus, EvidenceStatus, MetricResult
from rollouts.core.finding import Finding, newest
from rollouts.core.instants import Instants
from rollouts.core.measurement import Question
from rollouts.core.observed import Observed
from rollouts.core.weighing import judge_evidence, proven_against, remembered, weighings_of


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is known of the sequential metrics at one instant."""

    at: datetime | None
    """None where there are none."""
    metrics: tuple[Metric, ...]
    """All of the spec."""
    results: dict[str, MetricResult]
    """By name, of those that have an answer."""
    unanswered: tuple[Question, ...] = ()
    proof: str = ""
    """Why the canary is to be rolled back at once."""
    evidence: tuple[EvidenceStatus, ...] = ()
    """What the status is to remember."""
    sequential: frozenset[str] = frozenset()

    @property
    def others(self) -> tuple[Metric, ...]:
        """The metrics that are judged by threshold."""
        return tuple(metric for metric in self.metrics if metric.name not in self.sequential)

    @property
    def metrics_of_mesh(self) -> tuple[Metric, ...]:
        """Of the sequential ones, those of which callers may have seen what no pod counted."""
        return tuple(metric for metric in self.metrics if metric.name in self.sequential and metric.built_in)

    def in_order(self, others: Iterable[MetricResult]) -> tuple[MetricResult, ...]:
        """All results: those of the metrics in the spec's order, then those of the hooks."""
        rest = iter(others)
        told = [self.results[one.name] if one.name in self.results else next(rest) for one in self.metrics]
        return (*told, *rest)

    def noted(self, found: Finding) -> Finding:
        """The finding, with what the status is to remember of it. Proof is known by the results that it rests on."""
        results = found.results or tuple(self.results.values())
        return replace(found, results=results, evidence=self.evidence, judged_at=self.at)


def weigh(spec: CanarySpec, status: CanaryStatus, seen: Observed, instants: Instants, at: datetime) -> Weighed:
    """The evidence at that instant."""
    analysis = spec.analysis
    questions = weighings_of(spec, status, instants, at)
    answers = {question: newest(seen.samples, question, at) for question in questions.values()}
    metrics = {metric.name: metric for metric in analysis.metrics}
    results = {
        name: judge_evidence(metrics[name], analysis, question, answer)
        for name, question in questions.items()
        if (answer := answers[question]) is not None
    }
    return Weighed(
        at=at if questions else None,
        metrics=analysis.metrics,
        results=results,
        unanswered=tuple(question for question, answer in answers.items() if answer is None),
        proof=proven_against(analysis, answers), evidence=remembered(analysis, status, answers),
        sequential=frozenset(questions),
    )  # fmt: skip
