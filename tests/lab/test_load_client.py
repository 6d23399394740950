"""The load client against servers on loopback, good and bad ones."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from e2e.lab.load import LoadClient
from e2e.lab.load.aggregate import Answerer
from e2e.lab.load.target import Target
from e2e.lab.workload.behaviour import Behaviour, Latency
from e2e.lab.workload.played_pod import PlayedPod
from e2e.lab.workload.views import read_pod
from tests.lab.waiting import own_address, until

OK = b"HTTP/1.1 200 OK\r\nx-version: 1\r\ncontent-length: 2\r\n\r\nok"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _playing(behaviour: Behaviour) -> AsyncIterator[tuple[PlayedPod, str]]:
    address = own_address()
    meta = {"uid": "u", "namespace": "default", "name": "shop"}
    played = PlayedPod(read_pod({"metadata": meta, "status": {"podIP": address}}), behaviour)
    played.listen()
    try:
        yield played, f"http://{address}:8080/"
    finally:
        played.kill()


@asynccontextmanager
async def _talking(talk: Talk) -> AsyncIterator[str]:
    """A server that talks as told on each connection; its URL."""
    address = own_address()
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(served, address, 8080)
    try:
        yield f"http://{address}:8080/"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """One request's head, empty at the connection's end."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


async def test_the_rate_is_held_and_each_request_recorded() -> None:
    """For so many seconds so many requests go out evenly, and each has a record of who answered."""
    async with _playing(Behaviour(version="7")) as (played, url), LoadClient(url, rate_per_s=200) as load:
        load.start(1.0)
        await load.finish()
        assert len(load.records) == load.sent == played.meter.by_service[""][200].count == 200
        due = sorted(record.done_at_s - record.latency_ms / 1000 for record in load.records)
        assert [at - due[0] for at in due] == pytest.approx([number / 200 for number in range(200)], abs=1e-4)
        assert {(item.version, item.workload, item.pod, item.error) for item in load.records} == {
            ("7", "shop", "shop", ""),
        }
        assert load.last_seconds(60)[Answerer("7", "shop")].requests == 200


async def test_a_slow_server_does_not_slow_the_sender() -> None:
    """The loop is open: requests go out on their grid while earlier ones are still waiting."""
    async with _playing(Behaviour(latency=Latency(1.0))) as (_, url), LoadClient(url, rate_per_s=200) as load:
        load.start(0.3)
        await load.finish()
        assert len(load.records) == 60
        assert max(item.sent_at_s for item in load.records) < min(item.done_at_s for item in load.records)


async def test_waiting_for_a_connection_counts_as_latency() -> None:
    """With one connection and 50 ms an answer, ten requests a moment apart queue, and their latencies say so."""
    async with (
        _playing(Behaviour(latency=Latency(0.05))) as (_, url),
        LoadClient(url, rate_per_s=1000, connections_max=1) as load,
    ):
        load.start(0.01)
        await load.finish()
        latencies = sorted(record.latency_ms for record in load.records)
        assert len(latencies) == 10
        assert latencies[-1] >= 10 * 50 - 10
        assert all(later - earlier > 30 for earlier, later in pairwise(latencies))


async def test_errors_are_told_apart_by_a_word() -> None:
    """Refused when nobody listens; nothing is tried again."""
    async with LoadClient(f"http://{own_address()}:8080/", rate_per_s=100) as load:
        load.start(0.05)
        await load.finish()
        assert [(item.status, item.error, item.failed) for item in load.records] == [(0, "refused", True)] * 5


async def test_a_missing_answer_times_out() -> None:
    """After the timeout the request fails and its connection is not used again."""
    async with (
        _playing(Behaviour(latency=Latency(60.0))) as (_, url),
        LoadClient(url, rate_per_s=100, timeout_s=0.2) as load,
    ):
        load.start(0.02)
        await load.finish()
        assert [item.error for item in load.records] == ["timeout", "timeout"]
        assert all(200 <= item.latency_ms < 2000 for item in load.records)


async def test_a_reset_on_a_fresh_connection_is_an_error() -> None:
    """A connection that dies before its first answer is the server's failure: not sent again."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.transport.abort()

    async with _talking(talk) as url, LoadClient(url, rate_per_s=100) as load:
        load.start(0.03)
        await load.finish()
        assert {(item.error, item.resent) for item in load.records} <= {("closed", False), ("reset", False)}
        assert len(load.records) == 3


async def test_a_server_that_says_close_is_taken_at_its_word() -> None:
    """Connection: close ends a connection without an error and without a second try."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        writer.close()

    async with _talking(talk) as url, LoadClient(url, rate_per_s=200) as load:
        load.start(0.2)
        await load.finish()
        assert {(item.status, item.resent) for item in load.records} == {(200, False)}
        assert len(load.records) == 40


