"""The garbage collector: what becomes of the objects that name an owner, once the owner is deleted.

As the real one does, it looks at one object at a time and a moment late, so that anything may happen in between. It
knows no kinds: only metadata counts. Deletions are the server's (memory_metadata.py); this carries out what their two
finalizers ask for, and deletes what has lost all its owners.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.ports import Propagation
from rollouts.testing.memory_journal import Change, Place
from rollouts.testing.memory_metadata import FOREGROUND, ORPHAN, waits
from rollouts.testing.memory_server import MemoryServer
from rollouts.testing.owners import OwnerGraph, references_of


class GarbageCollector:
    """Works on one server: `start` it within a running loop, or let it `collect` at once where there is none."""

    def __init__(self, server: MemoryServer, random: Random) -> None:
        self._server = server
        self._random = random
        self._graph = OwnerGraph(server)
        self._due: dict[Place, asyncio.TimerHandle] = {}
        self.latency_max_s = 0.2
        """How late the collector sees what happens."""

    def start(self) -> None:
        """Take up the work."""
        self._server.watchers.append(self._changed)
        self._look_soon(self._server.places())

    def stop(self) -> None:
        """Do nothing more, until started again."""
        self._server.watchers.remove(self._changed)
        for timer in self._due.values():
            timer.cancel()
        self._due.clear()

    def collect(self) -> None:
        """Do at once everything there is to do."""
        version = 0
        while version != self._server.version:
            version = self._server.version
            for place in self._server.places():
                self._look(place)

    def _changed(self, change: Change) -> None:
        concerned = [change.place]
        if change.after is None or waits(change.after):
            concerned += self._graph.dependents_of((change.after or change.before or {})["metadata"]["uid"])
        owners = [self._graph.place_of(reference["uid"]) for reference in references_of(change.before)]
        self._look_soon([*concerned, *(owner for owner in owners if owner is not None)])

    def _look_soon(self, places: Iterable[Place]) -> None:
        loop = asyncio.get_running_loop()
        for place in places:
            if place not in self._due:
                delay_s = self._random.uniform(0.0, self.latency_max_s)
                self._due[place] = loop.call_later(delay_s, self._look, place)

    def _look(self, place: Place) -> None:
        self._due.pop(place, None)
        manifest = self._server.stored(*place)
        if manifest is None:
            return
        if "deletionTimestamp" in manifest["metadata"]:
            self._go_on(place, manifest)
        elif references_of(manifest):
            self._judge(place, manifest)

    def _go_on(self, place: Place, manifest: Manifest) -> None:
        """What the deletion of an owner waits for."""
        finalizers, uid = _finalizers(manifest), manifest["metadata"]["uid"]
        dependents = self._graph.dependents_of(uid)
        if ORPHAN in finalizers:
            for dependent, found in dependents.items():
                self._edit(dependent, ownerReferences=[one for one in references_of(found) if one["uid"] != uid])
            self._edit(place, finalizers=[name for name in finalizers if name != ORPHAN])
        elif FOREGROUND in finalizers:
            named = [one for found in dependents.values() for one in references_of(found) if one["uid"] == uid]
            if not any(one.get("blockOwnerDeletion") for one in named):
                self._edit(place, finalizers=[name for name in finalizers if name != FOREGROUND])

    def _judge(self, place: Place, manifest: Manifest) -> None:
        """Whether an object still has an owner that stays; without one it is deleted."""
        owners = [(one, self._graph.owner(place, one)) for one in references_of(manifest)]
        staying = [one for one, owner in owners if owner is not None and not waits(owner)]
        dependents = self._graph.dependents_of(manifest["metadata"]["uid"])
        if staying:
            if len(staying) < len(owners):
                self._edit(place, ownerReferences=staying)
        elif dependents and any(owner is not None for _, owner in owners):
            if any(map(waits, dependents.values())):  # they own each other, and would wait for each other for ever
                self._edit(place, ownerReferences=[one | {"blockOwnerDeletion": False} for one, _ in owners])
            self._server.delete(*place, Propagation.FOREGROUND)
        else:
            self._server.delete(*place, _asked(manifest))

    def _edit(self, place: Place, **lists: list[Any]) -> None:
        self._server.edit(*place, {"metadata": lists})


def _finalizers(manifest: Manifest) -> list[str]:
    found: list[str] = manifest["metadata"].get("finalizers", [])
    return found


def _asked(manifest: Manifest) -> Propagation:
    """How an object is deleted that carries one of the two finalizers from the beginning."""
    asked = {ORPHAN: Propagation.ORPHAN, FOREGROUND: Propagation.FOREGROUND}
    return next((asked[name] for name in (ORPHAN, FOREGROUND) if name in _finalizers(manifest)), Propagation.BACKGROUND)
