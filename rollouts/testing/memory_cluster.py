"""A server in memory and the one view of it that a test needs, in one: behind `ports.Cluster`, at once or when told.

tests/contract holds it and a real API server to the same cases. For several processes on one server, make a
MemoryServer and a MemoryView for each.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rollouts.api.known import Listing
from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.ports import Write
from rollouts.testing.memory_server import EVERYTHING, UPDATE, USER, Change, MemoryServer
from rollouts.testing.memory_view import MemoryView

__all__ = ["EVERYTHING", "UPDATE", "USER", "MemoryCluster", "OnWrite"]

OnWrite = Callable[[Write], None]


class MemoryCluster:
    """Implements `ports.Cluster`; who else works in the cluster acts through `put`, `edit`, `set_status`, `delete`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.server = MemoryServer(now)
        self.view = MemoryView(self.server)
        self.server.watchers.append(self._heard)
        self.view.on_change = self._changed
        self.on_change: Callable[[Resource, ObjectKey], None] = lambda _resource, _key: None
        self.writes: list[Write] = []
        """Every write that was tried, refused ones too."""
        self.before: OnWrite = lambda _write: None
        """Called before a write is carried out; what it raises is the write's outcome."""
        self.after: OnWrite = lambda _write: None
        """Called after a write has taken effect; what it raises takes the answer's place."""
        self.troubles = self.view.troubles
        self.lagging = False
        """While set, the stores hear nothing of what others do."""
        self.put, self.edit, self.set_status = self.server.put, self.server.edit, self.server.set_status
        self.delete, self.stored = self.server.delete, self.server.stored

    @property
    def rules(self) -> list[Manifest]:
        """What a rights review answers."""
        return self.server.rules

    @rules.setter
    def rules(self, rules: list[Manifest]) -> None:
        self.server.rules = rules

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """As the port says."""
        return self.view.read(resource, key)

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """As the port says."""
        return self.view.list_all(resource, namespace)

    def trouble(self, resource: Resource) -> str:
        """As the port says."""
        return self.view.trouble(resource)

    async def write(self, write: Write) -> Manifest:
        """As the port says."""
        self.writes.append(write)
        self.before(write)
        answer = await self.view.write(write)
        self.after(write)
        return answer

    def catch_up(self) -> None:
        """The stores hear everything, and go on hearing."""
        self.lagging = False
        self.view.list_again()

    def _changed(self, resource: Resource, key: ObjectKey) -> None:
        self.on_change(resource, key)

    def _heard(self, change: Change) -> None:
        if not self.lagging:
            self.view.hear(change.place, change.after, change.version)
