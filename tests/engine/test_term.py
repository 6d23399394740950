"""Two processes and one Canary: who raised the term last acts, the other stands back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import CANARIES, SERVICES, VIRTUAL_SERVICES, Manifest, Resource
from rollouts.api.status import CanaryStatus, ConditionType, Phase
from rollouts.engine.ask import ANSWER_MAX_S, Ways
from rollouts.engine.calling import Caller
from rollouts.engine.charge import Charge
from rollouts.engine.exchange import Exchange
from rollouts.engine.readiness import AT_ONCE
from rollouts.engine.reconcile import Reconciler
from rollouts.engine.term import TAKEOVER, Tenure
from rollouts.engine.work import REFUSED_RETRY
from rollouts.errors import Conflict, Forbidden
from rollouts.ports import Apply, PatchStatus, Write
from rollouts.telemetry.report import Reporter
from rollouts.testing.memory_server import Change
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import START
from tests.engine.leaving import take_away
from tests.engine.world import CANARY_KEY, INTERVAL_S, KEY, World, canary_manifest, only_claims

TAKEOVER_S = TAKEOVER.total_seconds()


class Other:
    """Another process on the server of a World, with stores of its own. Implements `ports.Cluster` for itself."""

    def __init__(self, world: World) -> None:
        self.writes: list[Write] = []
        self.refuses: Resource | None = None
        """A kind that it may not write."""
        self.deaf = False
        """Whether its stores hear nothing."""
        self._view = MemoryView(world.cluster.server)
        self._view.list_again()
        self.read, self.list_all, self.trouble = self._view.read, self._view.list_all, self._view.trouble
        world.cluster.server.watchers.append(self._hear)
        reporter = Reporter(CollectorRegistry(), log=structlog.testing.CapturingLogger())
        secrets = MemorySecrets(world.cluster.server)
        ways = Ways(self, world.metrics, Caller(world.hooks, secrets), secrets)
        exchange = Exchange(ways, world.clock, self._start, lambda _key: None)
        self._reconciler = Reconciler(self, exchange, reporter, Charge(world.clock, AT_ONCE))
        self._questions: list[asyncio.Task[None]] = []

    async def look(self) -> datetime | None:
        """Reconcile until all is answered; when to look again."""
        while True:
            wake_at = await self._reconciler.reconcile(KEY)
            if not self._questions:
                return wake_at
            while self._questions:
                await self._questions.pop()

    def catch_up(self) -> None:
        """It hears everything, and goes on hearing."""
        self.deaf = False
        self._view.list_again()

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        self.writes.append(write)
        if write.resource == self.refuses:
            raise Forbidden("not allowed", status=403)
        return await self._view.write(write)

    def _hear(self, change: Change) -> None:
        if not self.deaf:
            self._view.hear(change.place, change.after, change.version)

    def _start(self, question: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._questions.append(asyncio.create_task(question))
        return self._questions[-1]


async def released() -> tuple[World, Other]:
    """One process has brought a release to 20 %; the other has looked at the Canary before and after."""
    world = World()
    await world.initialize()
    other = Other(world)
    await other.look()
    world.release()
    await world.run_until(lambda: world.status.dwell_started_at is not None)
    await other.look()
    assert other.writes == []
    return world, other


def drift(world: World) -> None:
    """Somebody deletes a Service of ours."""
    world.cluster.delete(SERVICES, CANARY_KEY)


def is_mended(world: World) -> bool:
    """Whether it is there again."""
    return world.cluster.stored(SERVICES, CANARY_KEY) is not None


async def test_a_whole_life_is_one_term_and_costs_no_write_more() -> None:
    """The claim is part of the very first status; a release of two steps takes nine statuses, as without terms."""
    world = World()
    await world.initialize()
    began = len(world.cluster.writes)
    world.release()
    await world.run_until_quiet()
    assert world.status.term == 1
    assert sum(isinstance(write, PatchStatus) for write in world.cluster.writes[began:]) == 9
    assert not any(only_claims(write) for write in world.cluster.writes)


async def test_an_idle_canary_is_claimed_by_nobody() -> None:
    """Another process, and one that starts: neither sends anything for what is at rest."""
    world = World()
    await world.initialize()
    other = Other(world)
    began = len(world.cluster.writes)
    for _ in range(10):
        world.clock.advance(60.0)
        world.restart()
        await world.settle()
        await other.look()
    assert (world.cluster.writes[began:], other.writes) == ([], [])


@pytest.mark.parametrize("what", ["a judgement", "a repair"])
async def test_a_process_that_starts_goes_on_at_once(what: str) -> None:
    """It begins a term of its own for the question or the write that is due."""
    world, _ = await released()
    world.clock.advance(INTERVAL_S if what == "a judgement" else 1.0)
    if what == "a repair":
        drift(world)
    world.restart()
    await world.reconciler.reconcile(KEY)
    assert world.status.term == 2
    await world.settle()
    assert (world.weight, is_mended(world)) == (50 if what == "a judgement" else 20, True)


async def test_the_other_process_acts_when_the_first_is_silent() -> None:
    """Five seconds of something undone; then the first one, back again, leaves it alone in turn."""
    world, other = await released()
    drift(world)
    assert await other.look() == world.clock.now() + TAKEOVER
    world.clock.advance(TAKEOVER_S - 0.1)
    await other.look()
    assert (other.writes, is_mended(world)) == ([], False)
    world.clock.advance(0.1)
    await other.look()
    assert (world.status.term, is_mended(world)) == (2, True)

    drift(world)
    with world.recorded() as writes, structlog.testing.capture_logs() as logs:
        assert await world.settle() == world.clock.now() + TAKEOVER
    assert (writes, is_mended(world)) == ([], False)
    assert [(entry["event"], entry["term"]) for entry in logs] == [("claimed_by_another_process", 2)]
    world.clock.advance(TAKEOVER_S)
    await world.settle()
    assert (world.status.term, is_mended(world)) == (3, True)


async def test_a_process_that_is_at_it_is_not_disturbed() -> None:
    """What is undone for seconds, but not the same for five, is somebody's work."""
    world, other = await released()
    for number in range(4):
        drift(world)
        await other.look()
        world.clock.advance(TAKEOVER_S - 2.0)
        await other.look()
        world.cluster.edit(CANARIES, KEY, {"metadata": {"labels": {"number": str(number)}}})
        await world.settle()
        await other.look()
    assert (other.writes, world.status.term) == ([], 1)


