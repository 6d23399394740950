"""One controller process: the real queue, workers and reconciler over a view of its own, life after life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import cast

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import LEASES, ObjectKey, Resource
from rollouts.core.lease import Me
from rollouts.core.shares import Rule
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.fence import Fenced
from rollouts.engine.mandate import EVERYTHING
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.seat import Listeners, Seat
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.errors import KubeError
from rollouts.kube.leases import LeaseBook
from rollouts.replica import LEAVE_MAX_S
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
from tests.sim.sharing import LEASE_S

WORKERS = 2
LOOKS_MAX = 100
"""Of one Canary at one instant: so many changes do not come at once."""
RESTART_MAX_S = 3.0
LEASES_NAMESPACE = "rollouts-system"


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

    def __init__(self, name: str, outside: Outside, clock: SkewedClock, fates: Fates, rule: str = "") -> None:
        """`rule` is that by which the processes share the Canaries by Leases; empty for none."""
        self.name = name
        self.lives = 0
        self.lateness = Lateness()
        self._outside = outside
        self._clock = clock
        self._fates = fates
        self._life = Life(name)
        self._living: asyncio.Task[None] | None = None
        self._watch: LaggingWatch | None = None
        self._rule = rule
        self._seat: Seat | None = None
        self._stop = asyncio.Event()
        self._away_s = 0.0
        self._names = 0

    async def run(self) -> None:
        """Live until cancelled."""
        while True:
            self._life = Life(f"{self.name}.{self.lives}" if self._rule else self.name)
            self._stop = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                self._living = tasks.create_task(self._live(self._life))
            self._seat = None
            self._outside.note(f"{self.name} is dead")
            away_s, self._away_s = self._away_s, 0.0
            await asyncio.sleep(away_s or self._fates.random.uniform(0.1, RESTART_MAX_S))

    def kill(self, away_s: float = 0.0) -> None:
        """Die now, wherever it is; another process of another name comes after that time, if it is given."""
        self._away(away_s)
        self._life.dead = True
        if self._living is not None:
            self._living.cancel()

    def stop(self, away_s: float) -> None:
        """Be asked to end."""
        self._away(away_s)
        self._stop.set()

    def cut(self, for_s: float) -> None:
        """Not reach the API server for a while."""
        self._life.cut_until_s = asyncio.get_running_loop().time() + for_s
        if self._watch is not None:
            self._watch.cut(for_s)

    def freeze(self, for_s: float) -> None:
        """Do nothing for a while, and not know of it."""
        self._life.frozen_until_s = asyncio.get_running_loop().time() + for_s
        if self._watch is not None:
            self._watch.cut(for_s + self._fates.random.uniform(0.0, 1.0))

    def blind(self, for_s: float) -> None:
        """Hear of nothing for a while, though requests are answered."""
        if self._watch is not None:
            self._watch.cut(for_s)

    def holds(self, key: ObjectKey) -> bool:
        """Whether it takes the Canary for its own now."""
        return self._seat is not None and not self._life.dead and self._seat.holds(key)

    def is_well(self) -> bool:
        """Whether it lives, runs, and reaches the server."""
        life = self._life
        return self._seat is not None and not (life.dead or life.cut or life.frozen or self._stop.is_set())

    @property
    def life(self) -> str:
        """The name of its present life."""
        return self._life.process

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self._fates.chance = 0.0
        self._life.cut_until_s = self._life.frozen_until_s = 0.0
        self.lateness = Lateness()
        if self._watch is not None:
            self._watch.lateness = self.lateness

    def _away(self, away_s: float) -> None:
        self._away_s = away_s
        self._names += away_s > 0

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
        seat = self._seat = self._seat_of(cluster)
        mandate = EVERYTHING if seat is None else seat

        def on_change(resource: Resource, key: ObjectKey) -> None:
            if resource != LEASES:
                wake_interested(view, queue, resource, key)
            elif seat is not None:
                seat.changed()

        view.on_change = on_change
        wake_all(view, queue)
        try:
            async with asyncio.TaskGroup() as tasks:
                fenced, secrets = Fenced(cluster, mandate), MemorySecrets(outside.server)
                ways = Ways(fenced, metrics, Caller(hooks, secrets), secrets)
                exchange = Exchange(ways, self._clock, tasks.create_task, queue.add)
                reconciler = Reconciler(
                    fenced, exchange, reporter, Charge(self._clock, AT_ONCE, mandate=mandate, on_look=queue.seen)
                )
                if seat is not None:

                    def on_turn() -> None:
                        reconciler.release()
                        wake_all(view, queue)

                    seat.listeners = Listeners(on_turn, queue.idle)
                    tasks.create_task(self._sit(seat, life))
                watched = Watched(reconciler, life, outside.safety)
                workers = Workers(queue, cast("Reconciler", watched), self._clock, reporter, mandate)
                await workers.run(WORKERS)
        except* Crash:
            pass
        finally:
            life.dead = True
            watch.stop()

    def _seat_of(self, cluster: RudeCluster) -> Seat | None:
        if not self._rule:
            return None
        replica = f"{self.name}x{self._names}" if self._names else self.name
        me = Me(replica, f"{replica}_{self.lives}", Rule(self._rule), timedelta(seconds=LEASE_S))
        book = LeaseBook(cluster, LEASES_NAMESPACE, self._clock, lambda: cluster.list_again(LEASES))
        return Seat(book, me, self._clock)

    async def _sit(self, seat: Seat, life: Life) -> None:
        """As rollouts/replica.py does it."""
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(seat.run())
            await self._stop.wait()
            keeping.cancel()
            await asyncio.wait({keeping})
            with suppress(KubeError, TimeoutError):
                async with asyncio.timeout(LEAVE_MAX_S):
                    await seat.leave()
        life.crash()


@dataclass(frozen=True, slots=True)
class Watched:
    """A reconciler of which the judges hear when it works."""

    reconciler: Reconciler
    life: Life
    safety: Safety
    looks: dict[ObjectKey, tuple[float, int]] = field(default_factory=dict)
    """When each Canary was looked at last, and how often at that instant."""

    async def reconcile(self, key: ObjectKey) -> datetime | None:
        """As the real one."""
        now_s = asyncio.get_running_loop().time()
        at_s, count = self.looks.get(key, (now_s, 0))
        self.looks[key] = (now_s, count + 1 if at_s == now_s else 1)
        self.safety.court.demand(count < LOOKS_MAX, f"{key} is looked at again and again, and time stands still")
        sharing = self.safety.sharing
        if sharing is None:
            return await self.reconciler.reconcile(key)
        with sharing.working(self.life.process, key):
            return await self.reconciler.reconcile(key)
