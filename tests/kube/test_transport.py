"""The transport against a server that does everything wrong: only errors of ours come out, and in time."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientTimeout
from kubernetes_asyncio.client import ApiClient, Configuration
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config import ConfigException

from rollouts.api.resources import ObjectKey
from rollouts.errors import Conflict, KubeError, NotFound, Throttled, Unavailable
from rollouts.kube import connection
from rollouts.kube import transport as transport_module
from rollouts.kube.connect import read_clock
from rollouts.kube.failures import NotSent
from rollouts.kube.lines import LineSplitter
from rollouts.kube.requests import Request, get, list_page, patch_json, watch
from rollouts.kube.transport import Timeouts, Transport
from tests.kube.rude_server import Asked, RudeServer, config_map, cut, event, hang, reply, reset, status, stream
from tests.kube.waiting import CONFIG_MAPS

GET = get(CONFIG_MAPS, ObjectKey("default", "a"))
PATCH = patch_json(CONFIG_MAPS, ObjectKey("default", "a"), [{"op": "test", "path": "/a", "value": "ü"}])
WATCH = watch(CONFIG_MAPS, resource_version="10", timeout_s=1)


async def lines_of(transport: Transport, silence_limit_s: float = 0.3) -> list[bytes]:
    """All lines of one watch."""
    async with transport.stream(WATCH, silence_limit_s=silence_limit_s) as lines:
        return [line async for line in lines]


async def test_a_request_goes_out_as_it_was_built(rude: RudeServer, transport: Transport) -> None:
    """Method, path, query, content type and body arrive; the program says its name."""
    rude.script.append(reply(200, config_map("a", 3)))
    answer = await transport.send(PATCH)
    assert answer.manifest() == config_map("a", 3)
    (asked,) = rude.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/default/configmaps/a")
    assert asked.headers["content-type"] == "application/json-patch+json"
    assert json.loads(asked.body) == [{"op": "test", "path": "/a", "value": "ü"}]


async def test_a_huge_object_arrives_whole(rude: RudeServer, transport: Transport) -> None:
    """Eight megabytes in one answer are read to the end."""
    rude.script.append(reply(200, config_map("a", 3, value="x" * 8_000_000)))
    assert len((await transport.send(GET)).manifest()["data"]["value"]) == 8_000_000


@pytest.mark.parametrize(
    ("code", "kind"),
    [(404, NotFound), (409, Conflict), (429, Throttled), (500, Unavailable)],
    ids=["404", "409", "429", "500"],
)
async def test_a_status_is_never_overlooked(
    rude: RudeServer, transport: Transport, code: int, kind: type[KubeError]
) -> None:
    """The library returns errors as answers: each raises the error of its status here, with the server's words."""
    rude.script.append(reply(code, status(code, "told so"), Retry_After="3"))
    with pytest.raises(kind, match="get configmaps: told so") as caught:
        await transport.send(GET)
    assert caught.value.retry_after_s == (3.0 if kind in (Throttled, Unavailable) else None)


async def test_a_version_of_the_library_that_raises_is_understood_too(
    rude: RudeServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exception is turned into ours by the same rules."""

    async def raises(*_args: object, **_options: object) -> None:
        error = ApiException(status=404, reason="Not Found")
        error.body = json.dumps(status(404, "gone away")).encode()
        raise error

    monkeypatch.setattr(transport._client.rest_client, "request", raises)
    with pytest.raises(NotFound, match="gone away"):
        await transport.send(GET)


async def test_unreadable_credentials_are_our_side_of_the_failure(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty token file means that nothing was sent; it may be written again any moment."""

    async def raises(*_args: object, **_options: object) -> None:
        raise ConfigException("Token file exists but empty.")

    monkeypatch.setattr(transport._client, "update_params_for_auth", raises)
    with pytest.raises(NotSent, match="credentials"):
        await transport.send(GET)


async def close_silently(asked: Asked) -> None:
    """End the connection without a word."""


async def half_a_body(asked: Asked) -> None:
    """Promise more than is sent."""
    await asked.start(200, Content_Length="100")
    await asked.send(b"{")


async def half_a_body_then_reset(asked: Asked) -> None:
    """Cut the answer short with a reset."""
    await half_a_body(asked)
    await asyncio.sleep(0.02)
    asked.reset()


async def half_a_body_then_hang(asked: Asked) -> None:
    """Stop in the middle and say no more."""
    await half_a_body(asked)
    await hang(asked)


async def speak_gibberish(asked: Asked) -> None:
    """Answer in no language that HTTP knows."""
    await asked.send(b"GIBBERISH\r\n\r\n")


async def lie_about_gzip(asked: Asked) -> None:
    """Claim an encoding that the body does not have."""
    await reply(200, b"not gzip at all", Content_Encoding="gzip")(asked)


RUDE_ANSWERS = [
    hang,
    reset,
    close_silently,
    half_a_body,
    half_a_body_then_reset,
    half_a_body_then_hang,
    speak_gibberish,
    lie_about_gzip,
]


@pytest.mark.parametrize("step", RUDE_ANSWERS, ids=lambda step: step.__name__)
@pytest.mark.parametrize("request_", [GET, PATCH], ids=["read", "write"])
async def test_whatever_breaks_is_unavailable_with_effect_unknown(
    rude: RudeServer, transport: Transport, step: Any, request_: Request
) -> None:
    """A hang, a reset or gibberish ends within the time-out as Unavailable, and never claims that nothing was sent."""
    rude.script.extend([step, step])  # a read may be sent once more by the HTTP client itself
    async with asyncio.timeout(2):
        with pytest.raises(Unavailable) as caught:
            await transport.send(request_)
    assert not isinstance(caught.value, NotSent)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000], ids=["empty", "html", "list", "deep"])
