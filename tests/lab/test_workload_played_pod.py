"""A played pod, seen from its clients through real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from e2e.lab.workload.behaviour import Behaviour, Latency
from e2e.lab.workload.played_pod import PlayedPod
from e2e.lab.workload.views import read_pod
from tests.lab.waiting import own_address, until

PORT = 8080
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def _pod(address: str, **meta: Any) -> dict[str, Any]:
    owner = {"kind": "ReplicaSet", "name": "shop-abc", "controller": True}
    labels = {"app": "shop", "pod-template-hash": "abc"}
    base = {"uid": address, "namespace": "default", "name": "shop-abc-1", "labels": labels, "ownerReferences": [owner]}
    containers = [{"name": "app", "ports": [{"containerPort": PORT}]}]
    return {
        "metadata": base | meta,
        "spec": {"containers": containers},
        "status": {"phase": "Running", "podIP": address},
    }


@asynccontextmanager
async def _playing(behaviour: Behaviour) -> AsyncIterator[PlayedPod]:
    played = PlayedPod(read_pod(_pod(own_address())), behaviour)
    played.listen()
    try:
        yield played
    finally:
        played.kill()


@asynccontextmanager
async def _client(played: PlayedPod) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(played.pod.address, PORT)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(10):
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        body = await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers, body


async def test_an_answer_says_who_gave_it() -> None:
    """Version, pod and workload stand in headers, and the connection is kept."""
    async with _playing(Behaviour(version="2")) as played, _client(played) as (reader, writer):
        for _ in range(2):
            writer.write(GET)
            status, headers, body = await _answer(reader)
            assert status == 200
            assert (headers["x-version"], headers["x-pod"], headers["x-workload"]) == ("2", "shop-abc-1", "shop")
            assert body == b"shop 2 shop-abc-1\n"
            assert "connection" not in headers


async def test_pipelined_requests_are_all_answered_and_counted() -> None:
    """Three requests in one packet, one with a body, get three answers, each after its delay."""
    post = b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody"
    behaviour = Behaviour(latency=Latency(0.02))
    async with _playing(behaviour) as played, _client(played) as (reader, writer):
        writer.write(GET + post + GET)
        assert [(await _answer(reader))[0] for _ in range(3)] == [200, 200, 200]
        series = played.meter.by_service[""][200]
        assert series.count == 3
        # The second waited for the first, the third for both: 20 + 40 + 60 ms at least.
        assert series.sum_ms >= 119


async def test_a_head_request_gets_no_body() -> None:
    """HEAD is answered with the same headers alone, so that the next answer stays in step."""
    async with _playing(Behaviour()) as played, _client(played) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n" + GET)
        async with asyncio.timeout(10):
            assert b"content-length: " in await reader.readuntil(b"\r\n\r\n")
        assert (await _answer(reader))[0] == 200


async def test_errors_and_delays_repeat_with_the_pods_name() -> None:
    """Two pods of one name draw the same fates in the same order."""
    fates = []
    for _ in range(2):
        async with _playing(Behaviour(error_ratio=0.5)) as played, _client(played) as (reader, writer):
            writer.write(GET * 40)
            fates.append([(await _answer(reader))[0] for _ in range(40)])
    assert fates[0] == fates[1]
    assert set(fates[0]) == {200, 500}


async def test_a_terminating_pod_answers_and_sends_its_clients_away() -> None:
    """It still accepts and answers, with Connection: close, and closes."""
    async with _playing(Behaviour()) as played:
        played.pod = read_pod(_pod(played.pod.address, deletionTimestamp="2026-01-01T00:00:00Z"))
        async with _client(played) as (reader, writer):
            writer.write(GET)
            status, headers, _ = await _answer(reader)
            assert (status, headers["connection"]) == (200, "close")
            assert await reader.read() == b""


async def test_a_killed_pod_refuses() -> None:
    """Once it is gone its port refuses, as a host without a listener does."""
    async with _playing(Behaviour()) as played:
        async with _client(played):
            pass
        played.kill()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(played.pod.address, PORT)


async def test_a_killed_pod_closes_idle_connections_cleanly() -> None:
    """A client that keeps a connection sees its end, not a reset."""
    async with _playing(Behaviour()) as played, _client(played) as (reader, writer):
        writer.write(GET)
        await _answer(reader)
        played.kill()
        assert await reader.read() == b""


async def test_a_killed_pod_resets_what_it_was_answering() -> None:
    """A request in flight is lost as with a killed container."""
    async with _playing(Behaviour(latency=Latency(60.0))) as played, _client(played) as (reader, writer):
        writer.write(GET)
        await until(lambda: any(item._busy for item in played._connections), what="the request has arrived")
        played.kill()
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_nonsense_is_answered_with_400() -> None:
    """Bytes that are no HTTP get a 400 and the end of the connection, and count nowhere."""
    async with _playing(Behaviour()) as played, _client(played) as (reader, writer):
        writer.write(b"hello\r\n\r\n")
        assert (await _answer(reader))[0] == 400
        assert await reader.read() == b""
        assert played.meter.by_service == {"": {}}


async def test_a_port_in_use_is_reported_with_nothing_left_bound() -> None:
    """When one of a pod's ports can't be bound, listen says so and the others are free again."""
    async with _playing(Behaviour()) as played:
        pod = _pod(played.pod.address)
        pod["spec"]["containers"][0]["ports"] = [{"containerPort": 7070}, {"containerPort": PORT}]
        other = PlayedPod(read_pod(pod), Behaviour())
        with pytest.raises(OSError, match="in use"):
            other.listen()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(played.pod.address, 7070)
