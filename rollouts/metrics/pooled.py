"""A source that many use, as its users see it: it knows whether somebody is asking, and when somebody last did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol, runtime_checkable

from rollouts.core.measurement import Outcome, Rejected, Unreachable
from rollouts.errors import SpecInvalid
from rollouts.metrics.prometheus_answer import Rows, bounded
from rollouts.metrics.web_query import WebQuery, read_web_query
from rollouts.ports import Clock, MetricSource


class Source(MetricSource, Protocol):
    """A source that holds connections."""

    async def aclose(self) -> None:
        """Ask nothing more, and close them."""
        ...


@runtime_checkable
class HasRows(Protocol):
    """A source with series."""

    async def rows(self, query: str, at: datetime) -> Rows:
        """As `grouping.RowSource` says."""
        ...


class PooledSource:
    """Implements `ports.MetricSource` and `grouping.RowSource` by another source."""

    def __init__(
        self, source: Source, clock: Clock, tidy: Callable[[], Awaitable[None]], refused: Callable[[], None]
    ) -> None:
        """`tidy` is called before each question, `refused` after each that was rejected."""
        self.source = source
        self.users = 0
        self.used_at = clock.now()
        self._clock = clock
        self._tidy = tidy
        self._refused = refused

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        async with self._in_use():
            outcome = await self.source.measure(query, at)
        if isinstance(outcome, Rejected):
            self._refused()
        return outcome

    async def rows(self, query: str, at: datetime) -> Rows:
        """As `grouping.RowSource` says, where the source can: so questions to it can be grouped, and counters read."""
        if not isinstance(self.source, HasRows):
            return Rows(failure=Rejected("counters can be read from a Prometheus alone"))
        async with self._in_use():
            rows = await self.source.rows(query, at)
        if isinstance(rows.failure, Rejected) and not rows.of_query:
            self._refused()
        return rows

    @asynccontextmanager
    async def _in_use(self) -> AsyncIterator[None]:
        self.users += 1
        try:
            await self._tidy()
            yield
        finally:
            self.users -= 1
            self.used_at = self._clock.now()


class AtPath:
    """Implements `ports.MetricSource` for one path of a web source: a query is a JSONPath, or a WebQuery's text.

    In that the path is what follows ours.
    """

    def __init__(self, source: MetricSource, path: str) -> None:
        self._source = source
        self._path = path

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        try:
            wanted = WebQuery("", query) if not query.startswith("{") else read_web_query(query)
            text = WebQuery(self._path + wanted.path, wanted.json_path, wanted.method, wanted.body).text()
        except SpecInvalid as error:
            return Rejected(bounded(str(error)))
        return await self._source.measure(text, at)


class AbsentSource:
    """Implements `ports.MetricSource` where there is none for now."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - nobody is asked
        """As the port says."""
        return Unreachable(self._reason)
