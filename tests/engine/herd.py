"""Many Canaries released at about the same time, before a Prometheus that counts: the real engine, in virtual time.

Each query is evaluated over samples, so that what came by one query for many can be held against one for each.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.api.status import Phase
from rollouts.core.grid import floor_instant
from rollouts.core.measurement import Outcome
from rollouts.engine.ask import Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.metrics.grouping import Grouping, GroupingOptions
from rollouts.ports import SeriesOutcome, WorkloadQuery
from rollouts.telemetry.report import Reporter
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.pods import PodsController
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import START, VirtualClock, run_virtually
from tests.engine.world import deployment_manifest
from tests.promql.evaluate import Labels, Past
from tests.promql.played import PlayedPrometheus

GRID_S, INTERVAL_S, SPREAD_S = 10.0, 20.0, 10.0
SCRAPE_S, CALM_S, PLAYED_S = 5, 60.0, 320
BOUNDS_MS = {"25": 0.95, "500": 1.0, "1000": 1.0, "+Inf": 1.0}
"""How many of the requests are below each bound."""
METRICS = {"request-success-rate": "100 * (1 - ", "request-duration": "histogram_quantile("}
"""Those that are judged, and how their queries begin."""
ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Answered:
    """One question, and what its asker was told."""

    question: WorkloadQuery
    at: datetime
    outcome: Outcome


@dataclass(slots=True)
class Watched:
    """Implements `ports.GroupedSource`: as another one, and remembers."""

    source: Grouping
    answered: list[Answered] = field(default_factory=list)

    async def measure_of(self, question: WorkloadQuery, at: datetime) -> Outcome:
        """As the port says."""
        outcome = await self.source.measure_of(question, at)
        self.answered.append(Answered(question, at, outcome))
        return outcome

    async def series_of(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """As the port says."""
        return await self.source.series_of(question, at)


Story = Callable[["Herd"], Awaitable[None]]


class Herd:
    """All of it. Every tenth of the new versions fails half of its requests."""

    def __init__(self, size: int, *, seed: int = 1, options: GroupingOptions | None = None) -> None:
        self.keys = tuple(ObjectKey(f"shop{number % (1 + size // 20)}", f"app{number}") for number in range(size))
        self.random, self.clock = Random(seed), VirtualClock()
        self.cluster = MemoryCluster(self.clock.now)
        self.pods = PodsController(self.cluster.server, Random(seed), lambda _: 2.0)
        self.prometheus = PlayedPrometheus(_traffic(self.keys))
        self.answered: list[Answered] = []
        self.began: dict[ObjectKey, datetime] = {}
        """When each release did."""
        self.warning = ""
        """What Prometheus warns of from the releases on."""
        self._options = options or GroupingOptions(grid_s=GRID_S)

    def run(self, for_s: float, then: Story | None = None) -> None:
        """Bring all to rest, release all within SPREAD_S, and go on for so long at most, or to the ends."""
        run_virtually(self.clock, self._whole(for_s, then))

    def phases(self) -> Counter[str]:
        """How many Canaries are in each phase."""
        return Counter(str((self._stored(key).get("status") or {}).get("phase")) for key in self.keys)

    def queries(self) -> dict[datetime, int]:
        """How many queries were sent for each instant of the grid at which judgements were due."""
        due = Counter(at for _, at in self.prometheus.asked if self.is_due(at))
        return dict(sorted(due.items()))

    def questions(self) -> Counter[datetime]:
        """How many questions these were."""
        return Counter(one.at for one in self.answered if self.is_due(one.at))

    def others(self) -> int:
        """Queries that are of no judgement: whether the source answers before a start, who still asks after the end."""
        return sum(not self.is_due(at) for _, at in self.prometheus.asked)

    async def unequal(self) -> list[Answered]:
        """What was told to an asker and differs from what its own query gives."""
        alone = PlayedPrometheus(self.prometheus.past)
        instants = sorted({at for _, at in self.prometheus.asked})
        found = []
        for one in self.answered:
            latest = one.at + timedelta(seconds=0 if self.is_due(one.at) else self._options.gather_s)
            meant = [at for at in instants if one.at <= at <= latest]
            if not any([await alone.measure(one.question.query, at) == one.outcome for at in meant]):
                found.append(one)
        return found

    def is_due(self, at: datetime) -> bool:
        """Whether the instant is one of judgements."""
        return floor_instant(at, GRID_S) == at

    def _stored(self, key: ObjectKey) -> Manifest:
        return self.cluster.stored(CANARIES, key) or {}

    async def _whole(self, for_s: float, then: Story | None) -> None:
        for key in self.keys:
            self.cluster.put(DEPLOYMENTS, _deployment(key, "app:1"))
            self.cluster.put(CANARIES, _canary(key))
        self.pods.start()
        async with asyncio.TaskGroup() as tasks:
            life = tasks.create_task(self._live())
            await self._until(CALM_S, lambda phases: phases[Phase.INITIALIZED] == len(self.keys))
            assert self.phases()[Phase.INITIALIZED] == len(self.keys), self.phases()
            await asyncio.sleep(CALM_S - self.clock.elapsed_s % CALM_S)
            self.prometheus.asked.clear()
            self.answered.clear()
            self.prometheus.warning = self.warning
            for key in self.keys:
                tasks.create_task(self._release(key, self.random.uniform(0, SPREAD_S)))
            await self._until(for_s, lambda phases: sum(phases[phase] for phase in ENDED) == len(self.keys))
            if then is not None:
                await then(self)
            life.cancel()

    async def _release(self, key: ObjectKey, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.began[key] = self.clock.now()
        self.cluster.edit(DEPLOYMENTS, key, {"spec": {"template": _deployment(key, "app:2")["spec"]["template"]}})

    async def _until(self, for_s: float, condition: Callable[[Counter[str]], bool]) -> None:
        ends_s = self.clock.elapsed_s + for_s
        while self.clock.elapsed_s < ends_s and not condition(self.phases()):  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(2.0)

    async def _live(self) -> None:
        queue, reporter = KeyQueue(self.clock), Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())

        def on_change(resource: Resource, key: ObjectKey) -> None:
            wake_interested(self.cluster, queue, resource, key)

        self.cluster.on_change = on_change
        wake_all(self.cluster, queue)
        async with asyncio.TaskGroup() as tasks:
            grouping = Grouping(self.prometheus, tasks.create_task, self._options)
            watched = Watched(grouping, self.answered)
            secrets = MemorySecrets(self.cluster.server)
            caller = Caller(ScriptedHooks(self.clock, Random(0)), secrets)
            ways = Ways(self.cluster, grouping, caller, secrets, grouped=watched, grid_s=GRID_S)
            exchange = Exchange(ways, self.clock, tasks.create_task, queue.add)
            reconciler = Reconciler(self.cluster, exchange, reporter, Charge(self.clock, AT_ONCE, on_look=queue.seen))
            await Workers(queue, reconciler, self.clock, reporter).run(8)


def _canary(key: ObjectKey) -> Manifest:
    metrics = [
        {"name": "request-success-rate", "interval": "1m", "thresholdRange": {"min": 99}},
        {"name": "request-duration", "interval": "1m", "thresholdRange": {"max": 500}},
    ]
    analysis = {"interval": f"{INTERVAL_S:g}s", "stepWeights": [20, 50], "threshold": 1, "metrics": metrics}
    return {
        "apiVersion": CANARIES.api_version,
        "kind": CANARIES.kind,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": {"targetRef": {"name": key.name}, "service": {"port": 80}, "analysis": analysis},
    }


def _deployment(key: ObjectKey, image: str) -> Manifest:
    labels = {"app": key.name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": image}]}}
    whole = deployment_manifest(image, selector={"matchLabels": labels}, template=pod)
    return whole | {"metadata": {"name": key.name, "namespace": key.namespace, "labels": labels}}


def _traffic(keys: Iterable[ObjectKey]) -> Past:
    """The same requests a second all the time, on both sides; some of the canaries' never reach a pod."""
    past = Past()
    for number, key in enumerate(keys):
        bad = 0.5 if number % 10 == 3 else 0.0
        for workload, share in ((key.name, bad), (f"{key.name}-primary", 0.0)):
            _counted(past, ObjectKey(key.namespace, workload), number, share)
    return past


