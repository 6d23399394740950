"""The metric sources that have to keep the contract. A new source joins by adding its factory to FACTORIES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import Probe, Signal
from rollouts.demo.ledger import Answer, Ledger
from rollouts.demo.metrics import TrafficMetrics
from rollouts.metrics.istio import render_query
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.ports import MetricSource
from tests.adapters.prometheus_server import Canned, failure, prometheus_server, vector

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The instant that sources are asked about."""


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


@asynccontextmanager
async def simulated_traffic(situation: Situation) -> AsyncIterator[Arranged]:
    """The demo's source over requests that have been simulated: 42 of 100 went well."""
    assert situation not in REMOTE_ALONE, "it is in the same process: it is there, and answers"
    ledger, workload = Ledger(), ObjectKey("default", "app")
    if situation is Situation.VALUE:
        for number in range(100):
            ledger.note(Answer(AT - timedelta(seconds=1), workload, 200 if number < 42 else 500, 1.0, workload))
    query = render_query(Probe(Signal.SUCCESS_RATE, window_s=30.0), workload.namespace, workload.name)
    refused = situation is Situation.REFUSING
    yield Arranged(TrafficMetrics(ledger, lambda _workload: True), "up" if refused else query)


REMOTE_ALONE = frozenset({Situation.SILENT, Situation.GONE})
"""Situations of sources that are asked over a network."""
REMOTE: dict[str, Factory] = {"prometheus": prometheus}
FACTORIES: dict[str, Factory] = {**REMOTE, "simulated traffic": simulated_traffic}
