"""One controller process: the real queue, workers and reconciler over a view of its own, life after life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import structlog
from prometheus_client import CollectorRegistry

from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.telemetry.report import Reporter
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.metrics import ScriptedMetrics
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from rollouts.testing.watch import LaggingWatch, Lateness
from tests.sim.faults import Crash, Fates, Life, RudeCluster, RudeHooks, RudeMetrics
from tests.sim.safety import Safety

WORKERS = 2
RESTART_MAX_S = 3.0


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """Implements `ports.Clock`: the common time, and how far this process is off it."""

    clock: VirtualClock
    skew_s: float

    def now(self) -> datetime:
        """What this process takes for the present."""
        return self.clock.now() + timedelta(seconds=self.skew_s)

    async def sleep(self, seconds: float) -> None:
        """As the port says."""
        await self.clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Outside:
    """What all processes share."""

    server: MemoryServer
    metrics: ScriptedMetrics
    hooks: ScriptedHooks
    safety: Safety
    note: Callable[[str], None]


class Process:
    """Starts again whenever it has died."""

    def __init__(self, name: str, outside: Outside, clock: SkewedClock, fates: Fates) -> None:
        self.name = name
        self.lives = 0
        self.lateness = Lateness()
        self._outside = outside
        self._clock = clock
        self._fates = fates
        self._life = Life(name)
        self._living: asyncio.Task[None] | None = None
        self._watch: LaggingWatch | None = None

    async def run(self) -> None:
        """Live until cancelled."""
        while True:
            self._life = Life(self.name)
            async with asyncio.TaskGroup() as tasks:
                self._living = tasks.create_task(self._live(self._life))
            self._outside.note(f"{self.name} is dead")
            await asyncio.sleep(self._fates.random.uniform(0.1, RESTART_MAX_S))

    def kill(self) -> None:
        """Die now, wherever it is."""
        self._life.dead = True
        if self._living is not None:
            self._living.cancel()

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self._fates.chance = 0.0
        self.lateness = Lateness()
        if self._watch is not None:
            self._watch.lateness = self.lateness

    async def _live(self, life: Life) -> None:
        self.lives += 1
        outside = self._outside
        view = MemoryView(outside.server)
        queue = KeyQueue(self._clock)
        cluster = RudeCluster(life, outside.server, view, self._fates, outside.safety, outside.note)
        metrics = RudeMetrics(life, outside.metrics, self._fates, outside.safety)
        hooks = RudeHooks(life, outside.hooks, self._fates, outside.safety, outside.note)
        reporter = Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())
        watch = self._watch = LaggingWatch(outside.server, view, Random(self._fates.random.random()))
        watch.lateness = self.lateness
        watch.start()
        view.on_change = lambda resource, key: wake_interested(view, queue, resource, key)
        wake_all(view, queue)
        try:
            async with asyncio.TaskGroup() as tasks:
                secrets = MemorySecrets(outside.server)
                ways = Ways(cluster, metrics, Caller(hooks, secrets), secrets)
                exchange = Exchange(ways, self._clock, tasks.create_task, queue.add)
                reconciler = Reconciler(cluster, exchange, self._clock, reporter, AT_ONCE)
                await Workers(queue, reconciler, self._clock, reporter).run(WORKERS)
        except* Crash:
            pass
        finally:
            life.dead = True
            watch.stop()
