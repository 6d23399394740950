"""The HTTP adapter of webhooks: what is on the wire, and the ways in which HTTP itself fails."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from rollouts.core.measurement import Accepted, Refused, Unreachable
from rollouts.hooks.http import HttpHooks
from rollouts.ports import HookRequest
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.hooks import verify
from tests.certificate import self_signed
from tests.contract.hook_receivers import LOOPBACK, LeapingClock
from tests.kube.rude_server import Asked, RudeServer, cut, reply, reset, rude_server

PAYLOAD = {"name": "app", "namespace": "shop", "metadata": {"ü": "a\nb"}}
KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def clock() -> LeapingClock:
    """On which pauses take no time."""
    return LeapingClock()


@pytest.fixture
async def hooks(clock: LeapingClock) -> AsyncIterator[HttpHooks]:
    """The adapter."""
    made = HttpHooks(clock, Random(1), LOOPBACK)
    yield made
    await made.aclose()


@pytest.fixture
async def receiver() -> AsyncIterator[RudeServer]:
    """What it calls."""
    async with rude_server() as server:
        yield server


def to(receiver: RudeServer, path: str = "/hook?a=b%2Fc") -> HookRequest:
    """A call of it."""
    return HookRequest(f"{receiver.url}{path}", PAYLOAD, timeout_s=2.0)


async def raw(asked: Asked, *pieces: bytes) -> None:
    """Bytes instead of an answer, and the end of the connection."""
    for piece in pieces:
        await asked.send(piece)


async def test_the_payload_is_posted_as_json(hooks: HttpHooks, receiver: RudeServer) -> None:
    """To the path and query as written, and without the headers that were not asked for."""
    receiver.script.append(reply(200))
    assert await hooks.call(to(receiver)) == Accepted()
    (asked,) = receiver.asked
    assert (asked.method, asked.path, asked.query) == ("POST", "/hook", {"a": "b/c"})
    assert json.loads(asked.body) == PAYLOAD
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"].startswith("rollouts/")
    assert (asked.headers["accept-encoding"], asked.headers["connection"]) == ("identity", "close")
    assert not {"webhook-id", "webhook-signature", "idempotency-key", "cookie", "authorization"} & asked.headers.keys()


async def test_headers_arrive_and_are_logged_nowhere(
    hooks: HttpHooks,
    receiver: RudeServer,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A user's header stands before a default of ours in any case; no output has a value or the URL's secrets."""
    caplog.set_level(logging.DEBUG)
    receiver.script.extend([reply(500), reset, reply(403, b"no")])
    url = f"http://ann:hunter3@127.0.0.1:{receiver.port}/?token=hunter4"
    request = replace(to(receiver), url=url, headers={"X-Key": "hunter2", "user-agent": "me"}, retries=2)
    outcome = await hooks.call(request)
    assert outcome == Refused("HTTP 403: no")
    assert {asked.headers["x-key"] for asked in receiver.asked} == {"hunter2"}
    assert {asked.headers["user-agent"] for asked in receiver.asked} == {"me"}
    assert {asked.headers["authorization"] for asked in receiver.asked} == {"Basic YW5uOmh1bnRlcjM="}
    written = capfd.readouterr()
    assert "hunter" not in caplog.text + written.out + written.err + repr(request) + repr(hooks)


async def test_a_signature_verifies(hooks: HttpHooks, receiver: RudeServer, clock: LeapingClock) -> None:
    """Each attempt is signed for its own time, and all bear one id; another call bears another."""
    receiver.script.extend([reply(500), reply(200), reply(200)])
    request = replace(to(receiver), signing_key=KEY, retries=1)
    before = clock.now()
    await hooks.call(request)
    first, second = receiver.asked
    assert verify(first.headers, first.body, KEY, before)
    assert verify(second.headers, second.body, KEY, clock.now())
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert not verify(first.headers, first.body + b" ", KEY, before)
    assert not verify(first.headers, first.body, KEY[1:], before)
    assert not verify(first.headers, first.body, KEY, before + timedelta(minutes=6))
    assert not verify({}, first.body, KEY, before)
    await hooks.call(request)
    assert receiver.asked[2].headers["webhook-id"] != first.headers["webhook-id"]


