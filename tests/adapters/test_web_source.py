from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from rollouts.api.provider import ProviderType
from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.metrics.access import Access
from rollouts.metrics.pause import LONGEST_S
from rollouts.metrics.web import WebOptions, WebSource
from rollouts.metrics.web_answer import BODY_MAX
from rollouts.metrics.web_query import WebQuery
from rollouts.reach.policy import ReachPolicy
from tests.contract.metric_sources import AT
from tests.kube.rude_server import Asked, Step, cut, hang, reply, rude_server, stream

LOCAL = ReachPolicy(allow=("127.0.0.0/8",))
PATIENT = WebOptions()
HASTY = WebOptions(timeout_s=0.3, in_flight=2)
QUERY = WebQuery("/slo", "$.value")


@asynccontextmanager
async def web_source(
    url: str, options: WebOptions = PATIENT, headers: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[WebSource]:
    """One that may reach loopback."""
    source = WebSource(Access(ProviderType.WEB, url, headers), LOCAL, options)
    try:
        yield source
    finally:
        await source.aclose()


async def _drip(asked: Asked) -> None:
    await asked.start(200, Content_Length="1000")
    while True:
        await asked.send(b" ")
        await asyncio.sleep(0.02)


async def _gibberish(asked: Asked) -> None:
    await asked.send(b"SSH-2.0-OpenSSH_9.9\r\n")


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param(reply(200, {"value": 1.5}), Value(1.5), id="number"),
        pytest.param(reply(201, {"value": "99.5"}), Value(99.5), id="text with a number, 201"),
        pytest.param(reply(204), NoData(), id="204"),
        pytest.param(reply(200, {}), NoData(), id="nothing selected"),
        pytest.param(stream(b'{"val', b'ue": 3}'), Value(3.0), id="chunked"),
        pytest.param(
            stream(b'{"value": 3', then=cut), Unreachable("the answer broke off"), id="chunked, cut"
        ),
        pytest.param(
            reply(200, b'{"value": 3'),
            Unreachable("HTTP 200, but the answer is no JSON, or only a part of one"),
            id="half a document",
        ),
        pytest.param(
            reply(206, {"value": 3}), Unreachable("HTTP 206: it sent a part of the answer"), id="206"
        ),
        pytest.param(
            reply(302, b"", Location="/elsewhere"),
            Rejected("HTTP 302: redirects are not followed: write the address that this one leads to"),
            id="redirect",
        ),
        pytest.param(
            reply(403, b"hunter2"),
            Rejected("the credentials are refused (HTTP 403): check secretRef and headers"),
            id="403",
        ),
        pytest.param(
            reply(404, b"hunter2"),
            Rejected("HTTP 404: check the address and the path of the question"),
            id="404, and not a word of it",
        ),
        pytest.param(reply(408), Unreachable("HTTP 408"), id="408"),
        pytest.param(
            reply(429), Unreachable("HTTP 429"), id="429"
        ),
        pytest.param(reply(503, b"", Retry_After="5"), Unreachable("HTTP 503"), id="503, Retry-After"),
        pytest.param(
            reply(200, b" " * (BODY_MAX + 1)), Rejected("the answer is larger than 256 KiB: ask for less"), id="large"
        ),
        pytest.param(
            stream(*[b" " * 60_000] * 100, then=hang),
            Rejected("the answer is larger than 256 KiB: ask for less"),
            id="without end",
        ),
        pytest.param(
            reply(200, b'{"value": 3}', Content_Encoding="gzip"), Value(3.0), id="says that it is packed, is not"
        ),
        pytest.param(hang, Unreachable("no answer within 0.3 s"), id="hang"),
        pytest.param(_drip, Unreachable("no answer within 0.3 s"), id="one byte at a time"),
        pytest.param(_gibberish, Unreachable("the answer is no HTTP"), id="no HTTP"),
        pytest.param(cut, Unreachable("the connection was closed without an answer"), id="closed"),
    ],
)  # fmt: skip
async def test_each_answer_becomes_an_outcome_at_once(step: Step, expected: Outcome) -> None:
    """One request, and never an exception; not a word of the body is in a reason."""
    async with rude_server() as server, web_source(server.url, HASTY) as source:
        server.script.append(step)
        started = time.monotonic()
        assert await source.measure(QUERY.text(), AT) == _named(expected, server.url)
        assert time.monotonic() - started < 2
        assert len(server.asked) == 1


def _named(expected: Outcome, url: str) -> Outcome:
    """Who could not be reached stands before why."""
    return Unreachable(f"{url}: {expected.reason}") if isinstance(expected, Unreachable) else expected


