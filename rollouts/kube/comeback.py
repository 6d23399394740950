"""The moment in which an API server that could not be reached answers again: who waits for it need not wait longer.

Without it each kind would find out by itself, the last of them half a minute later, and a release would stand still
for so long. It knows neither requests nor kinds.
"""

from __future__ import annotations

import asyncio


class Comeback:
    """Told of each answer, waited for by those who got none."""

    def __init__(self) -> None:
        self._answered = asyncio.Event()

    def answered(self) -> None:
        """An answer came: all that wait now go on. Later ones wait for the next."""
        self._answered.set()
        self._answered = asyncio.Event()

    async def within(self, seconds: float) -> bool:
        """Return at the next answer, or after that time; whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                return await self._answered.wait()
        except TimeoutError:
            return False
