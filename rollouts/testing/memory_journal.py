"""What changed on a server in memory, in order: told at once to who listens, and kept for who comes back later.

As a real server does, it forgets what is old. Who then asks for all that came after a place before that is told 410.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rollouts.api.resources import Manifest, ObjectKey, Resource
from rollouts.errors import Gone

FIRST_VERSION = 100
Place = tuple[Resource, ObjectKey]


@dataclass(frozen=True, slots=True)
class Change:
    """One object before and after; None where it does not exist."""

    place: Place
    before: Manifest | None
    after: Manifest | None
    version: int
    manager: str


class Journal:
    """Changes by version."""

    def __init__(self) -> None:
        self.version = FIRST_VERSION
        """The resourceVersion of the newest change."""
        self.watchers: list[Callable[[Change], None]] = []
        """Told of every change, at once and in order."""
        self.limit = 1000
        """How many changes are kept."""
        self._kept: deque[Change] = deque()
        self._forgotten_to = FIRST_VERSION
        self._ended_at: dict[Place, int] = {}

    def note(self, change: Change) -> None:
        """A change that has just taken effect."""
        self.version = change.version
        self._kept.append(change)
        if change.after is None:
            self._ended_at[change.place] = change.version
        while len(self._kept) > self.limit:
            self._forgotten_to = self._kept.popleft().version
        for watcher in [*self.watchers]:
            watcher(change)

    def since(self, version: int, resource: Resource) -> list[Change]:
        """What happened to one kind after that version. Raises Gone if some of that is forgotten."""
        if version < self._forgotten_to:
            raise Gone(f"watch {resource}: too old resource version: {version}", verb="watch", resource=str(resource))
        return [change for change in self._kept if change.version > version and change.place[0] == resource]

    def forget(self) -> None:
        """All that was before now is no longer known, as after a compaction."""
        self._kept.clear()
        self._forgotten_to = self.version

    def ended_at(self, place: Place) -> int:
        """The version at which the last object of that name went; 0 if there was none."""
        return self._ended_at.get(place, 0)
