"""Questions run beside everything else: what hangs delays the one judgement that needs it, and nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.actions import PREFIX
from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.api.status import Phase, Verdict
from rollouts.core.measurement import Outcome, Probe, Signal, Value
from rollouts.core.resting import PREFLIGHT_RETRY
from rollouts.core.running import EVIDENCE_MAX_AGE
from rollouts.engine.ask import ANSWER_MAX_S, KEPT, Asker, Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.queue import KeyQueue
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.subject import Subject
from rollouts.engine.supervisor import Workers, wake_all, wake_interested
from rollouts.metrics.prometheus_options import PrometheusOptions
from rollouts.ports import PatchStatus, Write
from rollouts.telemetry.report import Reporter
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.virtual_time import START, run_virtually
from tests.engine.leaving import take_away
from tests.engine.world import INTERVAL_S, KEY, SUCCESS_RATE, ScriptedMetrics, World, canary_manifest

STATUS_TAKES_S = 0.2
AT_ONCE_S = 3 * STATUS_TAKES_S
"""A few writes."""


class HangingMetrics:
    """Answers as another source does, but of what pods count not before it is let go."""

    def __init__(self, source: ScriptedMetrics) -> None:
        self.let_go = asyncio.Event()
        self.asked_at: list[datetime] = []
        self.given_up = 0
        self._source = source

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        if "destination_service_name=~" in query:
            return await self._source.measure(query, at)
        self.asked_at.append(at)
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return await self._source.measure(query, at)


class SlowCluster:
    """Implements `ports.Cluster`: as another one, and each status takes a while to be written."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self.read, self.list_all, self.trouble = cluster.read, cluster.list_all, cluster.trouble
        self._cluster = cluster

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        if isinstance(write, PatchStatus):
            await asyncio.sleep(STATUS_TAKES_S)
        return await self._cluster.write(write)


class Living:
    """The queue and the workers over a World, with a source of their own. Time passes by itself."""

    def __init__(self, world: World, metrics: HangingMetrics) -> None:
        self.queue = KeyQueue(world.clock)
        self._world = world
        self._cluster = SlowCluster(world.cluster)
        self._metrics = metrics
        self._noted = world.cluster.on_change
        world.cluster.on_change = self._on_change

    async def run(self) -> None:
        """As the program does, until cancelled."""
        world, reporter = self._world, Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())
        async with asyncio.TaskGroup() as tasks:
            caller = Caller(world.hooks, world.secrets)
            ways = Ways(self._cluster, self._metrics, caller, world.secrets)
            exchange = Exchange(ways, world.clock, tasks.create_task, self.queue.add)
            reconciler = Reconciler(self._cluster, exchange, reporter, Charge(world.clock, AT_ONCE))
            wake_all(world.cluster, self.queue)
            await Workers(self.queue, reconciler, world.clock, reporter).run(2)

    def _on_change(self, resource: Resource, key: ObjectKey) -> None:
        self._noted(resource, key)
        wake_interested(self._world.cluster, self.queue, resource, key)


@asynccontextmanager
async def judging(world: World, metrics: HangingMetrics) -> AsyncIterator[None]:
    """A release with 20 % of the traffic has just begun to be judged, and the workers run for the block."""
    await world.initialize()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(Living(world, metrics).run())
        await asyncio.sleep(INTERVAL_S + 1.0)
        assert len(metrics.asked_at) == 1
        yield
        running.cancel()
    assert asyncio.all_tasks() == {asyncio.current_task()}


Story = Callable[[World, HangingMetrics], Coroutine[Any, Any, None]]


def tell(story: Story, **analysis: Any) -> None:
    """In virtual time, with a source that hangs from the first judgement on, which has one question."""
    world = World(canary=canary_manifest(**{"shareCheck": "none"} | analysis))

    async def whole() -> None:
        metrics = HangingMetrics(world.metrics)
        async with judging(world, metrics):
            await story(world, metrics)

    run_virtually(world.clock, whole())


def test_a_new_revision_is_seen_while_the_source_hangs() -> None:
    """The canary's traffic is taken away at once."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        world.release("app:3")
        await asyncio.sleep(AT_ONCE_S)
        assert (world.weight, world.status.step_index) == (0, 0)

    tell(story)


def test_an_abort_is_carried_out_while_the_source_hangs() -> None:
    """So is what a person asks for."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        world.cluster.edit(CANARIES, KEY, {"metadata": {"annotations": {PREFIX + "abort": "1"}}})
        await asyncio.sleep(AT_ONCE_S)
        assert (world.weight, world.status.phase) == (0, Phase.FAILED)

    tell(story)


