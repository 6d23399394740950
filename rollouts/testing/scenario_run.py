"""Runs a scenario: the real engine over a server in memory, in virtual time, with scripted traffic and webhooks.

Pods start as on a cluster, a little late and not all alike: by the seed. Nothing else is left to chance.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, DEPLOYMENTS, EVENTS, Manifest
from rollouts.api.status import ConditionType, Phase
from rollouts.core.phases import Event
from rollouts.core.plan import plan_of
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.errors import InvariantViolated, SpecInvalid
from rollouts.telemetry.report import Reporter
from rollouts.testing.memory_server import Change
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.scenario import Decided, Measured, News, Scenario, Sized, Timeline
from rollouts.testing.scenario_world import ScenarioWorld
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from rollouts.testing.watch import LaggingWatch

REST_MAX_S = 120.0
LOOK_S = 1.0
PATIENCE = 4
"""A release that has not ended after so many times its plan never will: something outside is waited for."""
_ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED})


def run(scenario: Scenario, seed: int = 0) -> Timeline:
    """All of it, from nothing to the script's end. Not to be called within an event loop.

    Raises SpecInvalid if the Canary never comes to rest before the script begins, InvariantViolated for a defect.
    """
    clock = VirtualClock()
    return run_virtually(clock, _Run(scenario, clock, Random(seed)).whole())


class _Run:
    """One controller and its world. Hears each decision as the Reporter logs it, and each Event as it is written."""

    def __init__(self, scenario: Scenario, clock: VirtualClock, random: Random) -> None:
        self._script, self._clock, self._random = scenario.script, clock, random
        self._world = ScenarioWorld(scenario, clock, random)
        self._world.server.watchers.append(self._changed)
        self._registry = CollectorRegistry()
        self._reporter = Reporter(self._registry, log=self)
        self._moments: list[Decided | News] = []
        self._measured: list[Measured] = []
        self._waits: list[Decided] = []
        self._sizes: dict[str, Sized] = {}
        self._resized: list[Sized] = []
        self._at_weights = [*self._script.weighted]
        self._began_s = 0.0

    async def whole(self) -> Timeline:
        """From nothing to the end of the script."""
        self._world.start()
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(self._live())
            flaw = await self._come_to_rest()
            for happening in () if flaw else self._script.timed:
                await self._pass_until(happening.at_s or 0.0)
                self._world.do(happening)
                if happening.controller is not None:
                    life.cancel()
                if happening.controller == "up":
                    life = tasks.create_task(self._live())
            if not flaw:
                await self._end()
            life.cancel()
            self._world.stop()
        if flaw:
            raise SpecInvalid(flaw)
        if self._registry.get_sample_value("rollouts_reconcile_failures_total", {"kind": "Defect"}):
            raise InvariantViolated("the controller met a defect of its own: its log says which")
        told = tuple(self._moments), self._world.status, tuple(self._measured), tuple(self._waits)
        return Timeline(*told, ended_s=self._second(), sizes=tuple(self._resized))

    def info(self, _name: str, **told: Any) -> None:
        """One line of the decision log."""
        event, phase, reason = str(told["event_found"]), str(told["phase"]), self._world.named(told["reason"])
        made = Decided(self._second(), event, phase, told["step"], told["weight"], reason)
        if told["event_found"] is not Event.WAITED:
            self._moments.append(made)
        elif not self._waits or self._waits[-1].reason != reason:
            self._waits.append(made)
        while self._at_weights and (self._at_weights[0].at_weight or 0) <= made.weight:
            asyncio.get_running_loop().call_soon(self._world.do, self._at_weights.pop(0))

    async def _live(self) -> None:
        """One process of the controller."""
        world, clock, reporter = self._world, self._clock, self._reporter
        view, queue = MemoryView(world.server), KeyQueue(clock)
        watch = LaggingWatch(world.server, view, self._random)
        watch.start()
        view.on_change = lambda resource, key: wake_interested(view, queue, resource, key)
        wake_all(view, queue)
        try:
            async with asyncio.TaskGroup() as tasks:
                ways = Ways(view, world.metrics, Caller(world, world), world, grouped=world.counters)
                exchange = Exchange(ways, clock, tasks.create_task, queue.add)
                reconciler = Reconciler(view, exchange, reporter, Charge(clock, AT_ONCE, on_look=queue.seen))
                await Workers(queue, reconciler, clock, reporter).run(1)
        finally:
            watch.stop()

    async def _come_to_rest(self) -> str:
        """Until nothing is left to prepare; why that never comes, or nothing."""
        while (status := self._world.status).phase is not Phase.INITIALIZED or not status.drained:
            if self._clock.elapsed_s >= REST_MAX_S:
                ready = [told.message for told in status.conditions if told.type == ConditionType.READY]
                return f"within {REST_MAX_S:g} s the Canary does not get ready: {' '.join(ready)}"
            await asyncio.sleep(1.0)
        self._began_s = self._clock.elapsed_s
        self._moments.clear()
        self._waits.clear()
        self._resized = [Sized(0.0, size.workload, size.replicas) for size in self._sizes.values()]
        return ""

    async def _end(self) -> None:
        """To the end that the script names; without one, until the release is over, or far beyond its plan."""
        if self._script.until_s is not None:
            await self._pass_until(self._script.until_s)
            return
        spec = self._world.spec
        planned_s = sum(step.dwell_s * step.checks for step in plan_of(spec.analysis)) + spec.analysis.interval_s
        longest_s = PATIENCE * planned_s + spec.progress_deadline_seconds + REST_MAX_S
        gives_up_at_s = self._second() + longest_s
        while not self._is_over() and self._second() < gives_up_at_s:  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(LOOK_S)

    def _is_over(self) -> bool:
        status = self._world.status
        return status.phase in _ENDED and status.drained

    async def _pass_until(self, second: float) -> None:
        await asyncio.sleep(self._began_s + second - self._clock.elapsed_s)

    def _changed(self, change: Change) -> None:
        if change.place[0] == CANARIES and change.after is not None:
            self._note_measured((change.before or {}).get("status", {}), change.after.get("status", {}))
        if change.place[0] == DEPLOYMENTS and change.after is not None:
            self._note_size(change.place[1].name, change.after["spec"]["replicas"])
        if change.place[0] == EVENTS and change.after is not None:
            event = change.after
            message = self._world.named(event["message"])
            self._moments.append(News(self._second(), event["type"], str(event["reason"]), message))

    def _note_size(self, workload: str, replicas: int) -> None:
        known = self._sizes.get(workload)
        if known is None or known.replicas != replicas:
            self._sizes[workload] = Sized(self._second(), workload, replicas)
            self._resized.append(self._sizes[workload])

    def _note_measured(self, before: Manifest, after: Manifest) -> None:
        """The results that a judgement has left in the status; between two, they stay there."""
        if after.get("metrics", []) != before.get("metrics", []):
            self._measured += [
                Measured(self._second(), one["name"], one["verdict"], one.get("value"), one.get("message", ""))
                for one in after.get("metrics", [])
            ]

    def _second(self) -> float:
        return round(self._clock.elapsed_s - self._began_s, 3)
