"""Watches: from a version on, each change of what is selected, as a line of JSON, until its time is over.

What leaves the selection is told as deleted, and what enters it as added, as a real server does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import Refusal
from rollouts.embedded.reading import Form, Query, selection, whole
from rollouts.embedded.selecting import Selects
from rollouts.embedded.target import Target
from rollouts.errors import Gone
from rollouts.testing.memory_journal import Change
from rollouts.testing.memory_server import MemoryServer

TIMEOUT_MAX_S = 1800.0
BOOKMARK_EVERY_S = 5.0
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class Watch:
    """What a client asked to watch."""

    server: MemoryServer
    target: Target
    query: Query
    form: Form
    now: Callable[[], datetime]

    @property
    def wants_bookmarks(self) -> bool:
        """Whether it likes to be told that nothing has happened."""
        return self.query.get("allowWatchBookmarks") == "true"

    @property
    def from_now(self) -> bool:
        """Whether it begins with everything there is, instead of with what changes."""
        wanted = self.query.get("sendInitialEvents", "") == "true"
        return wanted or self.query.get("resourceVersion", "") in {"", "0"}


class Opened:
    """A watch that has begun: it hears every change from now on. Close it."""

    def __init__(self, watch: Watch) -> None:
        """Raises Refusal if it can't begin where the client asks."""
        self._watch, server = watch, watch.server
        self._writer = _Writer(watch, selection(watch.target, watch.query))
        self._missed = _begin(watch)
        self._initial = [*server.all_of(watch.target.kind.resource)] if watch.from_now else []
        self._version = server.version
        self._changes = asyncio.Queue[Change]()
        server.watchers.append(self._hear)

    def close(self) -> None:
        """Hear no more."""
        self._watch.server.watchers.remove(self._hear)

    async def events(self) -> AsyncGenerator[Manifest, None]:
        """What is there, what was missed, and what comes, until the time is over."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _timeout_s(self._watch.query)
        for manifest in self._initial:
            for event in self._writer.first(manifest):
                yield event
        if self._watch.query.get("sendInitialEvents") == "true":
            yield self._writer.bookmark(self._version, _INITIAL_END)
        for change in self._missed:
            for event in self._writer.told(change):
                yield event
        while (left_s := ends_at - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left_s, BOOKMARK_EVERY_S)):
                    change = await self._changes.get()
            except TimeoutError:
                if self._watch.wants_bookmarks and self._changes.empty():
                    yield self._writer.bookmark(self._watch.server.version)
                continue
            for event in self._writer.told(change):
                yield event

    def _hear(self, change: Change) -> None:
        if change.place[0] == self._watch.target.kind.resource:
            self._changes.put_nowait(change)


class _Writer:
    """Writes events as the client wants them; a table's head goes with the first alone."""

    def __init__(self, watch: Watch, selects: Selects) -> None:
        self._watch = watch
        self._selects = selects
        self._head = True

    def first(self, manifest: Manifest) -> Sequence[Manifest]:
        """An object that was there before the watch."""
        return [self.event("ADDED", manifest)] if self._selects(manifest) else []

    def told(self, change: Change) -> Sequence[Manifest]:
        """What a change is for this watch, if it is anything."""
        before = change.before is not None and self._selects(change.before)
        after = change.after is not None and self._selects(change.after)
        if after and change.after is not None:
            return [self.event("MODIFIED" if before else "ADDED", change.after)]
        if not before or change.before is None:
            return []
        last = change.after or change.before
        metadata = last["metadata"] | {"resourceVersion": str(change.version)}
        return [self.event("DELETED", {**last, "metadata": metadata})]

    def event(self, kind: str, manifest: Manifest) -> Manifest:
        """One event about one object."""
        told = whole(self._watch.target, manifest)
        if self._watch.form.table:
            told = self._watch.form.write(self._watch.target, [told], self._watch.now(), head=self._head)
            self._head = False
        return {"type": kind, "object": told}

    def bookmark(self, version: int, annotations: Manifest | None = None) -> Manifest:
        """How far all is told."""
        metadata: Manifest = {"resourceVersion": str(version), "creationTimestamp": None}
        metadata |= {"annotations": annotations} if annotations else {}
        told = whole(self._watch.target, {"metadata": metadata})
        if self._watch.form.table:
            table = self._watch.form.write(self._watch.target, [], self._watch.now(), head=self._head)
            told = {**table, "metadata": metadata}
        return {"type": "BOOKMARK", "object": told}


def _begin(watch: Watch) -> list[Change]:
    """What has happened since the version that the client knows."""
    if watch.from_now:
        return []
    text = watch.query["resourceVersion"]
    if not text.isascii() or not text.isdigit():
        raise Refusal(400, f'invalid resource version "{text}"')
    try:
        return watch.server.journal.since(int(text), watch.target.kind.resource)
    except Gone as gone:
        said = f"too old resource version: {text} ({watch.server.version})"
        raise Refusal(410, said) from gone


def _timeout_s(query: Query) -> float:
    text = query.get("timeoutSeconds", "")
    return min(float(text), TIMEOUT_MAX_S) if text.isascii() and text.isdigit() and int(text) else TIMEOUT_MAX_S
