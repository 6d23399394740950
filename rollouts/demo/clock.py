"""The wall clock of the demo: people watch it, so its time is theirs."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from rollouts.ports import Clock


class Elapsing(Clock, Protocol):
    """A clock that also tells how long it has run, in seconds."""

    @property
    def elapsed_s(self) -> float:
        """Since its start."""
        ...


class WallClock:
    """Implements `Elapsing`. Set once at the start; a clock that is put right meanwhile makes it jump nowhere."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC)
        self._start_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start_s

    def now(self) -> datetime:
        """The present in UTC."""
        return self._start + timedelta(seconds=self.elapsed_s)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)
