"""The one clock: it reads the API server's time, and runs by this process's monotonic one.

Dwell times outlive a process, so the times in status must not depend on the node the controller happens to be on;
within a process they must not jump. So the clock is set once and never again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class ServerTime:
    """What the API server's Date header said, and the monotonic second at which it was read."""

    at: datetime
    seen_at_s: float


class ServerClock:
    """Implements `ports.Clock`. Off from the server's by half a second at most, plus the answer's way here."""

    def __init__(self, anchor: ServerTime, monotonic: Callable[[], float]) -> None:
        # The Date header is cut to whole seconds: its mean error is half of one.
        self._start = anchor.at.astimezone(UTC) + timedelta(seconds=0.5)
        self._start_s = anchor.seen_at_s
        self._monotonic = monotonic

    def now(self) -> datetime:
        """The present in UTC. Never goes backwards."""
        return self._start + timedelta(seconds=self._monotonic() - self._start_s)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)
