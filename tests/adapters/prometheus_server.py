"""A local HTTP server that says exactly what a test wants Prometheus to say, down to silence and reset connections."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.talks import talking


@dataclass(frozen=True, slots=True)
class Canned:
    """One answer to every request. `hang` never answers, `reset` closes the connection with RST."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    hang: bool = False
    reset: bool = False
    truncate: bool = False
    """Announces one byte more than it sends, then closes."""


def success(kind: str, result: Any, **more: Any) -> Canned:
    """Prometheus's answer to a query that it could evaluate."""
    payload = {"status": "success", "data": {"resultType": kind, "result": result}} | more
    return Canned(body=json.dumps(payload).encode())


def vector(*values: str) -> Canned:
    """An instant vector with a series for each value."""
    series = [{"metric": {"pod": str(index)}, "value": [1.5, value]} for index, value in enumerate(values)]
    return success("vector", series)


def failure(status: int, kind: str, message: str, **headers: str) -> Canned:
    """Prometheus's answer to a query that it could not evaluate."""
    body = json.dumps({"status": "error", "errorType": kind, "error": message}).encode()
    return Canned(status=status, body=body, headers=tuple(headers.items()))


@dataclass(slots=True)
class PrometheusServer:
    """What the server answers, and what it was asked. `gate` holds answers back while it is not set."""

    url: str
    answer: Canned
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[dict[str, str]] = field(default_factory=list)
    """Parameters and headers (lower case) of each request, its path as `path`, its verb as `method`."""
    connections: int = 0
    arrived: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, 0))
    """Released at each request: acquire it to wait for one."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                request = _request(head)
                form = await reader.readexactly(int(request.get("content-length", 0)))
                self.requests.append(request | {name: values[-1] for name, values in parse_qs(form.decode()).items()})
                self.arrived.release()
                await self.gate.wait()
                await self._answer(writer)
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        answer = self.answer
        if answer.hang:
            await asyncio.Event().wait()
        if answer.reset:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        length = len(answer.body) + answer.truncate
        headers = [("Content-Length", str(length)), *answer.headers]
        lines = [f"HTTP/1.1 {answer.status} Canned", *(f"{name}: {value}" for name, value in headers), "", ""]
        writer.write("\r\n".join(lines).encode() + answer.body)
        await writer.drain()
        if answer.truncate:
            writer.close()


@asynccontextmanager
async def prometheus_server(answer: Canned, tls: ssl.SSLContext | None = None) -> AsyncIterator[PrometheusServer]:
    """A server on loopback; its gate is open at first."""
    server = PrometheusServer("", answer)
    server.gate.set()
    async with talking(server.serve, tls=tls) as port:
        server.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
        yield server


def _request(head: bytes) -> dict[str, str]:
    first, *lines = head.decode().rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ")
    url = urlsplit(path)
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    return (
        headers
        | {name: values[-1] for name, values in parse_qs(url.query).items()}
        | {"path": url.path, "method": method, "target": path}
    )
