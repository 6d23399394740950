"""Weighs the evidence of a small world: counters as its traffic makes them, and the books of the process that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import ObjectKey
from rollouts.api.sequential import threshold_ms_of
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import Answer, Evidenced, Rejected, Subject, Unreachable, Weighing
from rollouts.core.tally import Book, Rules, Scrapes, follow
from rollouts.core.weighing import basis_of, limits_of, settings_of
from rollouts.metrics.counters import count_of, note_of, queries_of
from rollouts.metrics.istio_counters import Edges
from rollouts.ports import WorkloadQuery
from rollouts.testing.counters import Flow, ScriptedCounters

NAMES = {Subject.CANARY: "app", Subject.STABLE: "app-primary"}


@dataclass(slots=True)
class _Time:
    tell: Callable[[], datetime]

    def now(self) -> datetime:
        return self.tell()


@dataclass(slots=True)
class Weigher:
    """The counters outlive a process, its books do not."""

    counters: ScriptedCounters
    books: dict[tuple[str, datetime, str], Book] = field(default_factory=dict)

    @classmethod
    def of(cls, now: Callable[[], datetime], flows: Callable[[], Mapping[str, Flow]]) -> Weigher:
        """Over what `flows` says that each workload gets now."""
        return cls(ScriptedCounters(None, _Time(now), flows))

    def weigh(self, question: Weighing, spec: CanarySpec, status: CanaryStatus) -> Answer:
        """The answer, as the engine's keeper gives it."""
        metric = next(one for one in spec.analysis.sequential if one.name == question.metric)
        key = metric.name, question.run, basis_of(metric, spec.analysis)
        book = self.books.get(key) or Book.resumed(status, question, key[2])
        since = book.at or question.step_from
        sides = dict(NAMES) if limits_of(metric).compare else {Subject.CANARY: "app"}
        asked = queries_of(metric, "default", sides, None, (question.at - since).total_seconds() + 60)
        found = {}
        for place, one in asked.items():
            query = WorkloadQuery(one.query, ObjectKey("default", "app"), ObjectKey("default", one.workload))
            series = self.counters.scraped(query, question.at)
            if isinstance(series, Rejected | Unreachable):
                return series
            found[place] = series
        limit_ms = threshold_ms_of(metric)
        every = [one for series in found.values() for one in series]
        edges = Edges.around(limit_ms, every) if limit_ms is not None and every else None
        rules = Rules(count_of(metric, edges), limits_of(metric), settings_of(spec.analysis), spec.analysis.interval_s)
        book = follow(book, question, Scrapes(found, min(since, question.at - timedelta(seconds=1))), rules)
        self.books[key] = book
        return Evidenced(book.state, book.counted, note_of(metric, edges, book.gap_s))