async def test_a_question_of_the_other_process_is_given_its_time() -> None:
    """The one whose turn it is may wait for an answer that long, and says nothing meanwhile."""
    world, other = await released()
    world.clock.advance(INTERVAL_S)
    asked = len(world.metrics.asked)
    again_at = world.clock.now() + TAKEOVER + timedelta(seconds=ANSWER_MAX_S)
    assert await other.look() == again_at
    world.clock.advance(TAKEOVER_S + ANSWER_MAX_S - 0.1)
    await other.look()
    assert (other.writes, len(world.metrics.asked)) == ([], asked)
    world.clock.advance(0.1)
    await other.look()
    assert (world.status.term, world.weight) == (2, 50)


async def test_a_refusal_that_was_told_is_not_tried_by_both() -> None:
    """The one whose turn it is tries it again in half a minute; only then the other looks whether it may."""
    world = World()
    await world.initialize()
    other = Other(world)
    await other.look()

    def refuse(write: Write) -> None:
        if write.resource == SERVICES:
            raise Forbidden("not allowed", status=403)

    world.cluster.before = refuse
    drift(world)
    await world.settle()
    assert world.condition(ConditionType.READY).reason == "Forbidden"
    other.refuses = SERVICES
    assert await other.look() == world.clock.now() + TAKEOVER + REFUSED_RETRY
    world.clock.advance(REFUSED_RETRY.total_seconds())
    await world.settle()
    await other.look()
    assert (other.writes, world.status.term) == ([], 1)
    world.clock.advance(TAKEOVER_S)
    other.refuses = None
    await other.look()
    assert (is_mended(world), world.status.term) == (True, 2)
    assert world.condition(ConditionType.READY).status == "True"


