from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rollouts.core.measurement import Outcome, Rejected, Unreachable, Value
from rollouts.errors import SpecInvalid
from rollouts.metrics.prometheus import PrometheusSource, QueryReport
from rollouts.metrics.prometheus_options import PrometheusOptions
from tests.adapters.prometheus_server import Canned, failure, prometheus_server, success, vector

AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
OPTIONS = PrometheusOptions(connect_timeout_s=1, read_timeout_s=5, workers=2)
HASTY = replace(OPTIONS, read_timeout_s=0.3)


@asynccontextmanager
async def _source(
    url: str, options: PrometheusOptions = OPTIONS, reports: list[QueryReport] | None = None
) -> AsyncIterator[PrometheusSource]:
    source = PrometheusSource(url, options, on_query=([] if reports is None else reports).append)
    try:
        yield source
    finally:
        await source.aclose()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(vector("99.5"), Value(99.5), id="value"),
        pytest.param(success("scalar", [1, "1"], infos=["hm"]), Value(1.0), id="scalar, with advice"),
        pytest.param(
            failure(400, "bad_data", "parse error"), Rejected("Prometheus rejects the query: parse error"), id="400"
        ),
        pytest.param(
            failure(422, "execution", "too many"), Rejected("Prometheus rejects the query: too many"), id="422"
        ),
        pytest.param(
            Canned(401, b"no"),
            Rejected("the credentials for Prometheus are refused (HTTP 401): check token or password"),
            id="401",
        ),
        pytest.param(Canned(429, b"slow", (("Retry-After", "600"),)), Unreachable("HTTP 429"), id="429, Retry-After"),
        pytest.param(
            failure(503, "unavailable", "starting", **{"Retry-After": "600"}),
            Unreachable("HTTP 503: starting"),
            id="503, Retry-After",
        ),
        pytest.param(
            Canned(200, b"<html>"),
            Unreachable("HTTP 200, but not a query result: check that the URL is that of a Prometheus"),
            id="not JSON",
        ),
        pytest.param(
            Canned(200, b'{"data": null}'),
            Unreachable("HTTP 200, but not a query result: check that the URL is that of a Prometheus"),
            id="odd JSON",
        ),
        pytest.param(
            Canned(302, headers=(("Location", "/api/v1/query"),)),
            Unreachable("request failed: TooManyRedirects"),
            id="redirects",
        ),
        pytest.param(Canned(hang=True), Unreachable("no answer within 0.3 s"), id="hang"),
        pytest.param(
            Canned(reset=True), Unreachable("connection failed: [Errno 104] Connection reset by peer"), id="reset"
        ),
        pytest.param(
            replace(vector("1"), truncate=True),
            Unreachable(f"connection failed: IncompleteRead({len(vector('1').body)} bytes read, 1 more expected)"),
            id="half a body",
        ),
        pytest.param(
            replace(vector("1"), headers=(("Content-Encoding", "gzip"),)),
            Unreachable("request failed: ContentDecodingError"),
            id="not the encoding it claims",
        ),
    ],
)
async def test_each_answer_becomes_an_outcome_at_once(answer: Canned, expected: Outcome) -> None:
    """One request, no retry whatever the server asks for, and never an exception."""
    async with prometheus_server(answer) as server, _source(server.url, HASTY) as source:
        started = time.monotonic()
        assert await source.measure("vector(1)", AT) == _named(expected, server.url)
        assert time.monotonic() - started < 5
        assert len(server.requests) == 1 or answer.status == 302


def _named(expected: Outcome, url: str) -> Outcome:
    """Who could not be reached stands before why."""
    return Unreachable(f"Prometheus at {url}: {expected.reason}") if isinstance(expected, Unreachable) else expected


async def test_a_query_names_its_instant_and_its_time_out() -> None:
    """So that the answer can be had again, and Prometheus gives up when we do."""
    async with prometheus_server(vector("1")) as server, _source(f"{server.url}/prefix/") as source:
        await source.measure('sum(up{job="a&b"})', AT)
        asked = server.requests[0]
        assert asked["path"] == "/prefix/api/v1/query"
        assert (asked["query"], asked["time"], asked["timeout"]) == ('sum(up{job="a&b"})', "1767323045.679", "5s")


async def test_headers_are_sent_and_the_environment_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token goes with each query; a proxy of the environment is not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    options = replace(OPTIONS, headers={"Authorization": "Bearer secret"})
    assert "secret" not in repr(options)
    async with prometheus_server(vector("1")) as server, _source(server.url, options) as source:
        assert await source.measure("up", AT) == Value(1.0)
        assert server.requests[0]["authorization"] == "Bearer secret"