async def test_a_delivery_with_an_id_is_known_by_it(hooks: HttpHooks, receiver: RudeServer) -> None:
    """In the payload, in Idempotency-Key and in the signature: the same on each attempt and in each process."""
    receiver.script.extend([reply(503), reply(200)])
    request = replace(to(receiver), payload={**PAYLOAD, "id": "app-7"}, signing_key=KEY, retries=1)
    await hooks.call(request)
    assert [asked.headers["idempotency-key"] for asked in receiver.asked] == ["app-7", "app-7"]
    assert [asked.headers["webhook-id"] for asked in receiver.asked] == ["app-7", "app-7"]
    assert [json.loads(asked.body)["id"] for asked in receiver.asked] == ["app-7", "app-7"]


async def test_a_redirect_is_not_followed(hooks: HttpHooks, receiver: RudeServer) -> None:
    """And where it leads is not told: that may hold secrets of the receiver."""
    receiver.script.extend([reply(302, Location="/elsewhere?hunter2"), reply(200)])
    outcome = await hooks.call(replace(to(receiver), retries=2))
    assert isinstance(outcome, Refused)
    assert "hunter2" not in outcome.reason
    assert len(receiver.asked) == 1


async def test_nothing_is_kept_for_the_next(hooks: HttpHooks, receiver: RudeServer) -> None:
    """No cookie of one receiver's answer goes to it again."""
    receiver.script.extend([reply(200, Set_Cookie="a=b"), reply(200)])
    await hooks.call(to(receiver))
    await hooks.call(to(receiver))
    assert "cookie" not in receiver.asked[1].headers


