"""What tests of sources stand on: a clock that they turn, and a source that they hold up."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from rollouts.core.measurement import Outcome, Value
from rollouts.metrics.access import Access
from rollouts.reach.policy import ReachPolicy
from rollouts.testing.virtual_time import START


class HandClock:
    """Implements `ports.Clock`: a test turns it."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Played:
    """A source that answers how many questions it was asked, while `gate` is set."""

    def __init__(self, access: Access, _: ReachPolicy) -> None:
        self.access = access
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.closed = False
        self.answer: Outcome | None = None

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - it has no past
        assert not self.closed
        self.asked.append(query)
        await self.gate.wait()
        return self.answer or Value(float(len(self.asked)))

    async def aclose(self) -> None:
        self.closed = True