async def test_a_good_status_with_a_bad_body_is_unavailable(
    rude: RudeServer, transport: Transport, body: bytes
) -> None:
    """A captive proxy's 200 is no answer of an API server."""
    rude.script.append(reply(200, body))
    with pytest.raises(Unavailable):
        (await transport.send(GET)).manifest()


async def test_a_refused_connection_is_known_to_have_had_no_effect() -> None:
    """Nothing listens: NotSent, so that even a write may be repeated."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    transport = Transport(ApiClient(Configuration(host=f"http://127.0.0.1:{port}")), monotonic=time.monotonic)
    with pytest.raises(NotSent):
        await transport.send(PATCH)
    await transport.close()


async def test_a_connection_that_is_never_accepted_times_out() -> None:
    """A full backlog swallows the handshake: the connect time-out ends it, long before the total one."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, socket.socket() as filler, socket.socket() as more:
        for link in (filler, more):
            link.settimeout(0)
            link.connect_ex(deaf.getsockname())
        client = ApiClient(Configuration(host=f"http://127.0.0.1:{deaf.getsockname()[1]}"))
        transport = Transport(client, monotonic=time.monotonic, timeouts=Timeouts(connect_s=0.2, total_s=5.0))
        async with asyncio.timeout(2):
            with pytest.raises(NotSent):
                await transport.send(PATCH)
        await transport.close()


async def test_a_watch_hands_out_lines_however_they_are_cut(rude: RudeServer, transport: Transport) -> None:
    """Byte by byte or several in one packet: the lines are the same."""
    data = event("ADDED", config_map("a", 11)) + event("ADDED", config_map("b", 12))
    whole = data.splitlines()
    rude.script.extend([stream(data), stream(*(bytes([byte]) for byte in data))])
    assert await lines_of(transport) == whole
    assert await lines_of(transport) == whole


async def test_a_torn_last_line_is_handed_out_as_it_is(rude: RudeServer, transport: Transport) -> None:
    """Whoever reads the lines can see that something is missing."""
    rude.script.append(stream(b'{"type":"ADDED"}\n{"type":"MOD'))
    assert await lines_of(transport) == [b'{"type":"ADDED"}', b'{"type":"MOD']


async def test_a_line_of_megabytes_arrives_whole(rude: RudeServer, transport: Transport) -> None:
    """Far longer than the HTTP client's own limit for a line."""
    huge = event("ADDED", config_map("a", 11, value="x" * 9_000_000))
    rude.script.append(stream(huge))
    assert await lines_of(transport, silence_limit_s=3) == [huge.rstrip()]


