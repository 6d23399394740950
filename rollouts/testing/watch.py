"""What the watches of one view are like: how late, how often cut, how many changes they lose; by chance or when told.

Each kind has a stream of its own (watch_stream.py), as on a real server. Runs on the timers of the running loop, so
that virtual time is all the time it takes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random

from rollouts.api.resources import Resource
from rollouts.testing.memory_server import Change, MemoryServer
from rollouts.testing.memory_view import MemoryView
from rollouts.testing.watch_stream import WatchStream


@dataclass(frozen=True, slots=True)
class Lateness:
    """What a watch is like, in seconds."""

    delay_max_s: float = 0.0
    drop_chance: float = 0.0
    """How probably a change is never told; then all is listed again `heal_after_s` later."""
    heal_after_s: float = 5.0
    cut_chance: float = 0.0
    """How probably a change meets a connection that has just ended; it is made again within `cut_max_s`."""
    cut_max_s: float = 10.0


class LaggingWatch:
    """Tells one view what happens on the server, from `start` to `stop`."""

    def __init__(self, server: MemoryServer, view: MemoryView, random: Random) -> None:
        self._server = server
        self._view = view
        self._random = random
        self._healing = False
        self._running = False
        self._listed_at = 0
        self.streams: dict[Resource, WatchStream] = {}
        self.lateness = Lateness()

    def start(self) -> None:
        """List everything, then watch. Only within a running loop."""
        self._running = True
        self._server.watchers.append(self._changed)
        self._view.list_again()
        self._listed_at = self._server.version
        self.streams.clear()
        for resource, _ in self._server.places():
            self._stream(resource)

    def stop(self) -> None:
        """What is still under way is never told."""
        self._running = False
        self._server.watchers.remove(self._changed)
        for stream in self.streams.values():
            stream.cut()

    def bookmark(self) -> None:
        """Every open stream is told how far the server is."""
        for stream in self.streams.values():
            stream.skip_to(self._server.version)

    def cut(self, for_s: float, *resources: Resource) -> None:
        """The connections of these kinds end (of all, if none is named), and are made again after that time."""
        loop = asyncio.get_running_loop()
        for resource in resources or [*self.streams]:
            self._stream(resource).cut()
            loop.call_later(for_s, self._resume, resource)

    def _stream(self, resource: Resource) -> WatchStream:
        if resource not in self.streams:
            self.streams[resource] = WatchStream(self._server, self._view, resource, self._listed_at)
        return self.streams[resource]

    def _changed(self, change: Change) -> None:
        lateness, stream = self.lateness, self._stream(change.place[0])
        if self._random.random() < lateness.drop_chance:
            stream.skip_to(change.version)
            if not self._healing:
                self._healing = True
                asyncio.get_running_loop().call_later(lateness.heal_after_s, self._heal)
            return
        delay_s = self._random.uniform(0.0, lateness.delay_max_s)
        if lateness.cut_chance and self._random.random() < lateness.cut_chance:
            self.cut(self._random.uniform(0.0, lateness.cut_max_s), change.place[0])
        stream.send(change, delay_s)

    def _resume(self, resource: Resource) -> None:
        if self._running:
            self.streams[resource].resume(self._random.uniform(0.0, self.lateness.delay_max_s))

    def _heal(self) -> None:
        self._healing = False
        if self._running:
            self._view.list_again()
