"""The programs: the controller, and the server of the API alone, from their start to the signal that ends them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from random import Random
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, disable_created_metrics
from starlette.types import ASGIApp

from rollouts.api.resources import (
    CANARIES,
)
from rollouts.controller import Readiness, control
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.transport import Transport
from rollouts.outside import MONOTONIC, OpenMetrics, opened, prometheus, wait_for_clock
from rollouts.server.health import make_server
from rollouts.server.listen import bind, serving
from rollouts.server.mounting import Parts, mounted
from rollouts.settings import Settings, read_settings
from rollouts.telemetry.logging import set_up_logging
from rollouts.telemetry.report import Reporter

_log = structlog.get_logger(__name__)


def main() -> None:
    """Run the controller until SIGTERM or SIGINT. Raises RolloutsError if it can't start."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    # A further series for each one, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    asyncio.run(_until_signal(lambda stop: run(settings, stop, prometheus)))


async def _until_signal(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    await work(stop)


async def run(settings: Settings, stop: asyncio.Event, open_metrics: OpenMetrics) -> None:
    """Be the controller until `stop` is set. Raises RolloutsError if it can't start."""
    registry, readiness = CollectorRegistry(), Readiness()
    async with opened(settings, Reporter(registry), open_metrics) as outside:
        listener = bind(settings.listen)
        _log.info("listening", port=listener.getsockname()[1])
        async with _mounted(settings, outside.transport, readiness.parts, api=settings.api) as applications:
            server = make_server(registry, readiness.not_ready, applications)
            async with serving(server, listener), asyncio.TaskGroup() as tasks:
                controlling = tasks.create_task(control(outside, settings, readiness))
                await stop.wait()
                _log.info("stopping")
                await _leave(readiness)
                controlling.cancel()


async def _leave(readiness: Readiness) -> None:
    """Before the process ends: what it holds goes to others or, where all is being deleted, is given back first."""
    if readiness.replica is None:
        return
    if readiness.foothold is not None and await readiness.foothold.is_going():
        await readiness.replica.stay()
        await readiness.foothold.last_stand()
    await readiness.replica.hand_over()


def serve_main() -> None:
    """Serve the API alone until SIGTERM or SIGINT, beside a controller elsewhere. Raises RolloutsError."""
    settings = read_settings()
    set_up_logging(settings.log_level)
    asyncio.run(_until_signal(lambda stop: serve(settings, stop)))


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Be the server until `stop` is set: it knows Canaries, and changes nothing but their annotations."""
    registry, readiness = CollectorRegistry(), Readiness()
    async with AsyncExitStack() as stack:
        transport = Transport(await open_client(kubeconfig=settings.kubeconfig), monotonic=MONOTONIC)
        stack.push_async_callback(transport.close)
        listener = bind(settings.listen)
        _log.info("listening", port=listener.getsockname()[1])
        applications = await stack.enter_async_context(_mounted(settings, transport, readiness.parts, api=True))
        await stack.enter_async_context(serving(make_server(registry, readiness.not_ready, applications), listener))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        watching = tasks.create_task(_watch(transport, readiness))
        await stop.wait()
        watching.cancel()


async def _watch(transport: Transport, readiness: Readiness) -> None:
    """Know all Canaries, for ever."""
    parts = readiness.parts
    clock = parts.clock = await wait_for_clock(transport)
    stores = stores_for([CANARIES], on_change=lambda _resource, key: parts.feed.publish(key))
    cluster = readiness.cluster = KubeCluster(transport, stores, clock=clock, random=Random())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(cluster.run())
        await cluster.wait_synced()
        readiness.synced, parts.cluster = True, cluster


def _mounted(
    settings: Settings, transport: Transport, parts: Parts, *, api: bool
) -> AbstractAsyncContextManager[dict[str, ASGIApp]]:
    return mounted(parts, transport, MONOTONIC, api=api, link_key_file=settings.link_key_file)
