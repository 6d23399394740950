"""One cell of the matrix: the real engine over a server in memory, with pods that take seconds, in virtual time.

A controller can be killed at any await after the deletion, be absent for a while, or find that its namespace goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.known import Listing
from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, Manifest, ObjectKey, Resource
from rollouts.api.status import CanaryStatus
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Subject, Value
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.errors import Forbidden, NotFound
from rollouts.metrics.istio import Services
from rollouts.ports import Apply, Create, Propagation, Write
from rollouts.telemetry.report import Reporter
from rollouts.testing.garbage import GarbageCollector
from rollouts.testing.hooks import YES, ScriptedHooks
from rollouts.testing.memory_server import UPDATE, Change, MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.metrics import ScriptedMetrics, probes_about
from rollouts.testing.pods import PodsController, image_of
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from rollouts.testing.watch import LaggingWatch
from tests.deletion.clients import Clients, Watch
from tests.deletion.modes import GATES, Mode
from tests.engine.world import KEY, NAMESPACE

WIRE_S = 0.01
"""How long half a request takes."""
LOOK_S = 0.25
LIMIT_S = 500.0
STARTUP_S = 3.0


class Killed(BaseException):
    """The process dies here. No Exception: nothing in the program may catch it."""


@dataclass(slots=True)
class Cell:
    """Made within `run_virtually`. Tests bring it to an instant, delete, and look at what is left."""

    clock: VirtualClock
    mode: Mode
    startup_s: Callable[[str], float] = lambda _image: STARTUP_S
    """By image."""
    server: MemoryServer = field(init=False)
    pods: PodsController = field(init=False)
    clients: Clients = field(init=False)
    watch: Watch | None = None
    """Set from the deletion on."""
    terminating: bool = False
    """Whether the namespace goes: nothing new is taken."""
    healthy: bool = True
    kill_at: int = 0
    """The await, counted from the deletion, at which the controller dies; 0 for none."""
    awaits: int = 0
    away_s: float = 1.0
    """How long a controller that was killed stays away."""
    kills: int = 0
    absent: bool = False
    hooks: ScriptedHooks = field(init=False)
    _metrics: ScriptedMetrics = field(init=False)
    _life: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.server = MemoryServer(self.clock.now)
        self.pods = PodsController(self.server, Random(1), lambda template: self.startup_s(image_of(template)))
        self.pods.latency_max_s = 0.05
        self.clients = Clients(self.server, self.pods, KEY)
        self.hooks = ScriptedHooks(self.clock, Random(1))
        for gate in GATES:
            self.hooks.script(gate, YES)
        self._metrics = ScriptedMetrics()
        services = Services((KEY.name,), shared=True) if self.mode.name == "subsets" else None
        for name in self.mode.workloads:
            probes = {probe for side in Subject for probe in probes_about(side)}
            self._metrics.announce(NAMESPACE, name, probes, partial(self._measured, name), services)

    @property
    def status(self) -> CanaryStatus:
        """The Canary's, as the server has it."""
        return CanaryStatus.model_validate((self.server.stored(CANARIES, KEY) or {}).get("status") or {})

    @property
    def events(self) -> list[str]:
        """The reasons of all Events, in their order."""
        return [str(event["reason"]) for event in self.server.all_of(EVENTS)]

    async def begin(self, tasks: asyncio.TaskGroup) -> None:
        """The user's objects are there, and the controller starts."""
        self.pods.start()
        garbage = GarbageCollector(self.server, Random(1))
        garbage.latency_max_s = 0.05
        garbage.start()
        for resource, manifest in self.mode.users():
            self.server.put(resource, manifest)
        await asyncio.sleep(2 * STARTUP_S)
        self.server.put(CANARIES, self.mode.canary)
        self.start(tasks)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """The controller is there, life after life."""
        self._life = tasks.create_task(self._lives())

    def stop(self) -> None:
        """The controller is gone, wherever it was."""
        if self._life is not None:
            self._life.cancel()

    async def until(self, condition: Callable[[], object], within_s: float = LIMIT_S) -> None:
        """Looks whenever anything changes, and every now and then."""
        ends_at_s, changed = self.clock.elapsed_s + within_s, asyncio.Event()
        told = lambda _change: changed.set()  # noqa: E731
        self.server.watchers.append(told)
        while not condition():
            assert self.clock.elapsed_s <= ends_at_s, f"not within {within_s:g} s: {self.status}"
            changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
            if self.watch is not None:
                self.watch.look(f"{self.clock.elapsed_s:.2f}")
        self.server.watchers.remove(told)

    def delete(self, how: Propagation, *, strict: bool = True) -> None:
        """The user deletes the Canary; from now on clients are watched."""
        watch = self.watch = Watch(self.clients, lambda: self.clock.elapsed_s, strict=strict)

        def changed(change: Change) -> None:
            resource, key = change.place
            if resource == DEPLOYMENTS and change.after is None:
                watch.lost_at_s = self.clock.elapsed_s
                if change.manager == UPDATE and strict:
                    watch.removed(key.name)
            watch.look(f"{self.clock.elapsed_s:.2f} {resource.kind} {key.name}")

        self.server.watchers.append(changed)
        with suppress(NotFound):
            self.server.delete(CANARIES, KEY, how)

    @property
    def gone(self) -> bool:
        """Whether nothing is left of the Canary itself."""
        return self.server.stored(CANARIES, KEY) is None

    async def end_namespace(self, order: Sequence[tuple[Resource, ObjectKey]]) -> None:
        """The namespace controller deletes everything, in that order and again, until nothing is left."""
        self.terminating = True
        ends_at_s = self.clock.elapsed_s + LIMIT_S
        while self._in_namespace():
            assert self.clock.elapsed_s <= ends_at_s, f"the namespace hangs: {self._in_namespace()} {self.status}"
            for place in order:
                if self.server.stored(*place) is not None:
                    self.server.delete(*place)
                    await asyncio.sleep(0.03)
            await asyncio.sleep(1.0)

    def _in_namespace(self) -> list[str]:
        return [f"{kind.kind} {key.name}" for kind, key in self.server.places() if kind != EVENTS]

    def _measured(self, workload: str, probe: Probe) -> Outcome:
        reached = self.clients.reaches(workload)
        if probe.signal is Signal.SOURCE_ALIVE:
            return Value(1.0)
        if probe.signal is Signal.REQUEST_RATE:
            return Value(5.0 if reached else 0.0)
        if probe.signal is Signal.UNREACHED or not reached:
            return NoData()
        good = 100.0 if self.healthy else 50.0
        return Value(good if probe.signal is Signal.SUCCESS_RATE else 20.0)

    async def _lives(self) -> None:
        while True:
            try:
                await self._live()
            except* Killed:
                self.kills += 1
            await asyncio.sleep(self.away_s)

    async def _live(self) -> None:
        view, queue = MemoryView(self.server), KeyQueue(self.clock)
        watch = LaggingWatch(self.server, view, Random(1))
        watch.start()
        view.on_change = lambda resource, key: wake_interested(view, queue, resource, key)
        wake_all(view, queue)
        wire = Wire(self, view)
        reporter = Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())
        try:
            async with asyncio.TaskGroup() as tasks:
                secrets = MemorySecrets(self.server)
                ways = Ways(wire, wire, Caller(self.hooks, secrets), secrets)
                exchange = Exchange(ways, self.clock, tasks.create_task, queue.add)
                reconciler = Reconciler(wire, exchange, reporter, Charge(self.clock, AT_ONCE))
                await Workers(queue, reconciler, self.clock, reporter).run(1)
        finally:
            watch.stop()