async def test_who_loses_the_term_in_mid_work_stops() -> None:
    """The object that is being written may still land; the next one is not sent."""
    world, _ = await released()
    drift(world)
    world.cluster.delete(VIRTUAL_SERVICES, KEY)

    def claim(write: Write) -> None:
        if isinstance(write, Apply):
            world.cluster.set_status(CANARIES, KEY, world.status.model_copy(update={"term": 7}).to_wire())

    world.cluster.after = claim
    with world.recorded() as writes, pytest.raises(Conflict, match="claimed by another process"):
        await world.reconciler.reconcile(KEY)
    assert [type(write) for write in writes] == [PatchStatus, Apply]
    assert await world.reconciler.reconcile(KEY) == world.clock.now() + TAKEOVER


async def test_two_that_start_together_settle() -> None:
    """Both see a Canary that nobody has touched: one claims it, and the other lets it work to the end."""
    world = World()
    other = Other(world)
    other.deaf = True
    await world.reconciler.reconcile(KEY)
    with pytest.raises(Conflict):
        await other.look()
    other.catch_up()
    other.writes.clear()
    await other.look()
    await world.run_until_phase(Phase.INITIALIZED)
    await other.look()
    assert (other.writes, world.status.term) == ([], 1)


async def test_an_invalid_spec_is_told_by_one() -> None:
    """The other leaves that to it, too."""
    world, other = await released()
    world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"stepWeights": [50, 20]}}})
    assert await other.look() == world.clock.now() + TAKEOVER
    await world.settle()
    assert await other.look() is None
    assert (other.writes, world.condition(ConditionType.READY).reason) == ([], "SpecInvalid")
    world.cluster.edit(CANARIES, KEY, {"spec": {"analysis": {"stepWeights": [50, 30]}}})
    await other.look()
    world.clock.advance(TAKEOVER_S)
    await other.look()
    assert (world.status.term, "50, 30" in world.condition(ConditionType.READY).message) == (2, False)
    assert [type(write) for write in other.writes] == [PatchStatus]


async def test_a_canary_made_again_is_a_new_one() -> None:
    """Deleted and made again between two looks: nothing known of the old one makes the new one wait."""
    world, _ = await released()
    world.cluster.lagging = True
    take_away(world)
    world.cluster.put(CANARIES, canary_manifest())
    world.cluster.catch_up()
    await world.run_until_quiet()
    assert (world.status.phase, world.status.term) == (Phase.SUCCEEDED, 1)


def look(tenure: Tenure, status: CanaryStatus) -> bool:
    """At a status as it would be stored."""
    return tenure.look(status, status.to_wire())


def test_a_term_that_is_lost_is_lost() -> None:
    """Though somebody writes its number into the status again."""
    tenure = Tenure()
    ours, theirs = CanaryStatus(term=5), CanaryStatus(term=6)
    look(tenure, ours)
    tenure.term = 5
    assert (look(tenure, ours), tenure.holds(ours), tenure.next_term(ours)) == (False, True, 5)
    assert (look(tenure, theirs), tenure.holds(theirs), tenure.next_term(theirs)) == (True, False, 7)
    assert (look(tenure, ours), tenure.holds(ours), tenure.next_term(ours)) == (True, False, 6)


def test_a_canary_at_rest_keeps_what_was_known_of_its_term() -> None:
    """Of the status it keeps the digest alone: the same is no news, and another process's is."""
    tenure = Tenure()
    ours, theirs = CanaryStatus(term=5), CanaryStatus(term=6)
    assert look(tenure, ours)
    for _ in range(2):
        tenure.rest()
        assert not look(tenure, ours)
    tenure.rest()
    assert look(tenure, theirs)
    assert tenure.stand_back(timedelta(), START) == START + TAKEOVER


def test_what_is_done_in_between_is_not_left_undone() -> None:
    """The five seconds begin with what is undone now, under the status that there is now, not with what once was."""
    tenure, at_once = Tenure(), timedelta()
    look(tenure, CanaryStatus(term=1))
    look(tenure, CanaryStatus(term=2))
    assert tenure.stand_back(at_once, START) == START + TAKEOVER
    assert tenure.stand_back(None, START + TAKEOVER / 2) is None
    assert tenure.stand_back(at_once, START + TAKEOVER) == START + 2 * TAKEOVER
    look(tenure, CanaryStatus(term=2, step_index=1))
    assert tenure.stand_back(at_once, START + 2 * TAKEOVER) == START + 3 * TAKEOVER
