"""Keeps the counts of each run that is evaluated sequentially, and answers what all its requests say.

What is counted stands in memory for the life of a run, the evidence of it in the Canary's status too: a process that
takes over opens its books where the last one's status left them. One reading serves each evaluation, and reaches back
over those that were missed.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from rollouts.api.metric import DURATION, Metric
from rollouts.api.resources import ObjectKey
from rollouts.api.sequential import threshold_ms_of
from rollouts.api.status import CanaryStatus
from rollouts.core.clumps import clumps_in
from rollouts.core.counting import Series
from rollouts.core.evidence.state import State
from rollouts.core.measurement import Answer, Evidenced, Rejected, Subject, Unreachable, Weighing
from rollouts.core.tally import Book, Place, Rules, Scrapes, follow, reaches_back_s
from rollouts.core.weighing import basis_of, limits_of, settings_of
from rollouts.engine.custom import CounterPairs
from rollouts.engine.modes import mode_of
from rollouts.engine.subject import Subject as Canary
from rollouts.metrics.counters import Asked, count_of, note_of, pairs_of, past_of, past_pairs_of, queries_of
from rollouts.metrics.istio_counters import Edges
from rollouts.ports import GroupedSource, SeriesOutcome, WorkloadQuery

_log = structlog.get_logger(__name__)

FindPairs = Callable[[str, Canary, Iterable[Subject]], Awaitable[CounterPairs | Rejected | Unreachable]]
SCRAPES_S = 60.0
"""How far before the first instant a reading goes back: over the scrapes that tell which pods were there."""
GAP_MAX_S = 3600.0
"""What nobody counted for longer is not read again."""
IDLE_MAX = timedelta(hours=1)


@dataclass(slots=True)
class _Kept:
    """One metric of one run."""

    run: datetime
    basis: str
    book: Book
    edges: Edges | None = None
    answered: tuple[Weighing, Evidenced] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def at(self) -> datetime:
        """What it was asked about last."""
        return self.run if self.answered is None else self.answered[0].at


class Keeper:
    """Answers Weighings. Belongs to one event loop."""

    def __init__(self, source: GroupedSource | None, find_pairs: FindPairs | None = None) -> None:
        """Where there is no source of raw counters, nothing can be weighed.

        `find_pairs` is CustomMetrics.counters; without it only the mesh's own metrics can be.
        """
        self._source = source
        self._find_pairs = find_pairs
        self._canaries: dict[ObjectKey, dict[str, _Kept]] = {}
        self._swept_at: datetime | None = None

    async def weigh(self, question: Weighing, canary: Canary) -> Answer:
        """What the run's requests say of a metric, up to the instant of the question."""
        analysis, status = canary.spec.analysis, canary.status
        metric = next((one for one in analysis.sequential if one.name == question.metric), None)
        if metric is None:
            return Rejected(f"{question.metric} is evaluated sequentially no more")
        self._sweep(question.at)
        kept = self._kept(question, canary, metric, status)
        async with kept.turn:
            if kept.answered is not None and kept.answered[0].at == question.at:
                return kept.answered[1]
            return await self._advance(kept, question, canary, metric)

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone."""
        self._canaries.pop(key, None)

    def _sweep(self, now: datetime) -> None:
        """Runs that are over are forgotten: nobody asks about them. One that goes on all the same has its status."""
        if self._swept_at is None or now - self._swept_at >= IDLE_MAX:
            self._swept_at = now
            for key, books in [*self._canaries.items()]:
                if all(now - kept.at >= IDLE_MAX and not kept.turn.locked() for kept in books.values()):
                    del self._canaries[key]

    def _kept(self, question: Weighing, canary: Canary, metric: Metric, status: CanaryStatus) -> _Kept:
        """What is remembered of the run: here, else in the status, else nothing. Other limits begin anew."""
        books = self._canaries.setdefault(ObjectKey.of(canary.manifest), {})
        basis = basis_of(metric, canary.spec.analysis)
        known = books.get(metric.name)
        if known is not None and known.run == question.run and known.basis == basis:
            return known
        books[metric.name] = _Kept(question.run, basis, Book.resumed(status, question, basis))
        return books[metric.name]

    async def _advance(self, kept: _Kept, question: Weighing, canary: Canary, metric: Metric) -> Answer:
        analysis = canary.spec.analysis
        back_s = min(GAP_MAX_S, max(analysis.interval_s, reaches_back_s(kept.book, question)))
        window_s = math.ceil(back_s) + SCRAPES_S
        pairs = await self._pairs(canary, metric)
        if isinstance(pairs, Rejected | Unreachable):
            return pairs
        asked = self._asked(canary, metric, kept.edges, pairs, window_s=window_s)
        found = await self._read(asked, canary, question.at, pairs)
        if isinstance(found, Rejected | Unreachable):
            return found
        limit_ms = threshold_ms_of(metric)
        if metric.name == DURATION and limit_ms is not None and kept.edges is None and any(found.values()):
            kept.edges = Edges.around(limit_ms, (one for series in found.values() for one in series))
        if kept.book.at is None:
            kept.book = await self._begun(kept, question, canary, metric, pairs)
        rules = Rules(count_of(metric, kept.edges), limits_of(metric), settings_of(analysis), analysis.interval_s)
        scrapes = Scrapes(found, question.at - timedelta(seconds=back_s))
        kept.book = follow(kept.book, question, scrapes, rules)
        answer = Evidenced(kept.book.state, kept.book.counted, note_of(metric, kept.edges, kept.book.gap_s))
        kept.answered = question, answer
        _tell(question, canary, kept.book.state)
        return answer

    async def _pairs(self, canary: Canary, metric: Metric) -> CounterPairs | Rejected | Unreachable:
        """The queries of a metric of the user's own; none of the mesh's."""
        if metric.built_in:
            return CounterPairs()
        if self._find_pairs is None:
            return Rejected(f"nobody knows the counters of {metric.name}")
        return await self._find_pairs(metric.name, canary, (Subject.CANARY, Subject.STABLE))

    async def _begun(
        self, kept: _Kept, question: Weighing, canary: Canary, metric: Metric, pairs: CounterPairs
    ) -> Book:
        """An empty book, of a service whose failures come in clumps as they did in the hour before."""
        status, begin = canary.status, question.step_from
        primary = {Subject.STABLE: mode_of(canary.spec).workload(canary, status, Subject.STABLE)}
        asked = past_of(metric, canary.owner.namespace, primary, kept.edges)
        if pairs.pairs:
            asked = past_pairs_of(pairs.pairs, primary)
        found = await self._read(asked, canary, begin, pairs)
        if isinstance(found, Rejected | Unreachable) or not any(found.values()):
            return kept.book
        past = {family: series for (_, family), series in found.items()}
        phi = clumps_in(past, begin.timestamp(), count_of(metric, kept.edges))
        return replace(kept.book, state=State(dispersion=phi))

    def _asked(
        self, canary: Canary, metric: Metric, edges: Edges | None, pairs: CounterPairs, *, window_s: float
    ) -> dict[Place, Asked]:
        """The queries, and about whom each is. The primary is read only where it is compared with."""
        mode, status = mode_of(canary.spec), canary.status
        sides = [Subject.CANARY, Subject.STABLE] if limits_of(metric).compare else [Subject.CANARY]
        names = {side: mode.workload(canary, status, side) for side in sides}
        if pairs.pairs:
            return pairs_of(pairs.pairs, names, window_s)
        return queries_of(metric, canary.owner.namespace, names, edges, window_s)

    async def _read(
        self, asked: Mapping[Place, Asked], canary: Canary, at: datetime, pairs: CounterPairs
    ) -> dict[Place, tuple[Series, ...]] | Rejected | Unreachable:
        outcomes = await asyncio.gather(*(self._series(one, canary, at, pairs) for one in asked.values()))
        found: dict[Place, tuple[Series, ...]] = {}
        for place, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Rejected | Unreachable):
                return outcome
            found[place] = outcome
        return found

    async def _series(self, asked: Asked, canary: Canary, at: datetime, pairs: CounterPairs) -> SeriesOutcome:
        if pairs.source is not None:
            return await pairs.series(asked.query, at)
        if self._source is None:
            return Rejected("the metric source gives no raw counters, which sequential evaluation is made of")
        key = ObjectKey.of(canary.manifest)
        workload = ObjectKey(canary.owner.namespace, asked.workload)
        return await self._source.series_of(WorkloadQuery(asked.query, key, workload), at)


def _tell(question: Weighing, canary: Canary, state: State) -> None:
    """What was counted up to this evaluation, for whoever holds it against counts of his own."""
    _log.debug(
        "counted",
        canary=str(ObjectKey.of(canary.manifest)),
        metric=question.metric,
        at=question.at.isoformat(),
        requests=state.canary.requests,
        bad=state.canary.bad,
        primary_requests=state.primary.requests,
        primary_bad=state.primary.bad,
    )
