"""Runs a scenario: the real engine over a server in memory, in virtual time, with scripted traffic and webhooks.

Pods start as on a cluster, a little late and not all alike: by the seed. Nothing else is left to chance.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry

from rollouts.api.resources import EVENTS
from rollouts.api.status import ConditionType, Phase
from rollouts.core.phases import Event
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.errors import InvariantViolated, SpecInvalid
from rollouts.telemetry.report import Reporter
from rollouts.testing.memory_server import Change
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.scenario import Decided, News, Scenario, Timeline
from rollouts.testing.scenario_world import ScenarioWorld
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from rollouts.testing.watch import LaggingWatch

REST_MAX_S = 120.0


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
        self._began_s = 0.0

    async def whole(self) -> Timeline:
        """From nothing to the end of the script."""
        self._world.pods.start()
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(self._live())
            flaw = await self._come_to_rest()
            for happening in () if flaw else sorted(self._script.when, key=lambda happening: happening.at_s):
                await self._pass_until(happening.at_s)
                self._world.do(happening)
                if happening.controller is not None:
                    life.cancel()
                if happening.controller == "up":
                    life = tasks.create_task(self._live())
            await self._pass_until(0.0 if flaw else self._script.until_s)
            life.cancel()
        if flaw:
            raise SpecInvalid(flaw)
        if self._registry.get_sample_value("rollouts_reconcile_failures_total", {"kind": "Defect"}):
            raise InvariantViolated("the controller met a defect of its own: its log says which")
        return Timeline(tuple(self._moments), self._world.status)

    def info(self, _name: str, **told: Any) -> None:
        """One line of the decision log."""
        if told["event_found"] is not Event.WAITED:
            event, phase, reason = str(told["event_found"]), str(told["phase"]), self._world.named(told["reason"])
            self._moments.append(Decided(self._second(), event, phase, told["step"], told["weight_percent"], reason))

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
                ways = Ways(view, world.metrics, Caller(world, world))
                exchange = Exchange(ways, clock, tasks.create_task, queue.add)
                reconciler = Reconciler(view, exchange, clock, reporter, AT_ONCE)
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
        return ""

    async def _pass_until(self, second: float) -> None:
        await asyncio.sleep(self._began_s + second - self._clock.elapsed_s)

    def _changed(self, change: Change) -> None:
        if change.place[0] == EVENTS and change.after is not None:
            event = change.after
            message = self._world.named(event["message"])
            self._moments.append(News(self._second(), event["type"], str(event["reason"]), message))

    def _second(self) -> float:
        return round(self._clock.elapsed_s - self._began_s, 3)
