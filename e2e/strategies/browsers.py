"""Browsers: clients that keep cookies, each asking now and then. What they got is kept, request by request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

BROWSERS = 20
_PAUSE_S = 0.25


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of one browser."""

    browser: int
    sent_at_s: float
    status: int
    workload: str
    carried: bool
    """Whether the browser sent the cookie."""
    kept: bool
    """Whether it has the cookie after the answer."""


@asynccontextmanager
async def browsing(url: str, cookie: str) -> AsyncIterator[list[Visit]]:
    """All browsers ask until the block is left."""
    visits: list[Visit] = []
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(_browse(number, url, cookie, visits)) for number in range(BROWSERS)]
        try:
            yield visits
        finally:
            for task in asking:
                task.cancel()


async def _browse(number: int, url: str, cookie: str, visits: list[Visit]) -> None:
    # `unsafe`: the gateway has an address and no name here.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=10)) as session:
        await asyncio.sleep(_PAUSE_S * number / BROWSERS)
        while True:
            carried, sent_at_s = _has(jar, cookie), time.time()
            async with session.get(url) as answer:
                await answer.read()
                workload = answer.headers.get("x-workload", "")
                visits.append(Visit(number, sent_at_s, answer.status, workload, carried, _has(jar, cookie)))
            await asyncio.sleep(_PAUSE_S)


def _has(jar: aiohttp.CookieJar, cookie: str) -> bool:
    return any(morsel.key == cookie and morsel.value for morsel in jar)
