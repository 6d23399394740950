"""One query for all that ask the same: the questions of many Canaries, due at one instant, of one shape.

The first question of a shape waits a moment for others: until none has come for `quiet_s`, at most `gather_s`. Then
one query goes for each `chunk` workloads, at one evaluation time, and each asker gets its own part of the answer. One
that is refused is asked again in halves, and at last alone, so that one workload's trouble is its own. What fits no
shape is asked alone at once.

Not more than `in_flight` queries are under way, and Canaries take turns. Nobody waits for a question that all have
given up. Knows no Kubernetes, and of PromQL what shapes.py does.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from rollouts.core.counting import Series
from rollouts.core.measurement import Outcome, Rejected
from rollouts.metrics.prometheus_answer import Rows, number_outcome
from rollouts.metrics.shapes import SERIES, Member, Shape, key_of, read, render, selector_of, shape_of
from rollouts.metrics.turns import Turns
from rollouts.ports import SeriesOutcome, WorkloadQuery

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
T = TypeVar("T")


class RowSource(Protocol):
    """A place that answers one query at a time."""

    async def measure(self, query: str, at: datetime) -> Outcome:
        """The query's one value at one instant."""
        ...

    async def rows(self, query: str, at: datetime) -> Rows:
        """All series of the query at one instant, or the samples that a range selector gives."""
        ...


@dataclass(frozen=True, slots=True)
class GroupingOptions:
    """How questions are put together."""

    chunk: int = 250
    """Workloads in one query: its text stays around 20 KiB with names of usual length."""
    in_flight: int = 8
    quiet_s: float = 0.05
    gather_s: float = 1.0
    grid_s: float = 0.0
    """Evaluation times that are multiples of it are kept to the letter, and those of series always; others may be later
    by the time of gathering, so that their questions meet. 0 keeps all."""


@dataclass(slots=True)
class _Batch:
    """Questions of one shape that wait for each other; the single query of each, and who waits for its answer."""

    shape: Shape
    at: datetime
    asked: dict[Member, WorkloadQuery] = field(default_factory=dict)
    waiting: dict[Member, list[asyncio.Future[Any]]] = field(default_factory=dict)
    size: int = 0


_DEFAULTS = GroupingOptions()


class Grouping:
    """Implements `ports.MetricSource` and `ports.GroupedSource`. Belongs to one event loop."""

    def __init__(self, source: RowSource, start: Start, options: GroupingOptions = _DEFAULTS) -> None:
        """`start` makes a task that somebody owns and cancels at the end."""
        self._source = source
        self._start = start
        self._options = options
        self._turns = Turns(options.in_flight)
        self._open: dict[Hashable, _Batch] = {}
        self._gathering: set[asyncio.Task[None]] = set()

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says: alone."""
        async with self._turns.turn(None):
            return await self._source.measure(query, at)

    async def measure_of(self, question: WorkloadQuery, at: datetime) -> Outcome:
        """As the port says."""
        shaped = shape_of(question.query, question.workload)
        if shaped is None:
            return await self._alone(question, at)
        outcome: Outcome = await self._together(question, at, *shaped)
        return outcome

    async def series_of(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """As the port says."""
        shape = selector_of(question.query, question.workload)
        if shape is None:
            return await self._series_alone(question, at)
        outcome: SeriesOutcome = await self._together(question, at, shape, Member(question.workload))
        return outcome

    async def _alone(self, question: WorkloadQuery, at: datetime) -> Outcome:
        async with self._turns.turn(question.canary):
            return await self._source.measure(question.query, at)

    async def _series_alone(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        async with self._turns.turn(question.canary):
            rows = await self._source.rows(question.query, at)
        return rows.failure or counters_in(rows.series)

    async def _together(self, question: WorkloadQuery, at: datetime, shape: Shape, member: Member) -> Any:
        """Wait for the answer with those that ask the same."""
        kept = shape.form == SERIES or self._options.grid_s <= 0 or at.timestamp() % self._options.grid_s == 0
        key = shape, at if kept else None
        batch = self._open.get(key)
        if batch is None:
            batch = self._open[key] = _Batch(shape, at)
            task = self._start(self._gather(key, batch))
            self._gathering.add(task)
            task.add_done_callback(self._gathering.discard)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        batch.at = max(batch.at, at)
        batch.asked[member] = question
        batch.waiting.setdefault(member, []).append(answer)
        batch.size += 1
        return await answer

    async def _gather(self, key: Hashable, batch: _Batch) -> None:
        """A task of its own: who asked first may give up, and the others are answered all the same."""
        now_s = asyncio.get_running_loop().time
        until_s, size = now_s() + self._options.gather_s, 0
        while size != batch.size and now_s() < until_s:
            size = batch.size
            await asyncio.sleep(min(self._options.quiet_s, until_s - now_s()))
        del self._open[key]
        members = sorted(batch.asked, key=lambda member: (member.workload.namespace, member.workload.name))
        size = self._options.chunk
        chunks = (members[first : first + size] for first in range(0, len(members), size))
        await asyncio.gather(*(self._answer(batch, chunk) for chunk in chunks))

    async def _answer(self, batch: _Batch, members: Sequence[Member]) -> None:
        wanted = [member for member in members if any(not waiting.done() for waiting in batch.waiting[member])]
        (result,) = await asyncio.gather(self._ask(batch, wanted), return_exceptions=True)
        for member in wanted:
            for waiting in batch.waiting[member]:
                if waiting.done():
                    continue
                if isinstance(result, BaseException):
                    waiting.set_exception(result)
                else:
                    waiting.set_result(result[member])

    async def _ask(self, batch: _Batch, members: Sequence[Member]) -> Mapping[Member, Outcome | SeriesOutcome]:
        """The answers to these, by as few queries as it takes."""
        if not members:
            return {}
        if len(members) == 1:
            question = batch.asked[members[0]]
            ask = self._series_alone if batch.shape.form == SERIES else self._alone
            return {members[0]: await ask(question, batch.at)}
        async with self._turns.turn(batch.shape):
            rows = await self._source.rows(render(batch.shape, members), batch.at)
        if rows.failure is None:
            return _by_member(batch.shape, members, rows.series)
        if not rows.of_query:
            return dict.fromkeys(members, rows.failure)
        half = len(members) // 2
        return {**await self._ask(batch, members[:half]), **await self._ask(batch, members[half:])}


def _by_member(
    shape: Shape, members: Sequence[Member], rows: Sequence[Series]
) -> Mapping[Member, Outcome | SeriesOutcome]:
    if shape.form != SERIES:
        return {member: number_outcome(number) for member, number in read(shape, members, rows).items()}
    found: dict[Member, list[Series]] = {member: [] for member in members}
    for row in rows:
        of_member = found.get(Member(key_of(dict(row.labels))))
        if of_member is not None:
            of_member.append(row)
    return {member: counters_in(series) for member, series in found.items()}


def counters_in(series: Sequence[Series]) -> SeriesOutcome:
    """The series as counters: one that is no number has no differences."""
    for row in series:
        if not all(math.isfinite(sample.value) for sample in row.samples):
            name = dict(row.labels).get("__name__", "the query")
            return Rejected(f"{name} has a sample that is no finite number: it can't be a counter")
    return tuple(series)
