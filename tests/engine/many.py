"""Several Canaries, and one controller with several workers: the real queue, in virtual time, with slow pods."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, CONFIG_MAPS, DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import Outcome, Probe, Signal, Subject, Value
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.policy import POLICY
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.engine.turns import RUNS
from rollouts.errors import KubeError, Unavailable
from rollouts.ports import PatchStatus, Write
from rollouts.telemetry.report import Reporter
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.memory_server import Change
from rollouts.testing.metrics import ScriptedMetrics, probes_about
from rollouts.testing.pods import PodsController
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.engine.world import NAMESPACE, canary_manifest, deployment_manifest

Story = Callable[["Many"], Awaitable[None]]


class SlowCluster(MemoryCluster):
    """Each write takes a while on its way, so that the workers come in between; some get no answer."""

    lost: int = 0
    """So many of the next writes of a status get no answer, and take effect a second later, if they still can."""
    tried: int = 0

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        self.tried += 1
        await asyncio.sleep(0.3)
        if self.lost and isinstance(write, PatchStatus):
            self.lost -= 1
            asyncio.get_running_loop().call_later(1.0, self._land, write)
            raise Unavailable("no answer")
        return await super().write(write)

    def _land(self, write: Write) -> None:
        with suppress(KubeError):
            self.server.carry_out(write)


@dataclass
class Many:
    """All of it. `starts` are the names of the Canaries in the order in which their releases began."""

    names: tuple[str, ...]
    workers: int = 4
    clock: VirtualClock = field(default_factory=VirtualClock)
    starts: list[str] = field(default_factory=list)
    most: int = 0
    """How many went on at once, at most."""
    rates: dict[str, float] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)
    """How often each Canary was looked at."""

    def __post_init__(self) -> None:
        self.cluster = SlowCluster(self.clock.now)
        self.cluster.server.watchers.append(self._heard)
        self.metrics = ScriptedMetrics()
        self.pods = PodsController(self.cluster.server, Random(1), lambda _: 2.0)

    def tell(self, story: Story, spec: Mapping[str, Any] | None = None) -> None:
        """Bring all Canaries to rest, and let the story happen."""
        run_virtually(self.clock, self._whole(story, spec or {}))

    def status(self, name: str) -> CanaryStatus:
        """As the server has it."""
        canary = self.cluster.stored(CANARIES, ObjectKey(NAMESPACE, name))
        assert canary is not None
        return CanaryStatus.model_validate(canary.get("status") or {})

    def phases(self) -> list[str]:
        """Of all, in order."""
        return [str(self.status(name).phase) for name in self.names]

    def release(self, name: str, image: str) -> None:
        """The user rolls out another image."""
        template = _deployment(name, image)["spec"]["template"]
        self.cluster.edit(DEPLOYMENTS, ObjectKey(NAMESPACE, name), {"spec": {"template": template}})

    def edit(self, name: str, patch: Manifest) -> None:
        """Somebody changes a Canary."""
        self.cluster.edit(CANARIES, ObjectKey(NAMESPACE, name), patch)

    def policy(self, **data: str) -> None:
        """The ConfigMap from now on."""
        metadata = {"name": POLICY.name, "namespace": POLICY.namespace}
        self.cluster.put(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})

    async def until(self, condition: Callable[[], bool], within_s: float = 300.0) -> None:
        """Let time pass."""
        ends_at_s = self.clock.elapsed_s + within_s
        while not condition():
            assert self.clock.elapsed_s < ends_at_s, f"not within {within_s:g} s: {self.phases()}"
            await asyncio.sleep(0.5)

    async def until_phase(self, name: str, phase: Phase) -> None:
        """Until that Canary is in that phase."""
        await self.until(lambda: self.status(name).phase is phase)

    async def _whole(self, story: Story, spec: Mapping[str, Any]) -> None:
        for name in self.names:
            self.cluster.put(DEPLOYMENTS, _deployment(name, "app:1"))
            canary = canary_manifest(name)
            canary["spec"] |= {"targetRef": {"name": name}, **spec}
            self.cluster.put(CANARIES, canary)
            for workload, side in ((name, Subject.CANARY), (f"{name}-primary", Subject.STABLE)):
                self.metrics.announce(NAMESPACE, workload, probes_about(side), self._measured(name))
        self.pods.start()
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(self._live())
            await self.until(lambda: all(self.status(name).phase is Phase.INITIALIZED for name in self.names))
            await asyncio.sleep(60.0)
            self.starts.clear()
            await story(self)
            life.cancel()

    async def _live(self) -> None:
        queue, reporter = KeyQueue(self.clock), Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())

        def on_change(resource: Resource, key: ObjectKey) -> None:
            wake_interested(self.cluster, queue, resource, key)

        self.cluster.on_change = on_change
        wake_all(self.cluster, queue)
        async with asyncio.TaskGroup() as tasks:
            hooks = ScriptedHooks(self.clock, Random(0))
            secrets = MemorySecrets(self.cluster.server)
            ways = Ways(self.cluster, self.metrics, Caller(hooks, secrets), secrets)
            exchange = Exchange(ways, self.clock, tasks.create_task, queue.add)

            def looks(key: ObjectKey) -> None:
                self.looks[key.name] += 1
                queue.seen(key)

            reconciler = Reconciler(self.cluster, exchange, reporter, Charge(self.clock, AT_ONCE, on_look=looks))
            await Workers(queue, reconciler, self.clock, reporter).run(self.workers)

    def _measured(self, name: str) -> Callable[[Probe], Outcome]:
        def answer(probe: Probe) -> Outcome:
            if probe.signal is Signal.SUCCESS_RATE:
                return Value(self.rates.get(name, 100.0))
            silent = probe.signal is Signal.REQUEST_RATE and probe.subject is Subject.CANARY
            return Value(0.0 if silent or probe.signal is Signal.UNREACHED else 5.0)

        return answer

    def _heard(self, change: Change) -> None:
        resource, key = change.place
        if resource != CANARIES or change.after is None:
            return
        phases = [str((one or {}).get("status", {}).get("phase")) for one in (change.before, change.after)]
        runs = {str(phase) for phase in RUNS}
        if phases[1] in runs and phases[0] not in runs:
            self.starts.append(key.name)
        stored = self.cluster.server.all_of(CANARIES)
        self.most = max(self.most, sum((one.get("status") or {}).get("phase") in runs for one in stored))


def _deployment(name: str, image: str) -> Manifest:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    whole = deployment_manifest(image, selector={"matchLabels": labels}, template=pod)
    return whole | {"metadata": {"name": name, "namespace": NAMESPACE, "labels": labels}}