async def test_an_idle_connection_may_be_closed() -> None:
    """A server that closes between requests costs the client nothing."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with _talking(talk) as url, LoadClient(url, rate_per_s=20) as load:
        load.start(0.3)
        await load.finish()
        assert [(item.status, item.resent) for item in load.records] == [(200, False)] * 6


async def test_a_kept_connection_closed_under_a_request_is_resent_once_and_said() -> None:
    """The race of keep-alive: no byte of an answer had come, so it goes out again on a fresh connection."""
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await _head(reader)
            writer.write(OK)
            await _head(reader)
            writer.close()
            return
        while await _head(reader):
            writer.write(OK)

    async with _talking(talk) as url, LoadClient(url, rate_per_s=20) as load:
        load.start(0.2)
        await load.finish()
        assert [(item.status, item.resent) for item in load.records] == [
            (200, False),
            (200, True),
            (200, False),
            (200, False),
        ]


async def test_an_answer_torn_in_the_middle_is_never_resent() -> None:
    """Once a byte of an answer has come the request was served in part: an error."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(OK)
        await _head(reader)
        writer.write(OK[:20])
        writer.close()

    async with _talking(talk) as url, LoadClient(url, rate_per_s=20) as load:
        load.start(0.1)
        await load.finish()
        assert [(item.status, item.error, item.resent) for item in load.records] == [
            (200, "", False),
            (0, "closed", False),
        ]


async def test_headers_follow_the_request() -> None:
    """A function of the request's number sets its headers."""
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            seen.append(head)
            writer.write(OK)

    async with (
        _talking(talk) as url,
        LoadClient(url, rate_per_s=50, headers=lambda number: {"host": "shop", "x-user": str(number)}) as load,
    ):
        load.start(0.06)
        await load.finish()
        assert sorted(head.split(b"x-user: ")[1].strip() for head in seen) == [b"0", b"1", b"2"]
        assert all(b"\r\nhost: shop\r\n" in head for head in seen)


async def test_stop_waits_for_what_is_under_way() -> None:
    """After stop every request that was sent has a record, and it may be started again."""
    async with _playing(Behaviour(latency=Latency(0.1))) as (_, url), LoadClient(url, rate_per_s=500) as load:
        for _ in range(2):
            before = load.sent
            load.start()
            await until(lambda: load.sent >= before + 20, what="twenty requests are sent")  # noqa: B023 - same turn
            await load.stop()
            assert len(load.records) == load.sent
        assert not any(item.failed for item in load.records)


async def test_leaving_cancels_what_is_under_way() -> None:
    """Nothing is lost from the records when the client is left in a hurry."""
    async with _playing(Behaviour(latency=Latency(60.0))) as (_, url):
        async with LoadClient(url, rate_per_s=500) as load:
            load.start()
            await until(lambda: load.sent >= 5, what="five requests are sent")
        assert len(load.records) == load.sent
        assert {item.error for item in load.records} == {"cancelled"}


async def test_a_rate_must_be_positive() -> None:
    """A rate of 0 is refused at once."""
    with pytest.raises(ValueError, match="rate"):
        LoadClient("http://127.0.0.1/", rate_per_s=0)


async def test_the_command_line_reports_and_writes_records(tmp_path: Path) -> None:
    """It prints a table, writes a record a line, and its exit status says whether all went well."""
    out = tmp_path / "records.jsonl"
    async with _playing(Behaviour(version="3")) as (_, url):
        args = [*("--url", url), *("--rate", "50"), *("--duration", "0.4"), *("--header", "a=b"), *("--out", str(out))]
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "e2e.lab.load"), *args, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await program.communicate()
    assert program.returncode == 0
    assert printed.decode().splitlines()[-1].split()[:4] == ["all", "-", "-", "20"]
    records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {record["version"] for record in records} == {"3"}
    assert len(records) == 20


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Signed by itself, with its key beside it."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lab"]
    command = ["openssl", "req", "-x509", *kind, "-keyout", str(key), "-out", str(certificate)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return certificate


async def test_each_request_may_have_a_tls_connection_of_its_own(certificate: Path) -> None:
    """A pod speaks TLS on the port that says so and on no other; the client trusts an authority, and names a host."""
    address, names = own_address(), list[str | None]()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    ports = [{"containerPort": port} for port in (8080, 8443)]
    pod = {"metadata": {"uid": "u", "namespace": "default", "name": "shop"}, "spec": {"containers": [{"ports": ports}]}}
    played = PlayedPod(read_pod(pod | {"status": {"podIP": address}}), Behaviour(tls_port=8443), tls)
    played.listen()
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.check_hostname = False
    over_tls = [Target(address, port, "shop.example", "/", trusting, "shop.example") for port in (8443, 8080)]
    try:
        async with (
            LoadClient(over_tls[0], rate_per_s=50, headers={"connection": "close"}) as good,
            LoadClient(over_tls[1], rate_per_s=50, headers={"connection": "close"}) as bad,
            LoadClient(f"http://{address}:8080/", rate_per_s=50) as plain,
        ):
            for load in (good, bad, plain):
                load.start(duration_s=0.2)
            for load in (good, bad, plain):
                await load.finish()
    finally:
        played.kill()
    assert [record.status for record in good.records] == [200] * 10
    assert names == ["shop.example"] * 10
    assert all(record.failed for record in bad.records)
    assert [record.status for record in plain.records] == [200] * 10
