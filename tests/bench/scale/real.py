"""The program as a process of its own, and what the kernel says of it; and the Prometheus that it asks, over HTTP."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession, web

from tests.app.test_controller import entries, environment
from tests.promql.played import PlayedPrometheus

READY_WITHIN_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def answering(prometheus: PlayedPrometheus) -> AsyncIterator[str]:
    """Prometheus's own way to be asked, on a port of loopback; the URL."""

    async def query(request: web.Request) -> web.Response:
        told = {**request.query, **await request.post()}
        at = datetime.fromtimestamp(float(str(told["time"])), UTC)
        status, body = prometheus.answered(str(told["query"]), at)
        return web.Response(status=status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/api/v1/query", query)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True)
class Program:
    """One process of the controller's."""

    process: Process
    ready_s: float
    """From its start until it said that it is ready, in seconds."""

    @property
    def cpu_s(self) -> float:
        """Of all cores so far, user and system."""
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory_bytes(self) -> int:
        """What it has in memory now."""
        return self._status("VmRSS")

    @property
    def peak_bytes(self) -> int:
        """The most that it ever had."""
        return self._status("VmHWM")

    async def end(self) -> None:
        """In good order, as a rolling update does it."""
        self.process.terminate()
        await self.process.wait()

    def _status(self, name: str) -> int:
        line = next(line for line in self._read("status").splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024

    def _read(self, file: str) -> str:
        return Path(f"/proc/{self.process.pid}/{file}").read_text(encoding="utf-8")


@asynccontextmanager
async def started(log: Path, kubeconfig: Path, prometheus: str) -> AsyncIterator[Program]:
    """The program with its shipped settings, ready; asked to end at the end."""
    settings = {
        "kubeconfig": kubeconfig, "metrics_server": prometheus, "listen": "127.0.0.1:0", "identity": "bench",
    }  # fmt: skip
    began_s = time.monotonic()
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "rollouts", "controller", env=environment(**settings), stderr=sink
        )
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await _ready(log)
        yield Program(process, time.monotonic() - began_s)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _ready(log: Path) -> None:
    """Wait until it says so at its port."""
    while not (told := entries(log, "listening")):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    async with ClientSession(f"http://127.0.0.1:{told[0]['port']}") as session:
        while True:
            try:
                async with session.get("/readyz") as answer:
                    if answer.status == 200:
                        return
            except ClientConnectionError:
                pass
            await asyncio.sleep(0.02)
