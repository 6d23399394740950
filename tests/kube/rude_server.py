"""An HTTP server that misbehaves on purpose: it tears, hangs, resets and lies, byte by byte as a test says.

Each request is answered by the next step of `script`; when that is used up, the server hangs without a word.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.talks import talking


@dataclass(slots=True)
class Asked:
    """One request, and the raw means to answer it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write raw bytes now."""
        self.writer.write(data)
        await self.writer.drain()

    async def start(self, status: int = 200, **headers: str) -> None:
        """Status line and headers of an answer that ends when the connection does."""
        lines = [f"HTTP/1.1 {status} Whatever", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        link = self.writer.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Step = Callable[[Asked], Awaitable[None]]


@dataclass(slots=True)
class RudeServer:
    """`script` is consumed from the left; `asked` keeps every request."""

    port: int = 0
    script: deque[Step] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        """Of each request so far: its verb as the API has it, with the token or position it came with."""
        return [_short(asked) for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader, writer)
            self.asked.append(asked)
            step = self.script.popleft() if self.script else hang
            await step(asked)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left first
        finally:
            writer.close()


@asynccontextmanager
async def rude_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[RudeServer]:
    """A server on a free loopback port; hanging answers are cut when the block ends."""
    rude = RudeServer()
    async with talking(rude.serve, limit=2**20, tls=tls) as rude.port:
        yield rude


async def hang(asked: Asked) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def reset(asked: Asked) -> None:
    """Cut the connection instead of answering."""
    asked.reset()


def reply(status: int, body: Any = b"", **headers: str) -> Step:
    """A whole answer; `body` is bytes, or data to be sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def step(asked: Asked) -> None:
        await asked.start(status, Content_Length=str(len(data)), **headers)
        await asked.send(data)

    return step


async def cut(asked: Asked) -> None:
    """Close the connection in the middle of whatever is being sent."""
    raise ConnectionAbortedError


def stream(*pieces: bytes, then: Step | None = None) -> Step:
    """A watch, chunked as a real server sends it: one piece after another, then `then`, then its proper end."""

    async def step(asked: Asked) -> None:
        await asked.start(200, Transfer_Encoding="chunked")
        for piece in pieces:
            await asked.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(0)
        if then is not None:
            await then(asked)
        await asked.send(b"0\r\n\r\n")

    return step


def page(*items: dict[str, Any], version: str = "10", more: str = "") -> Step:
    """One page of a list."""
    return reply(
        200, {"kind": "List", "metadata": {"resourceVersion": version, "continue": more}, "items": list(items)}
    )


def status(code: int, message: str = "", reason: str = "", **details: Any) -> dict[str, Any]:
    """A Status object."""
    return {"kind": "Status", "code": code, "message": message, "reason": reason, "details": details}


def config_map(name: str, version: int, *, value: str = "", uid: str = "") -> dict[str, Any]:
    """A small object."""
    metadata = {"name": name, "namespace": "default", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "data": {"value": value}}


def event(kind: str, subject: dict[str, Any]) -> bytes:
    """One line of a watch."""
    return json.dumps({"type": kind, "object": subject}).encode() + b"\n"


def bookmark(version: int) -> bytes:
    """A line that moves the position and nothing else."""
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    split = urlsplit(target)
    return Asked(method, split.path, dict(parse_qsl(split.query)), headers, body, writer)


def _short(asked: Asked) -> str:
    if "watch" in asked.query:
        return f"watch {asked.query['resourceVersion']}"
    return f"list {asked.query['continue']}" if "continue" in asked.query else "list"
