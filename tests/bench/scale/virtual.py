"""The whole program in virtual time: its own composition root, stores, transport and requests, over a Unix socket.

Only three things are others than in a cluster: the clock, the socket, and the metric source, which is a Prometheus in
this process over what the routes made of the traffic. It can be ended and started again on the same cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry

from rollouts import controller, outside
from rollouts.metrics.grouping import GroupingOptions
from rollouts.settings import Settings
from rollouts.telemetry.report import Reporter
from tests.bench.scale.ground import Ground


@asynccontextmanager
async def controlled(ground: Ground) -> AsyncIterator[None]:
    """The program with its shipped settings, until the body ends."""
    loop, readiness, settings = asyncio.get_running_loop(), controller.Readiness(), Settings(identity="bench")
    async with AsyncExitStack() as stack:
        transport = await ground.transport("rollouts/bench", loop.time)
        stack.push_async_callback(transport.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        together = GroupingOptions(grid_s=settings.metrics_grid_s)
        metrics = outside.Metrics(ground.prometheus, ground.prometheus, together)
        ways_out = outside.Outside(transport, metrics, Reporter(CollectorRegistry()), loop.time)
        controlling = tasks.create_task(controller.control(ways_out, settings, readiness))
        yield
        if readiness.replica is not None:
            await readiness.replica.hand_over()
        controlling.cancel()
