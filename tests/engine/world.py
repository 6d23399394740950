"""One Canary in a cluster in memory, with virtual time and a Deployment controller that makes every pod ready at once.

`settle` is what a worker of the queue does: reconcile as long as something changes or is answered. `run_until` also
lets time pass, to each `wake_at` and no further, so that a wake-up that is not asked for never comes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from random import Random
from typing import Any, TypeGuard

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import (
    CANARIES,
    DAEMON_SETS,
    DEPLOYMENTS,
    DESTINATION_RULES,
    EVENTS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.api.status import CanaryStatus, Condition, ConditionType, Phase
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Value
from rollouts.core.measurement import Subject as Side
from rollouts.engine.alerting import Alerter, Sender
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.modes import mode_of
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.secrets_off import NoSecrets
from rollouts.engine.subject import Subject
from rollouts.metrics.istio import render_query
from rollouts.ports import Create, PatchStatus, Secrets, Write
from rollouts.telemetry.report import Reporter
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.notifiers import ScriptedNotifier
from rollouts.testing.pod_list import MemoryPods
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock
from rollouts.workloads.daemon_set import is_off

NAMESPACE = "shop"
HOME = "rollouts-system"
"""Where the controller is."""
KEY = ObjectKey(NAMESPACE, "app")
PRIMARY_KEY = ObjectKey(NAMESPACE, "app-primary")
CANARY_KEY = ObjectKey(NAMESPACE, "app-canary")
INTERVAL_S = 10.0
SUCCESS_RATE = Probe(Signal.SUCCESS_RATE, Side.CANARY, INTERVAL_S)
CANARY_REQUESTS = Probe(Signal.REQUEST_RATE, Side.CANARY)
STABLE_REQUESTS = Probe(Signal.REQUEST_RATE, Side.STABLE)
NODES = 2
"""How many nodes a DaemonSet has pods on."""
ROUNDS_MAX = 50


class Crash(BaseException):
    """The process dies here. No Exception: nothing in the program may catch it."""


def canary_manifest(name: str = "app", **analysis: Any) -> Manifest:
    """A Canary for the Deployment `app`; `analysis` is laid over its analysis, in wire names."""
    metric = {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}}
    return {
        "apiVersion": CANARIES.api_version,
        "kind": CANARIES.kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "targetRef": {"name": "app"},
            "service": {"port": 80, "targetPort": 8080},
            "analysis": {"interval": "10s", "stepWeights": [20, 50], "metrics": [metric]} | analysis,
        },
    }


def deployment_manifest(image: str = "app:1", **spec: Any) -> Manifest:
    """The user's Deployment; `spec` is laid over its spec."""
    labels = {"app": "app"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    whole = {"replicas": 3, "selector": {"matchLabels": labels}, "template": pod} | spec
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app", "namespace": NAMESPACE, "labels": labels},
        "spec": whole,
    }


def daemon_set_manifest(image: str = "app:1", **spec: Any) -> Manifest:
    """The same application as the user's DaemonSet, with a choice of nodes of its own."""
    manifest = deployment_manifest(image, **spec)
    del manifest["spec"]["replicas"]
    manifest["spec"]["template"]["spec"] |= {"nodeSelector": {"disk": "ssd"}}
    return manifest | {"kind": DAEMON_SETS.kind}


def daemon_set_canary(**analysis: Any) -> Manifest:
    """A Canary for it."""
    canary = canary_manifest(**analysis)
    canary["spec"]["targetRef"] |= {"kind": DAEMON_SETS.kind}
    return canary


class ScriptedMetrics:
    """Answers from a table, by query; a query that nobody expects fails the test."""

    def __init__(self) -> None:
        self.answers: dict[str, Outcome] = {"vector(1)": Value(1.0)}
        self.asked: list[tuple[str, datetime]] = []
        self.counted: Callable[[str], float] = lambda _: 0.0
        """How many requests a workload got in any window."""
        self.unreached: Outcome = NoData()
        """What callers count of requests that reach no pod."""
        self.set(SUCCESS_RATE, Value(100.0))
        self.set(CANARY_REQUESTS, Value(0.0))
        self.set(STABLE_REQUESTS, Value(5.0))

    def set(self, probe: Probe, outcome: Outcome) -> None:
        """The answer to that probe from now on."""
        workload = "app" if probe.subject is Side.CANARY else "app-primary"
        self.answers[render_query(probe, NAMESPACE, workload)] = outcome

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        self.asked.append((query, at))
        if "destination_service_name=~" in query and query not in self.answers:
            return self.unreached
        counts = re.match(r'\(\(sum\(increase.*destination_workload="([^"]*)"', query)
        return Value(self.counted(counts[1])) if counts and query not in self.answers else self.answers[query]


