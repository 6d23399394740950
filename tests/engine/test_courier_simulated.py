"""The courier under services that fail and processes that die, in virtual time: drawn worlds, replayed by their seed.

A world is a status that only `with_notices` changes, two AlertProviders, and processes that follow one another.
Whatever happens: each notice arrives at each provider under its one id, or is counted as lost; once in the life of a
process, and never again once the status knows it; in order at its first arrival, but for what one process had given up
and the next one brings after all; and never before a service that asked for a pause had it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import ALERT_PROVIDERS, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Announcement
from rollouts.core.notification import Notification
from rollouts.core.observed import Observed
from rollouts.core.outbox import with_notices
from rollouts.core.receipts import Receipt, mark_of, read_receipts
from rollouts.engine.alerting import Alerter, Sender
from rollouts.engine.calling import Caller
from rollouts.engine.courier import ALERTS_GIVE_UP_AFTER, Courier
from rollouts.engine.subject import Subject
from rollouts.ports import Delivered, Destination, Undelivered
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.memory_cluster import MemoryCluster
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import VirtualClock, run_virtually
from tests.engine.alerts import alert, provider, secret
from tests.engine.world import HOME, KEY, canary_manifest

PROVIDERS = ("chat", "pager")
NEWS = 12


@dataclass(slots=True)
class Services:
    """Implements `ports.Notifier`: both services, moody, and slow now and then."""

    random: Random
    clock: VirtualClock
    mood: float
    arrived: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in PROVIDERS})
    closed_until: dict[str, datetime] = field(default_factory=dict)
    early: list[str] = field(default_factory=list)
    known: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in PROVIDERS})
    """What must not come again: sent by this process, or recorded before it."""
    late: set[str] = field(default_factory=set)
    """What came after the time in which it would have been given up."""

    async def notify(self, to: Destination, notification: Notification, thread: str) -> Delivered | Undelivered:
        """As the port says."""
        name = to.spec.username
        if name in self.closed_until and self.clock.now() < self.closed_until[name]:
            self.early.append(notification.id)
        await self.clock.sleep(self.random.choice([0.0, 0.1, 5.0]))
        drawn = self.random.random()
        if drawn < self.mood:
            asked_s = self.random.choice([None, 3.0, 45.0, 200.0])
            if asked_s is not None:
                self.closed_until[name] = self.clock.now() + timedelta(seconds=asked_s)
            return Undelivered("HTTP 429", asked_s, lasting=drawn < 0.05)
        assert notification.id not in self.known[name], f"{notification.id} again at {name}"
        self.known[name].add(notification.id)
        self.arrived[name].append(notification.id)
        if self.clock.now() >= notification.at + ALERTS_GIVE_UP_AFTER:
            self.late.add(notification.id)
        # It has taken it, and the process may die before it hears so.
        await self.clock.sleep(self.random.choice([0.0, 0.2, 2.0]))
        return Delivered("" if thread else f"C0THREADS01/1503435956.{len(self.arrived[name]):06}")


class Play:
    """One drawn world."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        self.random, self.clock = Random(seed), clock
        self.services = Services(self.random, clock, self.random.choice([0.0, 0.3, 0.7, 1.0]))
        self.cluster = MemoryCluster(clock.now)
        for name in PROVIDERS:
            self.cluster.put(*provider(name, username=name, detail="all"))
        self.cluster.put(*secret())
        canary = canary_manifest(alerts=[alert(name) for name in PROVIDERS])
        canary["metadata"] |= {"uid": "u1"}
        self.subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
        self.status = CanaryStatus(phase=Phase.PROGRESSING, last_applied_spec="b")
        self.decided: list[str] = []
        self.lost: set[str] = set()
        self.deaths = 0
        self.courier: Courier
        self.tasks: list[asyncio.Task[None]] = []

    def start_process(self) -> None:
        """Another one: of the last one nothing is left but the status."""
        for task in self.tasks:
            task.cancel()
        self.tasks = []
        receipts = read_receipts(self.status.receipts)
        for name in PROVIDERS:
            told = receipts.get(mark_of(ObjectKey(KEY.namespace, name)), Receipt("")).number
            waiting = {notice.number for notice in self.status.outbox if notice.number > told}
            self.services.known[name] = {f"u1-{number}" for number in {*range(1, NEWS + 1)} - waiting}
            self.services.known[name] &= set(self.decided)
        secrets = MemorySecrets(self.cluster.server)
        caller = Caller(ScriptedHooks(self.clock, self.random), secrets)
        alerter = Alerter(self.cluster, self.services, secrets, self.clock, Sender(HOME))
        self.courier = Courier(caller, self.clock, self._begin, lambda _key: None, alerter)
        self.send()

    def _begin(self, work: Any) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.append(task)
        return task

    def send(self) -> None:
        """What a reconcile does after it has written the status."""
        self.courier.send(KEY, self.subject, self.status)

    def write(self, news: Announcement | None, phase: Phase) -> None:
        """A reconcile, that may say something new, or nothing but what was delivered."""
        mail = self.courier.mail(KEY)
        seen = Observed(self.clock.now(), 1, None, None, None, delivered=self.courier.delivered(KEY), mail=mail)
        after = with_notices(
            self.subject.spec, self.status, self.status.model_copy(update={"phase": phase}), seen, news
        )
        gone = {notice.number for notice in self.status.outbox} - {notice.number for notice in after.outbox}
        given_up = dict(mail.given_up)
        unsaid = {number for number in gone if number in given_up or number not in seen.delivered}
        assert after.notices_lost - self.status.notices_lost == len(unsaid)
        self.lost |= {f"u1-{number}" for number in unsaid}
        self.decided += [f"u1-{notice.number}" for notice in after.outbox if notice.number > self.status.notices]
        self.status = after
        self.send()

    async def run(self) -> None:
        """News come, processes die, and in the end there is time for all that can arrive."""
        self.start_process()
        for number in range(NEWS):
            reason = self.random.choice(["Advance", "NewRevision", "CheckFailed"])
            self.write(Announcement(reason, f"news {number}", warning=reason == "CheckFailed"), Phase.PROGRESSING)
            for _ in range(self.random.randrange(4)):
                await self.clock.sleep(self.random.choice([0.0, 0.05, 1.0, 7.0, 60.0]))
                if self.random.random() < 0.25:
                    self.deaths += 1
                    self.start_process()
                else:
                    self.write(None, Phase.PROGRESSING)
        if self.services.mood < 1.0 and self.random.random() < 0.5:
            self.services.mood = 0.0
        for _ in range(400):
            await self.clock.sleep(15.0)
            self.write(None, Phase.SUCCEEDED)
            if not self.status.outbox:
                break
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def _check(play: Play) -> None:
    assert play.status.outbox == ()
    assert (len(play.decided), play.status.notices_lost) == (NEWS, len(play.lost))
    for name, ids in play.services.arrived.items():
        first = list(dict.fromkeys(ids))
        punctual = [one for one in first if one not in play.services.late]
        assert punctual == sorted(punctual, key=lambda one: int(one.partition("-")[2])), name
        assert set(play.decided) - set(first) <= play.lost, name
    if play.deaths == 0:
        assert play.services.early == []


