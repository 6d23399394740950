"""Stands in front of the real Prometheus: passes queries on, and lies about the canary when it is told to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from e2e.analysis.lies import Lie, tell

_HOST, _PORT = "127.0.0.1", 9095
URL = f"http://{_HOST}:{_PORT}"


class Liar:
    """Truthful at first."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        """`upstream` is the real one's URL."""
        self._upstream = upstream
        self._session = session
        self._lie, self._since_s = Lie.NONE, 0.0
        self.told = 0
        """How many answers were not the true ones."""

    def lies(self, lie: Lie) -> None:
        """Tell that from now on."""
        self._lie, self._since_s = lie, time.time()

    async def answer(self, request: web.Request) -> web.Response:
        """The real answer, or what is made of it."""
        sent = await request.post() if request.method == "POST" else request.query
        url, form = f"{self._upstream}{request.path}", {name: str(value) for name, value in sent.items()}
        async with self._session.post(url, data=form) as found:
            true = await found.json(content_type=None)
            told = tell(self._lie, form.get("query", ""), true, self._since_s)
            self.told += told != true
            return web.json_response(told, status=found.status)


@asynccontextmanager
async def listening(upstream: str, host: str = _HOST) -> AsyncIterator[Liar]:
    """One that listens at URL within the block, or at another address of this machine."""
    async with aiohttp.ClientSession() as session:
        liar = Liar(upstream, session)
        application = web.Application()
        application.router.add_route("*", "/api/v1/query", liar.answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, _PORT).start()
            yield liar
        finally:
            await runner.cleanup()