def test_an_edited_route_is_put_back_while_the_source_hangs() -> None:
    """And drift is mended."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        rules = [dict(rule) for rule in world.get(VIRTUAL_SERVICES)["spec"]["http"]]
        weights = zip(rules[0]["route"], (30, 70), strict=True)
        rules[0]["route"] = [part | {"weight": weight} for part, weight in weights]
        world.cluster.edit(VIRTUAL_SERVICES, KEY, {"spec": {"http": rules}})
        assert world.weight == 70
        await asyncio.sleep(AT_ONCE_S)
        assert world.weight == 20

    tell(story)


def test_what_hangs_is_asked_once_and_given_up() -> None:
    """However often the Canary is looked at meanwhile; the answer speaks of when it was asked, and decides nothing."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        asked_at = metrics.asked_at[0]
        for _ in range(13):
            world.cluster.edit(CANARIES, KEY, {"metadata": {"labels": {"touched": str(world.clock.elapsed_s)}}})
            await asyncio.sleep(1.0)
        assert (metrics.asked_at, metrics.given_up, world.status.metrics) == ([asked_at], 0, ())
        await asyncio.sleep(ANSWER_MAX_S - 13.0)
        (result,) = world.status.metrics
        assert (result.verdict, result.measured_at) == (Verdict.ERROR, asked_at)
        assert result.message == f"request-success-rate: no answer within {ANSWER_MAX_S:g} s"
        metrics.let_go.set()
        await asyncio.sleep(2 * INTERVAL_S)
        assert world.weight == 50

    tell(story)


def test_a_bad_answer_that_comes_late_rolls_back_at_once() -> None:
    """The answer itself calls the Canary; nothing else happens then."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        world.metrics.set(SUCCESS_RATE, Value(1.0))
        metrics.let_go.set()
        await asyncio.sleep(AT_ONCE_S)
        assert (world.weight, world.status.phase) == (0, Phase.FAILED)

    tell(story, threshold=1)


def test_an_answer_that_comes_in_mid_reconcile_is_neither_lost_nor_asked_for_again() -> None:
    """It was still missing when the reconcile decided what to ask, and is there when that gets to asking."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"threshold": 4}}})
        await asyncio.sleep(STATUS_TAKES_S / 2)
        metrics.let_go.set()
        await asyncio.sleep(AT_ONCE_S)
        assert (len(metrics.asked_at), world.weight) == (1, 50)

    tell(story)


def test_the_questions_of_a_deleted_canary_are_cancelled() -> None:
    """Nobody asks for an answer that has no use any more."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        take_away(world)
        await asyncio.sleep(AT_ONCE_S)
        assert metrics.given_up == 1

    tell(story)


def test_the_end_of_the_program_cancels_questions() -> None:
    """`judging` looks that no task is left."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        assert metrics.given_up == 0

    tell(story)


def test_a_defect_in_a_question_concerns_its_canary_alone() -> None:
    """It reaches the worker, which logs it and tries again later; no task group falls."""

    async def story(world: World, metrics: HangingMetrics) -> None:
        world.metrics.answers.clear()
        metrics.let_go.set()
        with structlog.testing.capture_logs() as logs:
            await asyncio.sleep(INTERVAL_S)
        assert [entry["event"] for entry in logs] == ["reconcile_defect"]
        world.metrics.set(SUCCESS_RATE, Value(100.0))
        await asyncio.sleep(60.0)
        assert world.weight == 50

    tell(story)


def test_the_limit_fits_between_the_sources_patience_and_the_freshness_of_answers() -> None:
    """Of two questions that hang, one can be asked again while the answer to the other still counts."""
    assert PrometheusOptions().patience_s < ANSWER_MAX_S
    assert min(EVIDENCE_MAX_AGE, PREFLIGHT_RETRY).total_seconds() >= 2 * ANSWER_MAX_S


async def test_answers_are_bounded_and_the_newest() -> None:
    """One for each question, and of no more than a few."""
    world = World()
    (canary,) = world.cluster.list_all(CANARIES)
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    probes = [Probe(Signal.SUCCESS_RATE, window_s=INTERVAL_S + more) for more in range(KEPT + 4)]
    for probe in probes:
        world.metrics.set(probe, Value(probe.window_s))
    queue = KeyQueue(world.clock)
    async with asyncio.TaskGroup() as tasks:
        caller = Caller(world.hooks, world.secrets)
        ways = Ways(world.cluster, world.metrics, caller, world.secrets)
        asker = Asker(ways, world.clock, tasks.create_task, queue.add)
        asker.ask(KEY, probes * 2, subject)
        await asyncio.wait(asker._canaries[KEY].in_flight.values())
        world.clock.advance(1.0)
        asker.ask(KEY, probes[5:6], subject)
    assert len(world.metrics.asked) == len(probes) + 1
    assert len(queue) == 1
    answers = asker.answers(KEY)
    assert [sample.probe for sample in answers] == [probes[4], *probes[6:], probes[5]]
    assert [sample.at for sample in answers] == [START] * (KEPT - 1) + [START + timedelta(seconds=1)]
