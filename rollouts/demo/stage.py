"""Everything of the demo put together: the simulated cluster, its users, and the real controller before it.

The controller is the program's own composition root, over HTTP and its own transport, as in any cluster; only its
metric source is another: one that counts the simulated requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rollouts import app, outside
from rollouts.api.resources import ObjectKey
from rollouts.demo.chronicle import Chronicle
from rollouts.demo.clock import WallClock
from rollouts.demo.cluster import Cluster, make_cluster, send
from rollouts.demo.metrics import TrafficMetrics
from rollouts.demo.scene import Scene
from rollouts.demo.user import User
from rollouts.embedded import serving, write_kubeconfig
from rollouts.kube.access import open_client
from rollouts.kube.transport import Transport
from rollouts.settings import Settings
from rollouts.telemetry.report import Reporter


@dataclass(frozen=True, slots=True)
class Staging:
    """How the scene is set."""

    kubeconfig: Path
    """Where to write it."""
    deadline_s: float = 30.0
    seed: int = 0


@asynccontextmanager
async def staged(staging: Staging) -> AsyncIterator[Scene]:
    """A scene with everything running, until the body ends. Raises RolloutsError where it can't be set."""
    cluster = make_cluster(staging.seed, WallClock())
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(cluster.server))
        write_kubeconfig(staging.kubeconfig, url)
        transport = Transport(await open_client(kubeconfig=staging.kubeconfig), monotonic=outside.MONOTONIC)
        stack.push_async_callback(transport.close)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        scene = Scene(cluster, User(transport), Chronicle(cluster.clock, cluster.traffic.ledger), staging.deadline_s)
        cluster.server.watchers += [scene.heard, scene.chronicle.heard]
        controller = tasks.create_task(_control(cluster, staging.kubeconfig, stop))
        users = tasks.create_task(send(cluster))
        try:
            yield scene
        finally:
            users.cancel()
            stop.set()
            await asyncio.wait({controller})


async def _control(cluster: Cluster, kubeconfig: Path, stop: asyncio.Event) -> None:
    """The real controller. What the environment says about another cluster is not meant here."""

    @asynccontextmanager
    async def metrics(_settings: Settings, _reporter: Reporter) -> AsyncIterator[outside.Metrics]:
        yield outside.Metrics(TrafficMetrics(cluster.traffic.ledger, serves))

    def serves(workload: ObjectKey) -> bool:
        return bool(cluster.pods.ready_templates(workload))

    settings = Settings(
        kubeconfig=kubeconfig, metrics_server="http://simulated", listen="127.0.0.1:0", log_level="info", workers=4,
        lease_s=0,
    )  # fmt: skip
    await app.run(settings, stop, metrics)
