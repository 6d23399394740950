"""News of Canaries for whoever listens, from the watch that is there anyway: a bounded queue for each listener.

Who does not keep up is cut off, and asks again; nobody else is held up by that. A listener is told which Canary
changed, and reads what it is by then, so that many changes in a moment are one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rollouts.api.resources import ObjectKey
from rollouts.errors import RolloutsError

QUEUE_MAX = 64
"""Changed Canaries that one listener may be behind."""
LISTENERS_MAX = 256


class TooManyListeners(RolloutsError):
    """503: there are as many as there may be."""


@dataclass(slots=True, eq=False)
class Listener:
    """One who hears of changes."""

    waiting: dict[ObjectKey, None] = field(default_factory=dict)
    """In the order in which they changed first."""
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    cut: bool = False
    """Was too slow: nothing more is said."""

    def tell(self, key: ObjectKey) -> None:
        """Something changed."""
        if len(self.waiting) >= QUEUE_MAX and key not in self.waiting:
            self.cut = True
            self.waiting.clear()
        if not self.cut:
            self.waiting[key] = None
        self.stirred.set()

    async def next(self, within_s: float) -> tuple[ObjectKey, ...]:
        """What changed since, or nothing after that time."""
        try:
            async with asyncio.timeout(within_s):
                await self.stirred.wait()
        except TimeoutError:
            return ()
        self.stirred.clear()
        changed, self.waiting = tuple(self.waiting), {}
        return changed


class Feed:
    """Tells all listeners."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def publish(self, key: ObjectKey) -> None:
        """A Canary has changed, or is gone."""
        for listener in self._listeners:
            listener.tell(key)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Hear of every change while the body runs. Raises TooManyListeners."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise TooManyListeners("too many listen already: ask again in a while")
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