@dataclass(slots=True)
class Wire:
    """Implements `ports.Cluster` and `ports.MetricSource` for one life of the controller."""

    cell: Cell
    view: MemoryView

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        return self.view.read(resource, key)

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        return self.view.list_all(resource, namespace)

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        return self.view.trouble(resource)

    async def write(self, write: Write) -> Manifest:
        """As the port says; nothing new comes into a namespace that goes."""
        await self._pass()
        if self.cell.terminating and self._makes(write):
            raise Forbidden("unable to create new content: the namespace is being terminated", status=403)
        answer = self._carry_out(write)
        await self._pass()
        self.view.absorb(write, answer)
        return answer

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        await self._pass()
        outcome = await self.cell._metrics.measure(query, at)
        await self._pass()
        return outcome

    def _carry_out(self, write: Write) -> Manifest:
        watch, server = self.cell.watch, self.cell.server
        if watch is None:
            return server.carry_out(write)
        return watch.writing(str(write)[:300], lambda: server.carry_out(write))

    def _makes(self, write: Write) -> bool:
        made = write.manifest if isinstance(write, Apply | Create) else None
        if made is None or not made["metadata"].get("namespace"):
            return False
        return self.cell.server.stored(write.resource, ObjectKey(NAMESPACE, made["metadata"].get("name", ""))) is None

    async def _pass(self) -> None:
        if self.cell.watch is not None:
            self.cell.awaits += 1
            if self.cell.awaits == self.cell.kill_at:
                raise Killed
        await asyncio.sleep(WIRE_S)
