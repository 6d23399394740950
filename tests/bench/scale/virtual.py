"""The whole program in virtual time: its own composition root, stores, transport and requests, over a Unix socket.

Only three things are others than in a cluster: the clock, the socket, and the metric source, which is a Prometheus in
this process over what the routes made of the traffic. It can be ended and started again on the same cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from aiohttp import ClientSession, UnixConnector
from prometheus_client import CollectorRegistry

from rollouts import controller, outside
from rollouts.demo.user import User
from rollouts.embedded import write_kubeconfig
from rollouts.kube.access import open_client
from rollouts.kube.transport import Transport
from rollouts.metrics.grouping import GroupingOptions
from rollouts.settings import Settings
from rollouts.telemetry.report import Reporter
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.pods import PodsController
from rollouts.testing.virtual_time import VirtualClock
from tests.bench.scale.audit import Audit
from tests.bench.scale.fleet import Fleet
from tests.bench.scale.flows import Flows
from tests.bench.scale.site import served
from tests.promql.played import PlayedPrometheus

STARTUP_S = 1.0
"""How long a pod takes to become ready, or nearly so."""


class Ground:
    """The cluster and what it counts. Made by `grounded`, within `run_virtually`."""

    def __init__(self, clock: VirtualClock, folder: Path, size: int) -> None:
        self.clock, self._folder = clock, folder
        self.server = MemoryServer(clock.now)
        self.audit = Audit(self.server)
        self.fleet = Fleet(self.server, size)
        self.pods = PodsController(self.server, Random(1), lambda _template: STARTUP_S)
        self.flows = Flows(self.server, self.pods, clock)
        self.prometheus = PlayedPrometheus(self.flows.past)

    @asynccontextmanager
    async def user(self) -> AsyncIterator[User]:
        """Somebody with kubectl."""
        transport = await self._transport("kubectl/bench")
        try:
            yield User(transport)
        finally:
            await transport.close()

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[controller.Readiness]:
        """The program, as it is shipped, until the body ends."""
        async with AsyncExitStack() as stack:
            transport = await self._transport("rollouts/bench")
            stack.push_async_callback(transport.close)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            settings = Settings(identity="bench")
            metrics = outside.Metrics(self.prometheus, self.prometheus, GroupingOptions(grid_s=settings.metrics_grid_s))
            ways_out = outside.Outside(
                transport, metrics, Reporter(CollectorRegistry()), asyncio.get_running_loop().time
            )
            readiness = controller.Readiness()
            controlling = tasks.create_task(controller.control(ways_out, settings, readiness))
            yield readiness
            if readiness.replica is not None:
                await readiness.replica.hand_over()
            controlling.cancel()

    @property
    def socket(self) -> Path:
        """Where the API server listens."""
        return self._folder / "api"

    async def _transport(self, name: str) -> Transport:
        write_kubeconfig(self._folder / "config", "http://embedded")
        client = await open_client(kubeconfig=self._folder / "config")
        client.user_agent = name
        await client.rest_client.pool_manager.close()
        client.rest_client.pool_manager = ClientSession(connector=UnixConnector(str(self.socket)), read_bufsize=2**21)
        return Transport(client, monotonic=asyncio.get_running_loop().time)


@asynccontextmanager
async def grounded(clock: VirtualClock, folder: Path, size: int) -> AsyncIterator[Ground]:
    """A cluster with its own controllers, its API server and its traffic, until the body ends."""
    ground = Ground(clock, folder, size)
    async with served(ground.server, ground.audit, ground.socket), asyncio.TaskGroup() as tasks:
        GarbageCollector(ground.server, Random(2)).start()
        ground.pods.start()
        scraping = tasks.create_task(ground.flows.scrape())
        try:
            yield ground
        finally:
            scraping.cancel()
