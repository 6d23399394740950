"""Who may send a query next, where only so many may be under way.

Each owner in turn, whatever it has waiting: one that asks much waits for itself, not the others for it. Knows nothing
of queries. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """So many turns at a time, half of them at most in one owner's hands."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._each_max = max(1, limit // 2)
        self._held: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """Owners in the order of their turns."""

    @asynccontextmanager
    async def turn(self, owner: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and have it for the block."""
        granted = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(granted)
        self._grant()
        try:
            await granted
            yield
        finally:
            if granted.done() and not granted.cancelled():
                self._give_back(owner)
            else:
                self._withdraw(owner, granted)

    def _give_back(self, owner: Hashable) -> None:
        self._free += 1
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._grant()

    def _withdraw(self, owner: Hashable, granted: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner, deque())
        if granted in queue:
            queue.remove(granted)
            if not queue:
                del self._waiting[owner]

    def _grant(self) -> None:
        while self._free and (owners := self._next()):
            (owner,) = owners
            queue = self._waiting.pop(owner)
            granted = queue.popleft()
            if queue:
                self._waiting[owner] = queue
            if not granted.done():
                self._free -= 1
                self._held[owner] += 1
                granted.set_result(None)

    def _next(self) -> tuple[Hashable, ...]:
        """Whose turn it is, or nobody's. Within a tuple, since an owner may be None: what is asked for no Canary."""
        return next(((owner,) for owner in self._waiting if self._held[owner] < self._each_max), ())
