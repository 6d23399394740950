"""Waiting for something to come about, with a deadline and words for what did not come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


class OverdueError(Exception):
    """It did not come in time; the message says what."""


async def until(
    look: Callable[[], Awaitable[Found | None]], *, what: str, within_s: float, every_s: float = 0.2
) -> Found:
    """The first thing found that is true; looks at least once. Raises OverdueError."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + within_s
    while True:
        if found := await look():
            return found
        if loop.time() >= ends_at:
            raise OverdueError(f"{what}: not within {within_s:.0f} s")
        await asyncio.sleep(every_s)
