"""Clients who keep a TCP connection: each asks on it again and again, and notes who answers and whether it ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from e2e.lab.load.http1 import ResponseReader
from e2e.lab.load.target import read_target
from e2e.lab.mesh import GATEWAY_TCP_URL

COUNT = 5
_EVERY_S = 0.5
_REQUEST = b"GET / HTTP/1.1\r\nhost: queue\r\n\r\n"
_READ = 65_536


@dataclass(slots=True)
class Held:
    """One connection. Times are seconds since the epoch."""

    workloads: set[str] = field(default_factory=set)
    """Who answered on it."""
    answers: int = 0
    ended_at_s: float | None = None
    """When it was ended by the other side; None if it never was."""


@asynccontextmanager
async def holding() -> AsyncIterator[list[Held]]:
    """Within the block, so many connections that were opened before it."""
    held, tasks = [Held() for _ in range(COUNT)], []
    target = read_target(GATEWAY_TCP_URL)
    try:
        async with asyncio.TaskGroup() as group:
            for one in held:
                reader, writer = await asyncio.open_connection(target.address, target.port)
                tasks.append(group.create_task(_ask(one, reader, writer)))
            yield held
            for task in tasks:
                task.cancel()
    finally:
        for task in tasks:
            task.cancel()


async def _ask(held: Held, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer):
        while await _asked_once(held, reader, writer):  # noqa: ASYNC110 - at the pace of its requests
            await asyncio.sleep(_EVERY_S)
        held.ended_at_s = time.time()


async def _asked_once(held: Held, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether there was an answer."""
    answer, found = ResponseReader(), None
    try:
        writer.write(_REQUEST)
        while found is None:
            data = await reader.read(_READ)
            if not data:
                return False
            found = answer.feed(data)
    except ConnectionError:
        return False
    held.answers += 1
    held.workloads.add(found.headers.get(b"x-workload", b"").decode())
    return True
