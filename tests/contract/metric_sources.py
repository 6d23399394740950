"""The metric sources that have to keep the contract. A new source joins by adding its factory to FACTORIES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from rollouts.metrics.prometheus import PrometheusOptions, PrometheusSource
from rollouts.ports import MetricSource
from tests.adapters.prometheus_server import Canned, failure, prometheus_server, vector


class Situation(StrEnum):
    """What the place behind a source is like."""

    VALUE = "has a value"
    """The query's one value is 42."""
    NOTHING = "has no data"
    REFUSING = "refuses the query"
    SILENT = "never answers"
    GONE = "is not there"


@dataclass(frozen=True, slots=True)
class Arranged:
    """A source in one situation, and a query that it can be asked."""

    source: MetricSource
    query: str


Factory = Callable[[Situation], AbstractAsyncContextManager[Arranged]]
"""Makes a source whose time-outs are at most a second."""


@asynccontextmanager
async def prometheus(situation: Situation) -> AsyncIterator[Arranged]:
    """The Prometheus adapter against a local server."""
    answers = {
        Situation.VALUE: vector("42"),
        Situation.NOTHING: vector(),
        Situation.REFUSING: failure(400, "bad_data", "parse error"),
        Situation.SILENT: Canned(hang=True),
        Situation.GONE: Canned(reset=True),
    }
    options = PrometheusOptions(connect_timeout_s=0.2, read_timeout_s=0.5, workers=2)
    async with prometheus_server(answers[situation]) as server:
        source = PrometheusSource(server.url, options)
        try:
            yield Arranged(source, "up")
        finally:
            await source.aclose()


FACTORIES: dict[str, Factory] = {"prometheus": prometheus}