class World:
    """All of it. Tests change the cluster and the metrics, let it run, and look at the cluster."""

    def __init__(
        self,
        *,
        canary: Manifest | None = None,
        deployment: Manifest | None = None,
        others: Iterable[tuple[Resource, Manifest]] = (),
    ) -> None:
        self.clock = VirtualClock()
        self.cluster = MemoryCluster(self.clock.now)
        self.cluster.on_change = self._on_change
        self.metrics = ScriptedMetrics()
        self.metrics.counted = self._counted
        self.hooks = ScriptedHooks(self.clock, Random(0))
        self.notifier = ScriptedNotifier()
        self.pods = MemoryPods(self.cluster.server)
        self.weights: list[tuple[float, int | None]] = []
        """When, in virtual seconds, the routes gave the canary which percentage."""
        self.crashes = 0
        self.mandate: Mandate = EVERYTHING
        """Counts from the next restart on."""
        self.secrets_off = False
        """Whether the operator lets no Secret be read. Counts from the next restart on."""
        self.pods_follow = True
        """Whether the Deployment controller does its work."""
        self._dirty = True
        self._questions: list[asyncio.Task[None]] = []
        self.reconciler = self._start()
        target = deployment or deployment_manifest()
        self.workloads = DAEMON_SETS if target["kind"] == DAEMON_SETS.kind else DEPLOYMENTS
        """The kind of the target."""
        self.cluster.put(self.workloads, target)
        for resource, manifest in others:
            self.cluster.put(resource, manifest)
        self.cluster.put(CANARIES, canary or canary_manifest())

    async def settle(self) -> datetime | None:
        """Reconcile until nothing changes any more; when to look again."""
        for _ in range(ROUNDS_MAX):
            self._dirty = False
            wake_at = await self._reconcile()
            if self.pods_follow:
                self.grow_pods()
            if not self._dirty:
                return wake_at
        raise AssertionError(f"still changing after {ROUNDS_MAX} reconciles")

    async def run_until(self, condition: Callable[[], object], within_s: float = 600.0) -> None:
        """Let things happen until the condition holds."""
        ends_at_s = self.clock.elapsed_s + within_s
        while True:
            wake_at = await self.settle()
            if condition():
                return
            assert wake_at is not None, f"nothing more will happen: {self.status}"
            self.clock.advance(max(0.0, (wake_at - self.clock.now()).total_seconds()))
            assert self.clock.elapsed_s <= ends_at_s, f"not within {within_s:g} s: {self.status}"

    async def run_until_phase(self, phase: Phase) -> None:
        """Let things happen until the Canary is in that phase."""
        await self.run_until(lambda: self.status.phase is phase)

    async def run_until_quiet(self, within_s: float = 600.0) -> None:
        """Let things happen until only a change from outside can make a difference."""
        ends_at_s = self.clock.elapsed_s + within_s
        while (wake_at := await self.settle()) is not None:
            self.clock.advance(max(0.0, (wake_at - self.clock.now()).total_seconds()))
            assert self.clock.elapsed_s <= ends_at_s, f"no rest within {within_s:g} s: {self.status}"

    async def initialize(self) -> None:
        """Bring a fresh Canary to rest."""
        await self.run_until_quiet()
        assert self.status.phase is Phase.INITIALIZED
        self.weights.clear()

    def release(self, image: str = "app:2") -> None:
        """The user rolls out another image."""
        template = deployment_manifest(image)["spec"]["template"]
        self.cluster.edit(self.workloads, KEY, {"spec": {"template": template}})

    def restart(self) -> None:
        """Another process goes on from what the API server has."""
        while self._questions:
            self._questions.pop().cancel()
        self.reconciler = self._start()
        self._dirty = True

    def grow_pods(self) -> None:
        """Every workload gets the pods it asks for, on its present template."""
        for manifest in self.cluster.list_all(DAEMON_SETS):
            count = 0 if is_off(manifest) else NODES
            names = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled", "numberAvailable")
            status = {"observedGeneration": manifest["metadata"]["generation"], **dict.fromkeys(names, count)}
            self.cluster.set_status(DAEMON_SETS, ObjectKey.of(manifest), status)
        for manifest in self.cluster.list_all(DEPLOYMENTS):
            count = manifest["spec"]["replicas"]
            counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
            status = {"observedGeneration": manifest["metadata"]["generation"], **counts}
            self.cluster.set_status(DEPLOYMENTS, ObjectKey.of(manifest), status)

    @contextmanager
    def recorded(self) -> Iterator[list[Write]]:
        """The writes that are tried within the block, but for those that change nothing."""
        begin, writes = len(self.cluster.writes), list[Write]()
        yield writes
        term = 0
        for place, write in enumerate(self.cluster.writes):
            if place >= begin and not (only_claims(write) and write.status["term"] <= term):
                writes.append(write)
            term = max(term, write.status["term"]) if isinstance(write, PatchStatus) else term

    def get(self, resource: Resource, key: ObjectKey = KEY) -> Manifest:
        """An object that is there."""
        found = self.cluster.stored(resource, key)
        assert found is not None, f"{resource} {key} is absent"
        return found

    @property
    def status(self) -> CanaryStatus:
        """The Canary's status as the server has it."""
        return CanaryStatus.model_validate(self.get(CANARIES).get("status") or {})

    @property
    def weight(self) -> int | None:
        """What the routes give the canary, in percent."""
        canary = self.get(CANARIES)
        subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
        return mode_of(subject.spec).observe(self.cluster, subject, self.status, deleting=False).route_weight

    def _counted(self, workload: str) -> float:
        """A thousand requests, shared as the routes share them, or copied to the canary."""
        canary, status = self.get(CANARIES), self.status
        subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
        weight = self.weight or 0
        if workload == mode_of(subject.spec).workload(subject, status, Side.CANARY):
            return 1000.0 if status.mirrored else 10.0 * weight
        return 1000.0 - 10.0 * weight

    def condition(self, kind: ConditionType) -> Condition:
        """One condition of the Canary."""
        return next(condition for condition in self.status.conditions if condition.type == kind)

    def events(self) -> list[tuple[str, str]]:
        """Reason and message of each Event, in their order."""
        written = [write.manifest for write in self.cluster.writes if isinstance(write, Create)]
        return [(event["reason"], event["message"]) for event in written if event["kind"] == EVENTS.kind]

    def replicas(self, key: ObjectKey = KEY) -> int:
        """The size of a Deployment; of a DaemonSet, on how many nodes it is meant to be."""
        manifest = self.get(self.workloads, key)
        if self.workloads == DAEMON_SETS:
            return 0 if is_off(manifest) else NODES
        size: int = manifest["spec"]["replicas"]
        return size

    def image(self, key: ObjectKey) -> str:
        """What a workload runs."""
        image: str = self.get(self.workloads, key)["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    async def _reconcile(self) -> datetime | None:
        """And wait for the answers to all that was asked; as workers do, only if it is ours."""
        if not self.mandate.holds(KEY):
            return None
        try:
            try:
                return await self.reconciler.reconcile(KEY)
            finally:
                while self._questions:
                    await self._questions.pop(0)
        except Crash:
            self.crashes += 1
            self.restart()
            return None

    def _start(self) -> Reconciler:
        self.registry = CollectorRegistry()
        reporter = Reporter(self.registry, log=structlog.testing.CapturingLogger())
        secrets = self.secrets = MemorySecrets(self.cluster.server)
        alerter = Alerter(self.cluster, self.notifier, secrets, self.clock, Sender(HOME, "eu-1"))
        read: Secrets = NoSecrets() if self.secrets_off else secrets
        caller, off = Caller(self.hooks, read), self.secrets_off
        ways = Ways(self.cluster, self.metrics, caller, read, self.pods, alerter=alerter, secrets_off=off)
        self.exchange = Exchange(ways, self.clock, self._ask, self._on_answer)
        return Reconciler(self.cluster, self.exchange, reporter, Charge(self.clock, AT_ONCE, mandate=self.mandate))

    def _ask(self, question: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._questions.append(asyncio.create_task(question))
        return self._questions[-1]

    def _on_answer(self, _key: ObjectKey) -> None:
        self._dirty = True

    def _on_change(self, resource: Resource, _key: ObjectKey) -> None:
        self._dirty = True
        if resource == VIRTUAL_SERVICES and self.cluster.stored(CANARIES, KEY) is not None:
            weight = self.weight
            if not self.weights or self.weights[-1][1] != weight:
                self.weights.append((self.clock.elapsed_s, weight))


def only_claims(write: Write) -> TypeGuard[PatchStatus]:
    """Whether a write begins a term and says nothing more; in a term begun already it changes nothing."""
    return isinstance(write, PatchStatus) and write.status.keys() == {"term"}


def made_keys() -> list[tuple[Resource, ObjectKey]]:
    """Everything that the controller makes for the Canary `app`."""
    return [
        (DEPLOYMENTS, PRIMARY_KEY), (SERVICES, KEY), (SERVICES, PRIMARY_KEY), (SERVICES, CANARY_KEY),
        (DESTINATION_RULES, PRIMARY_KEY), (DESTINATION_RULES, CANARY_KEY), (VIRTUAL_SERVICES, KEY),
    ]  # fmt: skip