async def test_the_environment_plays_no_part(
    hooks: HttpHooks, receiver: RudeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a proxy nor a password in .netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    receiver.script.append(reply(200))
    assert await hooks.call(to(receiver)) == Accepted()
    assert "authorization" not in receiver.asked[0].headers


async def test_a_refused_connection_is_unreachable(hooks: HttpHooks, clock: LeapingClock) -> None:
    """After the retries; the reason names the host and nothing else of the URL."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        url = f"http://ann:hunter2@127.0.0.1:{port}/hunter2?hunter2"
        outcome = await hooks.call(HookRequest(url, PAYLOAD, retries=2))
    assert outcome == Unreachable(f"http://127.0.0.1:{port}: no connection: Connection refused")
    assert len(clock.slept_s) == 2


async def test_a_name_that_nobody_knows_is_unreachable(hooks: HttpHooks) -> None:
    """The domain .invalid never exists."""
    outcome = await hooks.call(HookRequest("https://hook.invalid/", PAYLOAD))
    assert isinstance(outcome, Unreachable)
    assert outcome.reason.startswith("https://hook.invalid: ")


@pytest.mark.parametrize(
    "request_",
    [
        HookRequest("http://host:99999/", PAYLOAD),
        HookRequest("http://[::1/", PAYLOAD),
        HookRequest("http://#", PAYLOAD),
        HookRequest(f"http://{'a' * 70}.test/", PAYLOAD),
        HookRequest("http://ann:hunter2@127.0.0.1:9/", PAYLOAD, headers={"Authorization": "Bearer hunter2"}),
    ],
    ids=["port", "address", "no host", "long label", "two authorizations"],
)
async def test_what_can_not_be_sent_is_told_at_once(
    hooks: HttpHooks, clock: LeapingClock, request_: HookRequest
) -> None:
    """Trying again would be in vain."""
    outcome = await hooks.call(replace(request_, retries=5))
    assert isinstance(outcome, Unreachable)
    assert "hunter2" not in outcome.reason
    assert clock.slept_s == []


async def test_a_header_of_two_lines_is_not_sent(hooks: HttpHooks, receiver: RudeServer, clock: LeapingClock) -> None:
    """A value can't smuggle another header in, nor is it told."""
    outcome = await hooks.call(replace(to(receiver), headers={"X-Key": "a\r\nhunter2: b"}, retries=5))
    assert isinstance(outcome, Unreachable)
    assert "hunter2" not in outcome.reason
    assert (receiver.asked, clock.slept_s) == ([], [])


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((), "the connection was closed without an answer"),
        ((b"HTTP/1.1 20",), "the connection was closed without an answer"),
        ((b"HTTP/1.1 200 OK\r\nContent-Le",), "the connection was closed without an answer"),
        ((b"220 smtp.test ready\r\n\r\n",), "the answer is no HTTP"),
        ((b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",), "the answer is no HTTP"),
    ],
    ids=["nothing", "half a status", "half a header", "another protocol", "endless header"],
)
async def test_a_torn_answer_is_none(
    hooks: HttpHooks, receiver: RudeServer, pieces: tuple[bytes, ...], reason: str
) -> None:
    """Without a whole head nobody has consented."""
    receiver.script.append(lambda asked: raw(asked, *pieces))
    assert await hooks.call(to(receiver)) == Unreachable(f"{receiver.url}: {reason}")


async def test_a_reset_is_no_answer(hooks: HttpHooks, receiver: RudeServer) -> None:
    """And may be tried again."""
    receiver.script.extend([reset, cut, reply(200)])
    assert await hooks.call(replace(to(receiver), retries=2)) == Accepted()


async def test_a_torn_body_leaves_what_the_status_said(hooks: HttpHooks, receiver: RudeServer) -> None:
    """The body is only for people."""
    receiver.script.append(lambda asked: raw(asked, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"))
    assert await hooks.call(to(receiver)) == Accepted("ok")


async def test_a_body_that_is_never_complete_is_not_waited_for(hooks: HttpHooks, receiver: RudeServer) -> None:
    """The time-out is for the whole attempt, and the status was there within it."""

    async def dawdle(asked: Asked) -> None:
        await raw(asked, b"HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno")
        await asyncio.Event().wait()

    receiver.script.append(dawdle)
    started = time.monotonic()
    assert await hooks.call(replace(to(receiver), timeout_s=0.2)) == Refused("HTTP 403: no")
    assert time.monotonic() - started < 5


async def test_what_is_packed_stays_packed(hooks: HttpHooks, receiver: RudeServer) -> None:
    """A small answer can't grow to fill the memory."""
    receiver.script.append(reply(400, gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip"))
    outcome = await hooks.call(to(receiver))
    assert isinstance(outcome, Refused)
    assert "xxx" not in outcome.reason


async def test_an_endless_body_is_read_in_part(hooks: HttpHooks, receiver: RudeServer) -> None:
    """Its beginning is enough, and the sender notices that nobody listens."""
    sent = 0

    async def pour(asked: Asked) -> None:
        nonlocal sent
        await asked.start(400)
        while True:
            await asked.send(b"x" * 100_000)
            sent += 1

    receiver.script.append(pour)
    outcome = await hooks.call(replace(to(receiver), timeout_s=30.0))
    assert outcome == Refused(f"HTTP 400: {'x' * 245}…")
    assert sent < 500


@pytest.fixture(scope="session")
def untrusted(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """With a certificate for 127.0.0.1 that nobody trusts."""
    return self_signed(tmp_path_factory.mktemp("tls"))[0]


@pytest.mark.parametrize("disable_tls", [True, False])
async def test_a_certificate_is_verified_unless_the_user_says_no(
    hooks: HttpHooks, untrusted: ssl.SSLContext, *, disable_tls: bool
) -> None:
    """A receiver that is not trusted is sent nothing, not even the headers."""
    async with rude_server(untrusted) as receiver:
        receiver.script.append(reply(200))
        url = f"https://127.0.0.1:{receiver.port}"
        outcome = await hooks.call(HookRequest(f"{url}/", PAYLOAD, timeout_s=5.0, verify_tls=not disable_tls))
        calls = len(receiver.asked)
    if disable_tls:
        assert (outcome, calls) == (Accepted(), 1)
    else:
        assert isinstance(outcome, Unreachable)
        assert outcome.reason.startswith(f"{url}: TLS: self")  # how openssl goes on depends on its version
        assert calls == 0


async def test_a_receiver_without_tls_is_unreachable_over_https(hooks: HttpHooks) -> None:
    """TLS that cannot be established says so."""

    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        outcome = await hooks.call(HookRequest(url, PAYLOAD, timeout_s=5.0))
    assert isinstance(outcome, Unreachable)
    assert outcome.reason.startswith(f"{url}: TLS: ")


async def test_after_closing_nobody_is_called(hooks: HttpHooks, receiver: RudeServer, clock: LeapingClock) -> None:
    """Later calls are told so at once."""
    await hooks.aclose()
    outcome = await hooks.call(replace(to(receiver), retries=3))
    assert outcome == Unreachable(f"{receiver.url}: the controller is stopping")
    assert (receiver.asked, clock.slept_s) == ([], [])


REACH: dict[str, tuple[ReachPolicy, str, str]] = {
    "loopback": (ReachPolicy(), "127.0.0.1", "loopback (the controller's own)"),
    "a name of it": (ReachPolicy(), "localhost", "loopback (the controller's own)"),
    "dressed as IPv6": (ReachPolicy(), "[::ffff:127.0.0.1]", "loopback (the controller's own)"),
    "denied": (ReachPolicy(("127.0.0.0/8",), ("127.0.0.1",)), "127.0.0.1", "the operator's ROLLOUTS_REACH_DENY has it"),
    "a denied name": (ReachPolicy(("127.0.0.0/8", "::1"), ("localhost",)), "localhost", "ROLLOUTS_REACH_DENY has it"),
}


@pytest.mark.parametrize(("policy", "host", "why"), REACH.values(), ids=REACH.keys())
async def test_no_receiver_is_called_that_the_policy_keeps_out(
    clock: LeapingClock, receiver: RudeServer, policy: ReachPolicy, host: str, why: str
) -> None:
    """Not one byte is sent, nothing is tried again, and the reason names what an operator can do."""
    hooks = HttpHooks(clock, Random(1), policy)
    outcome = await hooks.call(HookRequest(f"http://{host}:{receiver.port}/hunter2", PAYLOAD, retries=3))

    assert isinstance(outcome, Unreachable)
    assert why in outcome.reason
    assert "hunter2" not in outcome.reason
    assert (receiver.asked, clock.slept_s) == ([], [])


async def test_the_metadata_of_a_cloud_is_not_called(clock: LeapingClock) -> None:
    """By default, as for templates and messages."""
    outcome = await HttpHooks(clock, Random(1), ReachPolicy()).call(
        HookRequest("http://169.254.169.254/latest/meta-data/", PAYLOAD, timeout_s=1.0)
    )

    assert outcome == Unreachable(
        "http://169.254.169.254: the address may not be called: it is link-local (clouds keep their metadata there); "
        "an operator can allow it by ROLLOUTS_REACH_ALLOW"
    )


async def test_a_receiver_that_is_allowed_by_name(clock: LeapingClock, receiver: RudeServer) -> None:
    """The operator's entry goes before the built-in ones."""
    receiver.script.append(reply(200))
    hooks = HttpHooks(clock, Random(1), ReachPolicy(("localhost",), ("0.0.0.0/0", "::/0")))

    assert await hooks.call(HookRequest(f"http://localhost:{receiver.port}/", PAYLOAD)) == Accepted()