async def test_an_endless_line_is_not_read_for_ever(
    rude: RudeServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the watch fails; memory stays bounded."""
    monkeypatch.setattr(transport_module, "LineSplitter", lambda: LineSplitter(limit_bytes=1000))
    rude.script.append(stream(b"x" * 2000, then=hang))
    with pytest.raises(Unavailable, match="1000 bytes"):
        await lines_of(transport)


async def test_a_silent_watch_counts_as_dead(rude: RudeServer, transport: Transport) -> None:
    """A half-open connection brings nothing for ever: the silence limit ends it, after what came before."""
    rude.script.append(stream(event("ADDED", config_map("a", 11)), then=hang))
    got = []
    async with asyncio.timeout(2):
        async with transport.stream(WATCH, silence_limit_s=0.2) as lines:
            got.append(await anext(lines))
            with pytest.raises(Unavailable):
                await anext(lines)
    assert len(got) == 1


@pytest.mark.parametrize("end", [reset, cut], ids=["reset", "cut"])
async def test_a_watch_that_is_broken_off_is_unavailable(rude: RudeServer, transport: Transport, end: Any) -> None:
    """A TCP reset or a close between two lines is no proper end."""
    rude.script.append(stream(event("ADDED", config_map("a", 11)), then=end))
    with pytest.raises(Unavailable):
        await lines_of(transport)


async def test_a_refused_watch_raises_on_entering(rude: RudeServer, transport: Transport) -> None:
    """The status is checked before the first line."""
    rude.script.append(reply(429, status(429), Retry_After="1"))
    with pytest.raises(Throttled):
        await lines_of(transport)


async def test_a_watch_left_early_gives_its_connection_back(rude: RudeServer, transport: Transport) -> None:
    """Leaving the block closes the connection: none is leaked, however often a watch is given up."""
    for _ in range(3):
        rude.script.append(stream(event("ADDED", config_map("a", 11)), then=hang))
        async with transport.stream(WATCH, silence_limit_s=5) as lines:
            assert await anext(lines)
    connector = transport._client.rest_client.pool_manager.connector
    assert connector is not None
    assert not connector._acquired


async def test_the_kernel_is_asked_to_find_dead_peers_of_watches(
    rude: RudeServer, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep-alive is on, so that a vanished server is noticed in half a minute and not in five."""
    links: list[socket.socket] = []
    original = connection.keep_alive

    def spy(answer: Any) -> None:
        original(answer)
        links.append(answer.connection.transport.get_extra_info("socket"))

    monkeypatch.setattr(transport_module, "keep_alive", spy)
    rude.script.append(stream(b"{}\n", then=hang))
    async with transport.stream(WATCH, silence_limit_s=5) as lines:
        await anext(lines)
        assert links[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert links[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15


async def test_each_request_is_counted_once(rude: RudeServer) -> None:
    """Verb, resource and status of every request, 0 where no answer came; and how long it took."""
    counted: list[tuple[str, int]] = []
    lengths_s: list[float] = []

    def count(request: Request, code: int, seconds: float) -> None:
        counted.append((str(request), code))
        lengths_s.append(seconds)

    transport = Transport(
        ApiClient(Configuration(host=rude.url)),
        monotonic=time.monotonic,
        timeouts=Timeouts(connect_s=1.0, total_s=0.2),
        on_answer=count,
    )
    rude.script.extend([reply(200, {}), reply(404, status(404)), hang])
    await transport.send(GET)
    for request in (list_page(CONFIG_MAPS), PATCH):
        with pytest.raises(KubeError):
            await transport.send(request)
    await transport.close()
    assert counted == [("get configmaps", 200), ("list configmaps", 404), ("patch configmaps", 0)]
    assert lengths_s[2] >= 0.2 > lengths_s[0]


async def test_the_clock_is_set_by_the_servers_date(rude: RudeServer, transport: Transport) -> None:
    """One cheap question sets the clock, whatever this node believes the time to be."""
    rude.script.append(reply(200, {}, Date="Fri, 02 Jan 2026 03:04:05 GMT"))
    clock = await read_clock(transport, time.monotonic)
    assert 0.5 <= (clock.now() - datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)).total_seconds() < 2
    assert rude.asked[0].path == "/version"


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}, {"Date": "Fri, 02 Jan 2026 03:04:05"}], ids=str)
async def test_without_a_date_there_is_no_clock(
    rude: RudeServer, transport: Transport, headers: dict[str, str]
) -> None:
    """An unusable Date is an error at the start, not a wrong dwell later."""
    rude.script.append(reply(200, {}, **headers))
    with pytest.raises(Unavailable, match="Date"):
        await read_clock(transport, time.monotonic)


async def test_every_call_has_time_outs(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's default is to wait for ever; neither a request nor a watch may."""
    given: list[ClientTimeout] = []

    async def note(*_args: object, **options: Any) -> None:
        given.append(options["_request_timeout"])
        raise OSError

    monkeypatch.setattr(transport._client.rest_client, "request", note)
    with pytest.raises(Unavailable):
        await transport.send(GET)
    with pytest.raises(Unavailable):
        await lines_of(transport)
    assert [(t.total, t.connect, t.sock_connect, t.sock_read) for t in given] == [(0.5, 1, 1, None), (None, 1, 1, 0.3)]


@pytest.fixture
async def _quiet_loop() -> AsyncIterator[None]:
    """Fail the test if the event loop has something to complain about."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    yield
    assert complaints == []


@pytest.mark.usefixtures("_quiet_loop")
async def test_cancelling_a_request_or_a_watch_is_clean(rude: RudeServer, transport: Transport) -> None:
    """At shut-down what is under way ends at once, without a word."""
    rude.script.extend([hang, stream(b"{}\n", then=hang)])
    for coroutine in (transport.send(GET), lines_of(transport, silence_limit_s=5)):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(coroutine, 0.1)