def _counted(past: Past, workload: ObjectKey, number: int, bad: float) -> None:
    of = {
        "destination_workload_namespace": workload.namespace, "destination_workload": workload.name,
        "destination_service_namespace": workload.namespace, "destination_service_name": f"{workload.name}-canary",
        "pod": f"{workload.name}-x",
        "response_flags": "-",
    }  # fmt: skip
    rate = 3 + number % 7
    for reporter in ("destination", "source"):
        for code, share in (("200", 1 - bad), ("500", bad)):
            labels = of | {"reporter": reporter, "response_code": code}
            past.series[_named("istio_requests_total", labels)] = _points(rate * share, number)
    for bound, share in BOUNDS_MS.items():
        labels = of | {"reporter": "destination", "response_code": "200", "le": bound}
        past.series[_named("istio_request_duration_milliseconds_bucket", labels)] = _points(rate * share, number)


def _points(rate: float, number: int) -> list[tuple[int, float]]:
    offset_ms = number * 373 % (SCRAPE_S * 1000)
    instants = range(-120, PLAYED_S + 120, SCRAPE_S)
    start_ms = round(START.timestamp() * 1000) + offset_ms
    return [(start_ms + at_s * 1000, 1000.0 + int(rate * (at_s + 120))) for at_s in instants]


def _named(name: str, labels: dict[str, str]) -> Labels:
    return frozenset({("__name__", name), *labels.items()})