async def test_a_refused_connection_is_unreachable_and_names_no_password() -> None:
    """The reason says where and what failed; a password in the URL is not in it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        async with _source(f"http://user:hunter2@{address}") as source:
            refused = Unreachable("connection failed: [Errno 111] Connection refused")
            assert await source.measure("up", AT) == _named(refused, f"http://{address}")


async def test_a_server_without_tls_is_unreachable_over_https() -> None:
    """TLS that cannot be established says so."""

    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with _source(f"https://127.0.0.1:{port}") as source:
            outcome = await source.measure("up", AT)
    assert isinstance(outcome, Unreachable)
    assert f"127.0.0.1:{port}: TLS: " in outcome.reason


async def test_a_missing_ca_file_is_unreachable() -> None:
    """A file that is not there (yet) is a reason, not an exception."""
    options = replace(OPTIONS, ca_file="/nowhere/ca.crt")
    async with _source("https://127.0.0.1:9", options) as source:
        assert isinstance(await source.measure("up", AT), Unreachable)


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://prometheus", "http://"])
def test_what_is_no_http_url_is_refused_at_once(url: str) -> None:
    """Instead of failing at every query."""
    with pytest.raises(SpecInvalid, match="URL of Prometheus"):
        PrometheusSource(url)


async def test_the_same_question_in_flight_is_sent_once() -> None:
    """Many callers share one query; another instant or text is another question."""
    reports: list[QueryReport] = []
    async with prometheus_server(vector("3")) as server, _source(server.url, OPTIONS, reports) as source:
        server.gate.clear()
        same = [asyncio.ensure_future(source.measure("up", AT)) for _ in range(20)]
        other = asyncio.ensure_future(source.measure("up", AT + timedelta(milliseconds=1)))
        await server.arrived.acquire()
        await server.arrived.acquire()
        server.gate.set()
        assert await asyncio.gather(*same, other) == [Value(3.0)] * 21
        assert len(server.requests) == 2
        assert await source.measure("up", AT) == Value(3.0)
        assert len(server.requests) == len(reports) == 3
        assert all(report.seconds is not None and report.seconds >= 0 for report in reports)


async def test_a_caller_who_is_cancelled_leaves_the_others_their_answer() -> None:
    """Even the one who asked first."""
    async with prometheus_server(vector("3")) as server, _source(server.url) as source:
        server.gate.clear()
        first = asyncio.ensure_future(source.measure("up", AT))
        second = asyncio.ensure_future(source.measure("up", AT))
        await server.arrived.acquire()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.gate.set()
        assert await second == Value(3.0)
        assert len(server.requests) == 1


async def test_connections_are_kept_and_no_more_than_workers() -> None:
    """Thirty different queries travel over at most two sockets."""
    async with prometheus_server(vector("3")) as server, _source(server.url) as source:
        outcomes = await asyncio.gather(*(source.measure(f"up + {index}", AT) for index in range(30)))
        assert outcomes == [Value(3.0)] * 30
        assert server.connections <= 2


async def test_a_dead_prometheus_holds_nobody_longer_than_the_patience() -> None:
    """Twenty queries on two threads: who waits too long is told so, and what nobody waits for is never sent."""
    reports: list[QueryReport] = []
    options = replace(OPTIONS, connect_timeout_s=0.1, read_timeout_s=0.3)
    async with prometheus_server(Canned(hang=True)) as server, _source(server.url, options, reports) as source:
        started = time.monotonic()
        outcomes = await asyncio.gather(*(source.measure(f"up + {index}", AT) for index in range(20)))
        assert time.monotonic() - started < 2
        assert {type(outcome) for outcome in outcomes} == {Unreachable}
    assert 2 <= len(reports) < 20
    assert len(server.requests) == len(reports)


async def test_after_closing_nothing_is_sent() -> None:
    """What waits for a thread is dropped, what is in flight ends, and later callers are told at once."""
    async with prometheus_server(vector("3")) as server, _source(server.url, replace(OPTIONS, workers=1)) as source:
        server.gate.clear()
        flying = asyncio.ensure_future(source.measure("up", AT))
        waiting = asyncio.ensure_future(source.measure("down", AT))
        await server.arrived.acquire()
        closing = asyncio.ensure_future(source.aclose())
        assert isinstance(await waiting, Unreachable)
        server.gate.set()
        assert await flying == Value(3.0)
        await closing
        assert isinstance(await source.measure("up", AT), Unreachable)
        assert len(server.requests) == 1
