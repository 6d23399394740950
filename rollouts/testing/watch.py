"""How late a view hears of changes: each after its own delay, some never, until everything is listed again.

Changes of different objects overtake each other; one object never goes backwards, which the view sees to. Runs on the
timers of the running loop, so that virtual time is all the time it takes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.memory_view import MemoryView


@dataclass(frozen=True, slots=True)
class Lateness:
    """What a watch is like, in seconds."""

    delay_max_s: float = 0.0
    drop_chance: float = 0.0
    """How probably a change is never told; then all is listed again `heal_after_s` later."""
    heal_after_s: float = 5.0


class LaggingWatch:
    """Tells one view what happens on the server, from `start` to `stop`."""

    def __init__(self, server: MemoryServer, view: MemoryView, random: Random) -> None:
        self._server = server
        self._view = view
        self._random = random
        self._healing = False
        self._running = False
        self.lateness = Lateness()

    def start(self) -> None:
        """List everything, then watch. Only within a running loop."""
        self._running = True
        self._server.watchers.append(self._changed)
        self._view.list_again()

    def stop(self) -> None:
        """What is still under way is never told."""
        self._running = False
        self._server.watchers.remove(self._changed)

    def _changed(self, change: Change) -> None:
        loop = asyncio.get_running_loop()
        if self._random.random() < self.lateness.drop_chance:
            if not self._healing:
                self._healing = True
                loop.call_later(self.lateness.heal_after_s, self._heal)
            return
        loop.call_later(self._random.uniform(0.0, self.lateness.delay_max_s), self._tell, change)

    def _tell(self, change: Change) -> None:
        if self._running:
            self._view.hear(change.place, change.after, change.version)

    def _heal(self) -> None:
        self._healing = False
        if self._running:
            self._view.list_again()
