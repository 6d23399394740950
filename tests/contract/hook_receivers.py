"""The callers of webhooks that have to keep the contract: the double, and the HTTP adapter against a local server.

Both have a clock on which pauses take no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from rollouts.hooks.answer import Answered, Attempt, Silent
from rollouts.hooks.http import HttpHooks
from rollouts.ports import Hooks
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.hooks import ScriptedHooks
from rollouts.testing.virtual_time import START
from tests.kube.rude_server import Step, hang, reply, rude_server

LOOPBACK = ReachPolicy(allow=("127.0.0.0/8", "::1"))
"""What lets tests call their own servers."""


@dataclass(slots=True)
class LeapingClock:
    """Implements `ports.Clock`: a sleep is over at once, and noted."""

    slept_s: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=sum(self.slept_s))

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Arranged:
    """A caller, and the URL of a receiver that ends attempts as scripted."""

    hooks: Hooks
    url: str
    clock: LeapingClock
    attempts: Callable[[], int]
    """How many the receiver has met."""


Factory = Callable[..., AbstractAsyncContextManager[Arranged]]
"""Takes one Attempt for each that is expected."""


@asynccontextmanager
async def scripted(*attempts: Attempt) -> AsyncIterator[Arranged]:
    """The double."""
    clock, url = LeapingClock(), "http://receiver.test:8080/path"
    hooks = ScriptedHooks(clock, Random(1))
    hooks.script(url, *attempts)
    yield Arranged(hooks, url, clock, lambda: len(hooks.received))


@asynccontextmanager
async def over_http(*attempts: Attempt) -> AsyncIterator[Arranged]:
    """The adapter. A scripted silence is a server that says nothing for longer than the test's time-out; one that lasts
    is a server that may not be called.
    """
    clock = LeapingClock()
    kept_out = any(isinstance(attempt, Silent) and attempt.lasting for attempt in attempts)
    hooks = HttpHooks(clock, Random(1), ReachPolicy() if kept_out else LOOPBACK)
    async with rude_server() as receiver:
        receiver.script.extend(_step(attempt) for attempt in attempts)
        try:
            yield Arranged(hooks, f"{receiver.url}/path", clock, lambda: len(receiver.asked))
        finally:
            await hooks.aclose()


def _step(attempt: Attempt) -> Step:
    match attempt:
        case Silent():
            return hang
        case Answered(status, body, None):
            return reply(status, body)
        case Answered(status, body, asked_s):
            return reply(status, body, Retry_After=f"{asked_s:g}")


FACTORIES: dict[str, Factory] = {"scripted": scripted, "http": over_http}
