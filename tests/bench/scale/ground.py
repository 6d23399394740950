"""The cluster that is counted at: an API server in memory, its controllers, traffic along its routes, and a Prometheus.

Knows no program: virtual.py and real.py put one before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from aiohttp import ClientSession, UnixConnector

from rollouts.demo.clock import Elapsing
from rollouts.demo.user import User
from rollouts.embedded import write_kubeconfig
from rollouts.kube.access import READ_BUFFER_BYTES, open_client
from rollouts.kube.transport import Transport
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from tests.bench.scale.audit import Audit
from tests.bench.scale.fleet import Fleet
from tests.bench.scale.flows import Flows
from tests.bench.scale.site import served
from tests.promql.played import PlayedPrometheus

STARTUP_S = 0.2
"""How long a pod takes to become ready, or nearly so: no longer than it takes the part that plays pods in the lab."""


class Ground:
    """All of it."""

    def __init__(self, clock: Elapsing, folder: Path, size: int) -> None:
        self.clock, self.folder = clock, folder
        self.server = MemoryServer(clock.now)
        self.audit = Audit(self.server)
        self.fleet = Fleet(self.server, size)
        self.pods = PodsController(self.server, Random(1), lambda _template: STARTUP_S)
        self.flows = Flows(self.server, self.pods, clock)
        self.prometheus = PlayedPrometheus(self.flows.past)
        self.socket: Path | None = None
        """Where the API server listens, if it does not on a port."""

    @property
    def kubeconfig(self) -> Path:
        """By which the API server is reached."""
        return self.folder / "config"

    @asynccontextmanager
    async def user(self) -> AsyncIterator[User]:
        """Somebody with kubectl."""
        transport = await self.transport("kubectl/bench", lambda: self.clock.elapsed_s)
        try:
            yield User(transport)
        finally:
            await transport.close()

    async def transport(self, name: str, monotonic: Callable[[], float]) -> Transport:
        """A way to the API server under that name. The caller closes it."""
        client = await open_client(kubeconfig=self.kubeconfig)
        client.user_agent = name
        if self.socket is not None:
            connector = UnixConnector(str(self.socket))
            await client.rest_client.pool_manager.close()
            client.rest_client.pool_manager = ClientSession(connector=connector, read_bufsize=READ_BUFFER_BYTES)
        return Transport(client, monotonic=monotonic)


@asynccontextmanager
async def grounded(ground: Ground, socket: Path | None = None) -> AsyncIterator[str]:
    """Everything runs until the body ends; the API server's URL."""
    ground.socket = socket
    async with served(ground.server, ground.audit, socket) as url, asyncio.TaskGroup() as tasks:
        write_kubeconfig(ground.kubeconfig, url)
        GarbageCollector(ground.server, Random(2)).start()
        ground.pods.start()
        scraping = tasks.create_task(ground.flows.scrape())
        try:
            yield url
        finally:
            scraping.cancel()
