"""Which Canaries are to be looked at, and when: keys, never events, each at most once and by one worker at a time.

Knows nothing of Canaries or of the API. A key that is added while a worker has it is handed out again afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from heapq import heapify, heappop, heappush

from rollouts.api.resources import ObjectKey
from rollouts.ports import Clock

LEFT_OVERS_MIN = 64
"""So many entries may be left over before they are swept out."""


class KeyQueue:
    """A de-duplicating queue of keys, each with the earliest time it is due."""

    def __init__(self, clock: Clock, on_take: Callable[[float], None] = lambda _waited_s: None) -> None:
        """`on_take` hears how long each key had been due when it was handed out, in seconds."""
        self._clock = clock
        self._on_take = on_take
        self._due: dict[ObjectKey, datetime] = {}
        self._order: list[tuple[datetime, ObjectKey]] = []
        """A heap. What `_due` does not confirm is left over; keys that are held come back into it afterwards."""
        self._held: set[ObjectKey] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def due(self) -> int:
        """How many keys could be handed out now, were there somebody to take them."""
        now = self._clock.now()
        return sum(at <= now for at in self._due.values())

    def later(self) -> int:
        """How many are due at a later time."""
        return len(self._due) - self.due()

    def add(self, key: ObjectKey, at: datetime | None = None) -> None:
        """Hand the key out at `at`, or now; of several times the earliest counts."""
        due = at if at is not None else self._clock.now()
        known = self._due.get(key)
        if known is None or due < known:
            self._due[key] = due
            self._put(due, key)
            self._changed.set()

    def seen(self, key: ObjectKey) -> None:
        """Whoever holds the key looks at everything now: it need not be handed out again for what came before."""
        due = self._due.get(key)
        if key in self._held and due is not None and due <= self._clock.now():
            del self._due[key]

    @asynccontextmanager
    async def take(self) -> AsyncIterator[ObjectKey]:
        """Wait for the next key that is due and held by nobody, and hold it for the body."""
        key = await self._next()
        self._held.add(key)
        try:
            yield key
        finally:
            self._held.discard(key)
            if key in self._due:
                self._put(self._due[key], key)
            self._changed.set()

    async def idle(self, takes: Callable[[ObjectKey], bool]) -> None:
        """Return once nobody holds a key that is taken."""
        while any(takes(key) for key in self._held):
            self._changed.clear()
            await self._changed.wait()

    async def _next(self) -> ObjectKey:
        while True:
            self._changed.clear()
            first = self._first()
            if first is None:
                await self._changed.wait()
                continue
            due, key = first
            wait_s = (due - self._clock.now()).total_seconds()
            if wait_s <= 0:
                del self._due[key]
                self._on_take(-wait_s)
                return key
            await self._changed_within(wait_s)

    def _put(self, due: datetime, key: ObjectKey) -> None:
        heappush(self._order, (due, key))
        if len(self._order) > LEFT_OVERS_MIN + 2 * len(self._due):
            self._order = [(due, key) for key, due in self._due.items() if key not in self._held]
            heapify(self._order)

    def _first(self) -> tuple[datetime, ObjectKey] | None:
        """The earliest that nobody holds. With many keys this is asked often: it must not look through all."""
        while self._order:
            due, key = self._order[0]
            if self._due.get(key) == due and key not in self._held:
                return due, key
            heappop(self._order)
        return None

    async def _changed_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
