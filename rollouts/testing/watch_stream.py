"""One kind's changes on their way to one view, as a watch brings them, and the place from which it goes on when cut.

Changes of different objects overtake each other, those of one object never do. The place moves on with what is told
and with bookmarks; if the server has forgotten what came after it, the kind is listed again.
"""

from __future__ import annotations

import asyncio

from rollouts.api.resources import ObjectKey, Resource
from rollouts.errors import Gone
from rollouts.testing.memory_journal import Change
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.memory_view import MemoryView

APART_S = 1e-6
"""Between two changes of one object: timers that are due at the same instant run in no order."""


class WatchStream:
    """Open from the beginning; all before `position` is known to the view."""

    def __init__(self, server: MemoryServer, view: MemoryView, resource: Resource, position: int) -> None:
        self._server = server
        self._view = view
        self._resource = resource
        self._sent_to = position
        self._under_way: dict[int, asyncio.TimerHandle] = {}
        self._due_s: dict[ObjectKey, float] = {}
        self.is_open = True
        self.relists = 0
        """How often the kind had to be listed again, because the position was too old."""

    @property
    def position(self) -> int:
        """The resourceVersion up to which the view has been told everything that was sent."""
        return min(self._under_way) - 1 if self._under_way else self._sent_to

    def send(self, change: Change, delay_s: float) -> None:
        """A change, told after that time, but not before an earlier one of the same object. Lost while cut."""
        if not self.is_open:
            return
        loop, key = asyncio.get_running_loop(), change.place[1]
        at_s = self._due_s[key] = max(loop.time() + delay_s, self._due_s.get(key, 0.0) + APART_S)
        self._under_way[change.version] = loop.call_at(at_s, self._tell, change)
        self._sent_to = change.version

    def skip_to(self, version: int) -> None:
        """A bookmark: nothing else happened up to there. Or a change that the view is never told of."""
        if self.is_open:
            self._sent_to = version

    def cut(self) -> None:
        """The connection ends; what is under way is lost."""
        self._sent_to = self.position
        for timer in self._under_way.values():
            timer.cancel()
        self._under_way.clear()
        self._due_s.clear()
        self.is_open = False

    def resume(self, delay_s: float) -> None:
        """Connect again: all that came after the position, or, where that is forgotten, a new list."""
        if self.is_open:
            return
        self.is_open = True
        try:
            missed = self._server.journal.since(self.position, self._resource)
        except Gone:
            self.relists += 1
            self._view.list_again(self._resource)
            self._sent_to = self._server.version
            return
        for change in missed:
            self.send(change, delay_s)

    def _tell(self, change: Change) -> None:
        del self._under_way[change.version]
        self._view.hear(change.place, change.after, change.version)
