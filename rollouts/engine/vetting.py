"""Whether the queries of a Canary's own metrics can be answered: asked once for each as it is written, and told.

A rejection makes the Canary not Ready and is looked at again now and then, since a right or a Secret may have been
mended. That nobody answers says nothing of the query: it is told once, and holds up nothing. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.metric import Metric
from rollouts.core.decision import Announcement
from rollouts.core.measurement import Rejected, Sample, Unreachable, Vet
from rollouts.core.observed import Problem
from rollouts.engine.recipes import Standing, find_recipe, flaw_of, own_metrics

VET_AGAIN = timedelta(seconds=60)
"""When a query is asked about again that was rejected, or that nobody answered."""


@dataclass(frozen=True, slots=True)
class Vetting:
    """What is known of the queries, and what is still to be asked."""

    asks: tuple[Vet, ...] = ()
    again_at: datetime | None = None
    """When something is to be asked again."""
    problems: tuple[Problem, ...] = ()
    """Why metrics can't be measured: first what the stores tell, then what was answered."""
    unanswered: tuple[tuple[Vet, str], ...] = ()
    """Those whose source could not be reached, and why."""
    open: bool = False
    """Whether something was never answered yet."""


def look_at_queries(standing: Standing, samples: Sequence[Sample], now: datetime) -> Vetting:
    """By what was answered up to `now`."""
    found = [_look_at(metric, standing) for metric in own_metrics(standing.subject)]
    if not found:
        return Vetting()
    heard = {sample.probe: sample for sample in samples if isinstance(sample.probe, Vet)}
    vets = tuple(one for one in found if isinstance(one, Vet))
    flawed = tuple(one for one in found if isinstance(one, Problem))
    known = [(vet, heard[vet]) for vet in vets if vet in heard]
    failed = [(vet, sample) for vet, sample in known if isinstance(sample.outcome, Rejected | Unreachable)]
    late = tuple(vet for vet, sample in failed if now >= sample.at + VET_AGAIN)
    new = tuple(vet for vet in vets if vet not in heard)
    again = (sample.at + VET_AGAIN for vet, sample in failed if vet not in late)
    outcomes = [(vet, sample.outcome) for vet, sample in failed]
    return Vetting(
        asks=new + late,
        again_at=min(again, default=None),
        problems=flawed + tuple(_problem(outcome) for _, outcome in outcomes if isinstance(outcome, Rejected)),
        unanswered=tuple((vet, outcome.reason) for vet, outcome in outcomes if isinstance(outcome, Unreachable)),
        open=bool(new),
    )


def news_of(unanswered: Sequence[tuple[Vet, str]], told: frozenset[Vet]) -> Announcement | None:
    """What people have not been told yet of queries that nobody could answer."""
    fresh = [(vet.metric, reason) for vet, reason in unanswered if vet not in told]
    if not fresh:
        return None
    names, reason = ", ".join(name for name, _ in fresh), fresh[0][1]
    said = f"the query of metric {names} could not be looked at: {reason}; it is asked again every minute"
    return Announcement("QueryUnchecked", said, warning=True)


def _look_at(metric: Metric, standing: Standing) -> Vet | Problem:
    """What is to be asked of one metric, or why nothing can be."""
    recipe = find_recipe(standing.cluster, standing.subject.owner.namespace, metric)
    if isinstance(recipe, Problem):
        return recipe
    return flaw_of(recipe, standing) or Vet(metric.name, recipe.version)


def _problem(outcome: Rejected) -> Problem:
    return Problem(outcome.kind or "QueryRejected", outcome.reason)