async def test_what_is_sent_is_what_was_written() -> None:
    """Path and query to the byte, JSON in a POST, the provider's headers, and no cookie that was given."""
    async with rude_server() as server, web_source(f"{server.url}/base", headers=(("X-Scope-OrgID", "a"),)) as source:
        server.script.extend([reply(200, {"v": 1}, Set_Cookie="session=1")] * 2)
        body = json.dumps({"service": "app"})
        assert await source.measure(WebQuery("/a%2Fb?x=1%20y&x", "$.v", "POST", body).text(), AT) == Value(1.0)
        assert await source.measure(WebQuery("?q", "$.v").text(), AT) == Value(1.0)
        posted, got = server.asked
    assert (posted.method, posted.path, posted.query) == ("POST", "/base/a%2Fb", {"x": "1 y"})
    assert (posted.headers["content-type"], posted.body.decode()) == ("application/json", body)
    assert (got.method, got.path, got.body) == ("GET", "/base", b"")
    for asked in (posted, got):
        assert asked.headers["x-scope-orgid"] == "a"
        assert asked.headers["accept-encoding"] == "identity"
        assert "cookie" not in asked.headers


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("up", "no question to a web source"),
        ("[]", "no question to a web source"),
        ('{"path": 1}', "no question to a web source"),
        ('{"path": "/", "jsonPath": "$.a", "host": "evil"}', "a question to a web source has no 'host'"),
        ('{"path": "/", "jsonPath": "a"}', "no JSONPath: expected 'TOKEN_ROOT', found 'TOKEN_NAME'"),
        ('{"path": "/"}', "no JSONPath: "),
        ('{"path": "@evil.example/", "jsonPath": "$"}', "the path must begin with / or ?"),
        ('{"path": ":81/", "jsonPath": "$"}', "the path must begin with / or ?"),
        ('{"path": "//evil.example/", "jsonPath": "$"}', "the path must begin with / or ?"),
        ('{"path": "/a b", "jsonPath": "$"}', "the path must begin with / or ?"),
        ('{"path": "/\\r\\nX: y", "jsonPath": "$"}', "the path must begin with / or ?"),
        ('{"path": "/a/../admin", "jsonPath": "$"}', "the path has a segment . or .."),
        ('{"path": "/a/%2e%2E/admin", "jsonPath": "$"}', "the path has a segment . or .."),
        ('{"path": "/#a", "jsonPath": "$"}', "the path has a fragment"),
        ('{"path": "/", "jsonPath": "$", "method": "DELETE"}', "the method must be GET or POST"),
        ('{"path": "/", "jsonPath": "$", "body": "{}"}', "a body goes with method POST alone"),
        ('{"path": "/", "jsonPath": "$", "method": "POST", "body": "{"}', "the body is no JSON"),
    ],
)
async def test_what_can_not_be_asked_is_rejected_and_not_sent(query: str, reason: str) -> None:
    """No question leads to another server, or out of the provider's address."""
    async with rude_server() as server, web_source(server.url, HASTY) as source:
        outcome = await source.measure(query, AT)
        assert isinstance(outcome, Rejected)
        assert outcome.reason.startswith(reason)
        assert not server.asked


async def test_a_pause_ends_and_is_never_longer_than_a_release() -> None:
    """After Retry-After it is asked again; a server that says a year is not left alone for a year."""
    async with rude_server() as server, web_source(server.url) as source:
        server.script.extend([reply(429, b"", Retry_After="1"), reply(200, {"value": 4})])
        assert isinstance(await source.measure(QUERY.text(), AT), Unreachable)
        held = await source.measure(QUERY.text(), AT)
        assert held == Unreachable(f"{server.url}: HTTP 429: it asked not to be asked for 1 s more")
        await asyncio.sleep(1.05)
        assert await source.measure(QUERY.text(), AT) == Value(4.0)
        server.script.append(reply(503, b"", Retry_After="31536000"))
        await source.measure(QUERY.text(), AT)
        held = await source.measure(QUERY.text(), AT)
        assert held == Unreachable(f"{server.url}: HTTP 503: it asked not to be asked for {LONGEST_S:.0f} s more")


async def test_who_waited_for_a_turn_hears_of_the_pause_too() -> None:
    """Questions that were queued behind the one that was answered 429 are not sent."""
    async with rude_server() as server, web_source(server.url, WebOptions(in_flight=1)) as source:
        server.script.append(reply(429, b"", Retry_After="60"))
        texts = [WebQuery(f"/{number}", "$.value").text() for number in range(10)]
        outcomes = await asyncio.gather(*(source.measure(text, AT) for text in texts))
        assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
        assert len(server.asked) == 1


async def test_no_more_are_asked_at_a_time_than_was_said() -> None:
    """And nobody waits longer than the patience."""
    async with rude_server() as server, web_source(server.url, HASTY) as source:
        texts = [WebQuery(f"/{number}", "$.value").text() for number in range(30)]
        started = time.monotonic()
        outcomes = await asyncio.gather(*(source.measure(text, AT) for text in texts))
        assert time.monotonic() - started < 2 * HASTY.patience_s
        assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
        assert len(server.asked) <= 6


async def test_after_the_end_nothing_is_asked() -> None:
    """A question that comes too late is an outcome as well."""
    async with rude_server() as server:
        async with web_source(server.url) as source:
            pass
        outcome = await source.measure(QUERY.text(), AT)
        assert outcome == Unreachable(f"{server.url}: it is not asked any more")
        assert not server.asked


async def test_nobody_there_is_told_by_the_system_s_own_words() -> None:
    """And a name that nobody has, in ours."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with web_source(url) as source:
            assert await source.measure(QUERY.text(), AT) == Unreachable(f"{url}: no connection: Connection refused")
    async with web_source("http://nobody.invalid") as source:
        outcome = await source.measure(QUERY.text(), AT)
        assert outcome == Unreachable("http://nobody.invalid: the name of the host can't be resolved")
