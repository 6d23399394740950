"""Questions on an event loop: the same one is asked once, and whoever else has it waits for that answer.

No task of its own: the first asker asks. Where that one is cancelled or fails, one of those who wait asks in its place.
Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Sharing(Generic[T]):
    """Questions that are being asked, by key. Belongs to one event loop."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, asyncio.Future[T]] = {}

    async def result(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` returns, or what the one that is under way with the same key does. Raises what its own raises."""
        while (other := self._asked.get(key)) is not None:
            # Unlike awaiting the future itself, this never cancels it.
            await asyncio.wait({other})
            if not other.cancelled():
                return other.result()
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked[key] = mine
        try:
            mine.set_result(await ask())
        finally:
            del self._asked[key]
            mine.cancel()
        return mine.result()
