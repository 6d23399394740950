"""The delivery of notices, in virtual time: order, patience, and receivers that hinder nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import structlog

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.ownership import Owner
from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, Notice, Phase
from rollouts.engine.calling import Caller
from rollouts.engine.courier import GIVE_UP_AFTER, Courier
from rollouts.engine.subject import Subject
from rollouts.hooks.answer import Answered, Silent
from rollouts.testing.hooks import YES, ScriptedHooks
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.secrets import MemorySecrets
from rollouts.testing.virtual_time import START, VirtualClock, run_virtually
from tests.engine.world import KEY, canary_manifest

FAST, SLOW = "http://fast.test/", "http://slow.test/"


class Post:
    """A courier, its receivers, and what it said of deliveries."""

    def __init__(self, tasks: asyncio.TaskGroup, clock: VirtualClock, *urls: str) -> None:
        self.hooks = ScriptedHooks(clock, Random(0))
        self.woken: list[ObjectKey] = []
        caller = Caller(self.hooks, MemorySecrets(MemoryServer(clock.now)))
        self.courier = Courier(caller, clock, tasks.create_task, self.woken.append)
        webhooks = [{"type": "event", "name": url.split(".")[0][7:], "url": url} for url in urls]
        canary = canary_manifest(webhooks=webhooks)
        canary["metadata"] |= {"uid": "u1"}
        self.subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))

    def send(self, *numbers: int) -> None:
        """These notices are in the outbox."""
        self.courier.send(KEY, self.subject, CanaryStatus(outbox=tuple(_notice(number) for number in numbers)))

    def got(self, url: str) -> list[str]:
        """The ids that a receiver was sent, in order."""
        return [request.payload["id"] for request in self.hooks.received if request.url == url]


def _notice(number: int) -> Notice:
    return Notice(
        number=number,
        type=HookType.EVENT,
        reason="Advance",
        message=f"news {number}",
        phase=Phase.PROGRESSING,
        at=START,
    )


def _run(test: Callable[[asyncio.TaskGroup, VirtualClock], Any]) -> None:
    clock = VirtualClock()

    async def whole() -> None:
        async with asyncio.TaskGroup() as tasks:
            await test(tasks, clock)

    run_virtually(clock, whole())


def test_notices_arrive_in_order_and_once() -> None:
    """Sent again and again while they are under way, each is delivered once; who wakes is the Canary."""

    async def test(tasks: asyncio.TaskGroup, clock: VirtualClock) -> None:
        post = Post(tasks, clock, FAST)
        post.hooks.script(FAST, YES)
        post.send(1, 2)
        post.send(1, 2, 3)
        await clock.sleep(1)
        post.send(1, 2, 3)
        await clock.sleep(1)
        assert post.got(FAST) == ["u1-1", "u1-2", "u1-3"]
        assert post.courier.delivered(KEY) == {1, 2, 3}
        assert post.woken == [KEY] * 3
        post.send(3)
        assert post.courier.delivered(KEY) == {3}

    _run(test)


def test_a_receiver_that_refuses_is_tried_again_and_holds_up_no_other() -> None:
    """The other receiver has all notices long before; a notice counts as delivered when both have it."""

    async def test(tasks: asyncio.TaskGroup, clock: VirtualClock) -> None:
        post = Post(tasks, clock, FAST, SLOW)
        post.hooks.script(FAST, YES)
        post.hooks.script(SLOW, Silent("down"), Answered(500), YES)
        post.send(1, 2)
        await clock.sleep(0.5)
        assert post.got(FAST) == ["u1-1", "u1-2"]
        assert post.courier.delivered(KEY) == frozenset()
        await clock.sleep(10)
        assert post.got(SLOW) == ["u1-1"] * 3 + ["u1-2"]
        assert post.courier.delivered(KEY) == {1, 2}

    _run(test)


def test_a_notice_that_nobody_takes_is_given_up_visibly() -> None:
    """After its time it makes room for the next ones, and the log says which one and why."""

    async def test(tasks: asyncio.TaskGroup, clock: VirtualClock) -> None:
        post = Post(tasks, clock, SLOW)
        post.hooks.script(SLOW, Answered(410))
        with structlog.testing.capture_logs() as logs:
            post.send(1)
            await clock.sleep(GIVE_UP_AFTER.total_seconds() - 61)
            assert post.courier.delivered(KEY) == frozenset()
            await clock.sleep(122)
        assert post.courier.delivered(KEY) == {1}
        (told,) = logs
        assert (told["event"], told["number"], told["reason"]) == ("notice_given_up", 1, "HTTP 410")

    _run(test)


def test_notices_to_nobody_are_delivered() -> None:
    """The hooks were taken out of the spec meanwhile: the outbox can be emptied."""

    async def test(tasks: asyncio.TaskGroup, clock: VirtualClock) -> None:
        post = Post(tasks, clock)
        post.send(1)
        assert post.courier.delivered(KEY) == {1}
        assert post.woken == [KEY]
        post.courier.forget(KEY)
        assert post.courier.delivered(KEY) == frozenset()

    _run(test)


def test_a_defect_in_delivering_stays_with_its_canary() -> None:
    """It is raised to whoever works on that Canary, once; other deliveries go on."""

    async def test(tasks: asyncio.TaskGroup, clock: VirtualClock) -> None:
        post = Post(tasks, clock, FAST, SLOW)
        post.hooks.script(FAST, YES)  # nobody has scripted the other one: that is a defect, and raises
        post.send(1)
        await clock.sleep(1)
        assert post.got(FAST) == ["u1-1"]
        with pytest.raises(KeyError):
            post.courier.delivered(KEY)
        assert post.courier.delivered(KEY) == frozenset()
        post.hooks.script(SLOW, YES)
        post.send(1)
        await clock.sleep(1)
        assert post.courier.delivered(KEY) == {1}

    _run(test)
