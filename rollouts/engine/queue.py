"""Which Canaries are to be looked at, and when: keys, never events, each at most once and by one worker at a time.

Knows nothing of Canaries or of the API. A key that is added while a worker has it is handed out again afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from rollouts.api.resources import ObjectKey
from rollouts.ports import Clock


class KeyQueue:
    """A de-duplicating queue of keys, each with the earliest time it is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[ObjectKey, datetime] = {}
        self._held: set[ObjectKey] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def add(self, key: ObjectKey, at: datetime | None = None) -> None:
        """Hand the key out at `at`, or now; of several times the earliest counts."""
        due = at if at is not None else self._clock.now()
        known = self._due.get(key)
        if known is None or due < known:
            self._due[key] = due
            self._changed.set()

    @asynccontextmanager
    async def take(self) -> AsyncIterator[ObjectKey]:
        """Wait for the next key that is due and held by nobody, and hold it for the body."""
        key = await self._next()
        self._held.add(key)
        try:
            yield key
        finally:
            self._held.discard(key)
            self._changed.set()

    async def _next(self) -> ObjectKey:
        while True:
            self._changed.clear()
            free = [(due, key) for key, due in self._due.items() if key not in self._held]
            due, key = min(free, default=(None, None))
            if key is not None and due is not None:
                wait_s = (due - self._clock.now()).total_seconds()
                if wait_s <= 0:
                    del self._due[key]
                    return key
                await self._changed_within(wait_s)
            else:
                await self._changed.wait()

    async def _changed_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
