"""Which objects of a server in memory name which as their owner. Follows every change; changes nothing itself."""

from __future__ import annotations

from typing import Any

from rollouts.api.resources import Manifest
from rollouts.testing.memory_journal import Change, Place
from rollouts.testing.memory_server import MemoryServer

Reference = dict[str, Any]


def references_of(manifest: Manifest | None) -> list[Reference]:
    """The owners that an object names; none if there is no object."""
    return [] if manifest is None else manifest["metadata"].get("ownerReferences", [])


class OwnerGraph:
    """Objects by uid, and the dependents of each."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._places: dict[str, Place] = {}
        self._dependents: dict[str, dict[Place, None]] = {}
        for place in server.places():
            self._index(place, None)
        server.watchers.append(self._changed)

    def dependents_of(self, uid: str) -> dict[Place, Manifest]:
        """Every object that names this one as an owner."""
        found = ((place, self._server.stored(*place)) for place in self._dependents.get(uid, {}))
        return {place: manifest for place, manifest in found if manifest is not None}

    def place_of(self, uid: str) -> Place | None:
        """Where that object is, if it exists."""
        return self._places.get(uid)

    def owner(self, place: Place, reference: Reference) -> Manifest | None:
        """The owner that an object means, if it exists: by uid, and by all else that the reference says of it."""
        found = self._places.get(reference["uid"])
        if found is None:
            return None
        resource, key = found
        named = (reference.get("apiVersion"), reference.get("kind"), reference.get("name"))
        meant = named == (resource.api_version, resource.kind, key.name) and key.namespace in {"", place[1].namespace}
        return self._server.stored(*found) if meant else None

    def _changed(self, change: Change) -> None:
        self._index(change.place, change.before)

    def _index(self, place: Place, before: Manifest | None) -> None:
        after = self._server.stored(*place)  # newer than the change, where a watcher before us has changed it again
        for reference in references_of(before):
            self._dependents.get(reference["uid"], {}).pop(place, None)
        for reference in references_of(after):
            self._dependents.setdefault(reference["uid"], {})[place] = None
        if before is not None:
            self._places.pop(before["metadata"]["uid"], None)
        if after is not None:
            self._places[after["metadata"]["uid"]] = place
