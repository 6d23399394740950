"""All evidence of one judgement: which of it is still to be asked for, what it proves, and whether any of it is news.

A judgement that says what the last one that was written said is not written for up to a minute: its instants follow
from the status all the same, so that the next process weighs at the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.metric import Metric
from rollouts.api.status import CanaryStatus, EvidenceStatus, MetricResult, ShareStatus, Verdict
from rollouts.core.finding import Finding, newest
from rollouts.core.instants import Instants
from rollouts.core.measurement import Question
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from rollouts.core.plan import Step
from rollouts.core.weighing import judge_evidence, proven_against, remembered, weighings_of

WRITTEN_EVERY = timedelta(minutes=1)
_ORDINARY = frozenset({Event.CHECK_PASSED, Event.UNDECIDED})


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


def is_quiet(status: CanaryStatus, step: Step, found: Finding, at: datetime) -> bool:
    """Whether the judgement may go unwritten: it says what is known, and that was written less than a minute ago."""
    written_at = status.last_check_at or status.dwell_started_at
    return (
        found.event in _ORDINARY
        and written_at is not None
        and at - written_at < WRITTEN_EVERY
        and _verdicts(found.results) == _verdicts(status.metrics)
        and Verdict.ERROR not in _verdicts(found.results).values()
        and bool(status.evidence)
        and (step.checks == 1 or not found.passed)
        and found.starved == (status.no_data_since is not None)
        and _follows(found.share) == _follows(status.share)
        and (found.problem is None or _is_told(status, found.problem.reason))
        and found.hold is None
    )


def _verdicts(results: Iterable[MetricResult]) -> dict[str, Verdict]:
    return {result.name: result.verdict for result in results}


def _follows(share: ShareStatus | None) -> tuple[int, bool | None] | None:
    return None if share is None else (share.weight, share.in_force)


def _is_told(status: CanaryStatus, reason: str) -> bool:
    return any(condition.reason == reason for condition in status.conditions)
