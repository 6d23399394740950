"""The composition root: the only module that knows which concrete parts there are, and puts them together."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random

import structlog
import uvicorn
from prometheus_client import CollectorRegistry

from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    ObjectKey,
    Resource,
)
from rollouts.engine.ask import Asker
from rollouts.engine.queue import KeyQueue
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.kube.access import open_client
from rollouts.kube.cluster import KubeCluster, stores_for
from rollouts.kube.connect import read_clock
from rollouts.kube.transport import Transport
from rollouts.metrics.prometheus import PrometheusSource
from rollouts.server.health import make_server
from rollouts.settings import Settings
from rollouts.telemetry.logging import set_up_logging
from rollouts.telemetry.report import Reporter

_log = structlog.get_logger(__name__)

MONOTONIC = time.monotonic  # noqa: TID251 - the one place that hands the process's clock out
WATCHED = (CANARIES, DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES)


def main() -> None:
    """Run the controller until SIGTERM or SIGINT. Raises RolloutsError if it can't start."""
    settings = Settings()
    set_up_logging(settings.log_level)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    registry = CollectorRegistry()
    async with _controller(settings, registry) as controller, asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(controller.cluster.run()),
            tasks.create_task(controller.work(settings.workers)),
            tasks.create_task(_serve(settings, registry, controller)),
        ]
        await stop.wait()
        _log.info("stopping")
        for task in running:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Controller:
    """The running parts, as far as they are started and asked after."""

    cluster: KubeCluster
    queue: KeyQueue
    workers: Workers
    synced: asyncio.Event

    async def work(self, count: int) -> None:
        """Wait for the first lists, then look at every Canary and go on from there."""
        await self.cluster.wait_synced()
        self.synced.set()
        wake_all(self.cluster, self.queue)
        _log.info("ready", canaries=len(self.queue))
        await self.workers.run(count)

    def not_ready(self) -> str:
        """Why no Canary can be worked on yet; empty when it can."""
        if not self.synced.is_set():
            return "waiting for the first lists of all kinds"
        return self.cluster.trouble(CANARIES)


@asynccontextmanager
async def _controller(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Controller]:
    reporter = Reporter(registry)
    async with AsyncExitStack() as stack:
        transport = Transport(
            await open_client(kubeconfig=settings.kubeconfig),
            monotonic=MONOTONIC,
            on_answer=lambda request, code: reporter.request_answered(request.verb, request.resource, code),
        )
        stack.push_async_callback(transport.close)
        metrics = PrometheusSource(settings.metrics_server, on_query=lambda _: reporter.query_sent())
        stack.push_async_callback(metrics.aclose)
        clock = await read_clock(transport, MONOTONIC)
        queue = KeyQueue(clock)

        def on_change(resource: Resource, key: ObjectKey) -> None:
            wake_interested(cluster, queue, resource, key)

        def on_trouble(_resource: Resource) -> None:
            wake_all(cluster, queue)

        stores = stores_for(WATCHED, on_change=on_change, on_trouble=on_trouble)
        cluster = KubeCluster(transport, stores, clock=clock, random=Random())
        reconciler = Reconciler(cluster, Asker(cluster, metrics), clock, reporter)
        yield Controller(cluster, queue, Workers(queue, reconciler, clock, reporter), asyncio.Event())


async def _serve(settings: Settings, registry: CollectorRegistry, controller: Controller) -> None:
    host, _, port = settings.listen.rpartition(":")
    application = make_server(registry, controller.not_ready)
    await uvicorn.Server(uvicorn.Config(application, host=host, port=int(port), log_config=None)).serve()