def _played(seed: int) -> Play:
    clock = VirtualClock()
    play = Play(seed, clock)
    run_virtually(clock, play.run())
    return play


@pytest.mark.parametrize("block", range(4))
def test_nothing_is_lost_unsaid_and_nobody_is_told_too_often(block: int) -> None:
    """A hundred drawn worlds."""
    for seed in range(block * 25, block * 25 + 25):
        _check(_played(seed))


def test_the_worlds_are_worth_it() -> None:
    """Among them are deaths that lead to a second delivery, services that ask for a pause, and notices given up."""
    plays = [_played(seed) for seed in range(40)]
    assert sum(play.deaths for play in plays) > 40
    twice = [play for play in plays if any(len(ids) > len(set(ids)) for ids in play.services.arrived.values())]
    assert len(twice) > 3
    assert sum(bool(play.lost) for play in plays) > 3
    assert sum(bool(play.services.closed_until) for play in plays) > 10


def test_a_dead_service_is_given_up_after_its_time_visibly() -> None:
    """The status counts it, the mail says whom it did not reach and why, and the provider's own status too."""
    clock = VirtualClock()
    play = Play(1, clock)
    play.services.mood = 1.0

    async def story() -> list[tuple[int, str]]:
        play.start_process()
        play.write(Announcement("Rollback", "news", warning=True), Phase.FAILED)
        await clock.sleep(ALERTS_GIVE_UP_AFTER.total_seconds() - 120)
        assert play.courier.delivered(KEY) == frozenset()
        await clock.sleep(300)
        given_up = list(play.courier.mail(KEY).given_up)
        play.write(None, Phase.FAILED)
        return given_up

    ((number, why),) = run_virtually(clock, story())
    assert number == 1
    assert "AlertProvider shop/chat did not get it: HTTP 429" in why
    assert "AlertProvider shop/pager did not get it" in why
    assert (play.status.outbox, play.status.notices_lost) == ((), 1)
    stored = play.cluster.stored(ALERT_PROVIDERS, ObjectKey("shop", "chat")) or {}
    assert [one["reason"] for one in stored["status"]["conditions"]] == ["DeliveryFailed"]


def test_a_process_that_takes_over_tells_nobody_again() -> None:
    """One provider has it, the other one fails: that stands in the status before another process comes."""
    clock = VirtualClock()
    play = Play(2, clock)
    play.services.mood = 0.0
    broken = provider("pager", username="pager", detail="all", secretRef={"name": "absent"})
    play.cluster.edit(broken[0], replace(KEY, name="pager"), {"spec": broken[1]["spec"]})

    async def story() -> None:
        play.start_process()
        play.write(Announcement("Rollback", "news", warning=True), Phase.FAILED)
        await clock.sleep(8)
        play.write(None, Phase.FAILED)
        assert play.status.receipts
        for _ in range(5):
            play.start_process()
            await clock.sleep(8)
        for task in play.tasks:
            task.cancel()

    run_virtually(clock, story())
    assert play.services.arrived == {"chat": ["u1-1"], "pager": []}
    assert len(play.status.outbox) == 1
