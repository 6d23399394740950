"""The metric sources that have to keep the contract. A new source joins by adding its factory to FACTORIES.

In each situation the place behind the source answers every request in the same way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import repeat

from rollouts.api.provider import ProviderType
from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Value
from rollouts.demo.ledger import Answer, Ledger
from rollouts.demo.metrics import TrafficMetrics
from rollouts.metrics.access import Access
from rollouts.metrics.istio import render_query
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.metrics.web import WebOptions, WebSource
from rollouts.metrics.web_query import WebQuery
from rollouts.ports import MetricSource
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.metrics import ScriptedMetrics
from tests.adapters.prometheus_server import Canned, failure, prometheus_server, vector
from tests.kube.rude_server import Asked, Step, hang, reply, reset, rude_server

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The instant that sources are asked about."""


class Situation(StrEnum):
    """What the place behind a source is like."""

    VALUE = "has a value"
    """The query's one value is 42."""
    NOTHING = "has no data"
    NAN = "has a value that is no number"
    INFINITE = "divides by zero"
    HALF = "breaks off in the middle of its answer"
    SEVERAL = "has several values"
    REFUSING = "refuses the query"
    LOCKED = "refuses the credentials"
    FAILING = "fails inside"
    SILENT = "never answers"
    GONE = "is not there"
    LIMITED = "asks to be left alone for an hour"


@dataclass(frozen=True, slots=True)
class Arranged:
    """A source in one situation, and a query that it can be asked."""

    source: MetricSource
    query: str
    requests: Callable[[], int] = lambda: 0
    """How many have reached a remote place."""


Factory = Callable[[Situation], AbstractAsyncContextManager[Arranged]]
"""Makes a source whose time-outs are short."""

PROMETHEUS: Mapping[Situation, Canned] = {
    Situation.VALUE: vector("42"),
    Situation.NOTHING: vector(),
    Situation.NAN: vector("NaN"),
    Situation.INFINITE: vector("+Inf"),
    Situation.HALF: Canned(200, vector("42").body, truncate=True),
    Situation.SEVERAL: vector("42", "43"),
    Situation.REFUSING: failure(400, "bad_data", "parse error"),
    Situation.LOCKED: Canned(401, b"who are you?"),
    Situation.FAILING: failure(500, "internal", "out of memory"),
    Situation.SILENT: Canned(hang=True),
    Situation.GONE: Canned(reset=True),
    Situation.LIMITED: Canned(429, b"slow down", (("Retry-After", "3600"),)),
}


@asynccontextmanager
async def prometheus(situation: Situation) -> AsyncIterator[Arranged]:
    """The Prometheus adapter against a local server."""
    options = PrometheusOptions(connect_timeout_s=1.0, read_timeout_s=_timeout_s(situation), workers=2)
    async with prometheus_server(PROMETHEUS[situation]) as server:
        source = PrometheusSource(server.url, options)
        try:
            yield Arranged(source, "up", lambda: len(server.requests))
        finally:
            await source.aclose()


def _timeout_s(situation: Situation) -> float:
    """Short where it will be waited out; elsewhere long enough for a busy machine."""
    return 0.5 if situation is Situation.SILENT else 2.0


async def _half(asked: Asked) -> None:
    await asked.start(200, Content_Length="100")
    await asked.send(b'{"value": 42')


WEB: Mapping[Situation, Step] = {
    Situation.VALUE: reply(200, {"value": 42}),
    Situation.NOTHING: reply(200, {"value": None}),
    Situation.NAN: reply(200, {"value": "NaN"}),
    Situation.INFINITE: reply(200, {"value": "Infinity"}),
    Situation.HALF: _half,
    Situation.SEVERAL: reply(200, {"value": [42, 43]}),
    Situation.REFUSING: reply(404, b"no such service"),
    Situation.LOCKED: reply(401, b"who are you?"),
    Situation.FAILING: reply(500, b"out of memory"),
    Situation.SILENT: hang,
    Situation.GONE: reset,
    Situation.LIMITED: reply(429, b"slow down", Retry_After="3600"),
}


@asynccontextmanager
async def web(situation: Situation) -> AsyncIterator[Arranged]:
    """The web adapter against a local server."""
    async with rude_server() as server:
        server.script.extend(repeat(WEB[situation], 200))
        access = Access(ProviderType.WEB, server.url)
        options = WebOptions(timeout_s=_timeout_s(situation), in_flight=2)
        source = WebSource(access, ReachPolicy(allow=("127.0.0.0/8",)), options)
        try:
            yield Arranged(source, WebQuery("/", "$.value").text(), lambda: len(server.asked))
        finally:
            await source.aclose()


@asynccontextmanager
async def simulated_traffic(situation: Situation) -> AsyncIterator[Arranged]:
    """The demo's source over requests that have been simulated: 42 of 100 went well."""
    ledger, workload = Ledger(), ObjectKey("default", "app")
    if situation is Situation.VALUE:
        for number in range(100):
            ledger.note(Answer(AT - timedelta(seconds=1), workload, 200 if number < 42 else 500, 1.0, workload))
    query = render_query(Probe(Signal.SUCCESS_RATE, window_s=30.0), workload.namespace, workload.name)
    refused = situation is Situation.REFUSING
    yield Arranged(TrafficMetrics(ledger, lambda _workload: True), "up" if refused else query)


@asynccontextmanager
async def scripted(situation: Situation) -> AsyncIterator[Arranged]:
    """The double."""
    answers: Mapping[Situation, Outcome] = {
        Situation.VALUE: Value(42.0),
        Situation.NOTHING: NoData(),
        Situation.REFUSING: Rejected("parse error"),
    }
    probe = Probe(Signal.SUCCESS_RATE, window_s=30.0)
    metrics = ScriptedMetrics()
    metrics.announce("default", "app", [probe], lambda _probe: answers[situation])
    yield Arranged(metrics, render_query(probe, "default", "app"))


REMOTE: dict[str, Factory] = {"prometheus": prometheus, "web": web}
"""Those that are asked over a network: every situation is theirs."""
FACTORIES: dict[str, Factory] = {**REMOTE, "simulated traffic": simulated_traffic, "scripted": scripted}
"""All of them. Those in the same process are there and answer: VALUE, NOTHING and REFUSING are theirs."""
