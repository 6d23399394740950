"""The demo's stories in virtual time: the real engine and the demo's own parts over the server itself, without HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, DEPLOYMENTS, ObjectKey
from rollouts.demo.chronicle import Chronicle
from rollouts.demo.cluster import Cluster, make_cluster, send
from rollouts.demo.metrics import TrafficMetrics
from rollouts.demo.scene import Scene
from rollouts.demo.user import User
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import SETTLES_IN
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.kube.requests import APPLY_PATCH, Request
from rollouts.kube.transport import Response
from rollouts.ports import Apply, PatchJson
from rollouts.telemetry.report import Reporter
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_refusals import not_found
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from rollouts.testing.watch import LaggingWatch


class ServerSender:
    """Takes what the demo's user sends straight to the server in memory."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def send(self, request: Request) -> Response:
        """As the protocol says, for the few requests that a user makes."""
        resource = next(one for one in (CANARIES, DEPLOYMENTS) if f"/{one.plural}/" in request.path)
        words = request.path.split("/")
        key = ObjectKey(words[words.index("namespaces") + 1], words[-1])
        if request.method == "GET":
            manifest = self._server.stored(resource, key)
            if manifest is None:
                raise not_found("get", resource, key)
        elif request.content_type == APPLY_PATCH:
            assert isinstance(request.body, dict)
            manifest = self._server.carry_out(Apply(resource, request.body, dict(request.query)["fieldManager"]))
        else:
            assert isinstance(request.body, list)
            manifest = self._server.carry_out(PatchJson(resource, key, request.body))
        return Response(request, 200, json.dumps(manifest).encode())


@asynccontextmanager
async def staged_virtually(clock: VirtualClock, deadline_s: float = 60.0) -> AsyncIterator[Scene]:
    """As the demo's own staging, within `run_virtually`."""
    cluster = make_cluster(0, clock)
    scene = Scene(cluster, User(ServerSender(cluster.server)), Chronicle(clock, cluster.traffic.ledger), deadline_s)
    cluster.server.watchers += [scene.heard, scene.chronicle.heard]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_control(cluster, clock)), tasks.create_task(send(cluster))]
        yield scene
        for task in running:
            task.cancel()


async def _control(cluster: Cluster, clock: VirtualClock) -> None:
    """One process of the controller."""
    view, queue, reporter = MemoryView(cluster.server), KeyQueue(clock), Reporter(CollectorRegistry())
    watch = LaggingWatch(cluster.server, view, Random(1))
    watch.start()
    view.on_change = lambda resource, key: wake_interested(view, queue, resource, key)
    wake_all(view, queue)
    metrics = TrafficMetrics(cluster.traffic.ledger, lambda key: bool(cluster.pods.ready_templates(key)))
    try:
        async with asyncio.TaskGroup() as tasks:
            secrets = MemorySecrets(cluster.server)
            ways = Ways(view, metrics, Caller(ScriptedHooks(clock, Random(2)), secrets), secrets)
            exchange = Exchange(ways, clock, tasks.create_task, queue.add)
            reconciler = Reconciler(view, exchange, reporter, Charge(clock, SETTLES_IN, on_look=queue.seen))
            await Workers(queue, reconciler, clock, reporter).run(1)
    finally:
        watch.stop()
