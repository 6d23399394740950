"""Some objects of one kind, again and again as they change: for a person who looks on until something is so.

As the reflector does it, only for a while and for one reader: list, watch from there, and again when that breaks. Who
may not watch is served by lists, less promptly. A server that is away for a moment is waited for, and that is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.errors import Forbidden, Gone, Throttled, Unavailable
from rollouts.kube.cursor import Added, Bookmark, Deleted, Modified, WatchCursor
from rollouts.kube.scope import Scope
from rollouts.kube.selection import is_object
from rollouts.kube.transport import Transport

WATCH_S = 240
SILENCE_GRACE_S = 15.0
POLL_S = 2.0
PAUSES_S = (0.25, 0.5, 1.0, 2.0, 5.0)
"""After each failure in a row; the last one for the rest."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is now. `trouble` says why that is not known to be the newest state."""

    objects: Mapping[ObjectKey, Manifest]
    trouble: str = ""


@dataclass(slots=True)
class _Known:
    objects: dict[ObjectKey, Manifest] = field(default_factory=dict)
    version: str = ""
    may_watch: bool = True
    listed: bool = False

    def seen(self, trouble: str = "") -> Seen:
        return Seen(dict(self.objects), trouble)


async def list_scope(transport: Transport, scope: Scope) -> tuple[dict[ObjectKey, Manifest], str]:
    """All of them, and the resourceVersion of that. Raises KubeError."""
    found: dict[ObjectKey, Manifest] = {}
    token = ""
    while True:
        request = scope.listed(token)
        told = (await transport.send(request)).manifest()
        metadata, items = told.get("metadata") or {}, told.get("items") or []
        if not isinstance(items, list) or not all(map(is_object, items)):
            raise Unavailable(f"{request}: the answer is no list", verb=request.verb, resource=request.resource)
        for item in items:
            # A list names the kind once, for all.
            found[ObjectKey.of(item)] = {
                "apiVersion": scope.resource.api_version, "kind": scope.resource.kind, **item,
            }  # fmt: skip
        token = str(metadata.get("continue") or "")
        if not token:
            return found, str(metadata.get("resourceVersion") or "")


async def follow(transport: Transport, scope: Scope) -> AsyncGenerator[Seen, None]:
    """What there is, at once and after each change, until cancelled.

    Raises KubeError where waiting won't help, and for whatever goes wrong before the first list is there.
    """
    known, failures = _Known(), 0
    while True:
        try:
            async with aclosing(_round(transport, scope, known)) as found:
                async for seen in found:
                    known.listed, failures = True, 0
                    yield seen
        except Gone:
            known.version = ""
        except Forbidden as error:
            if error.verb != "watch" or not known.listed:
                raise
            known.may_watch = False
        except (Unavailable, Throttled) as error:
            if not known.listed:
                raise
            if failures > 0:  # the first one may be nothing but the end of a connection
                yield known.seen(str(error))
            await asyncio.sleep(max(PAUSES_S[min(failures, len(PAUSES_S) - 1)], error.retry_after_s or 0.0))
            failures += 1


async def _round(transport: Transport, scope: Scope, known: _Known) -> AsyncGenerator[Seen, None]:
    """From a list, where one is needed, to the end of a watch."""
    if not known.version or not known.may_watch:
        known.objects, known.version = await list_scope(transport, scope)
        yield known.seen()
    if known.may_watch:
        async with aclosing(_changes(transport, scope, known)) as changes:
            async for seen in changes:
                yield seen
    await asyncio.sleep(PAUSES_S[0] if known.may_watch else POLL_S)


async def _changes(transport: Transport, scope: Scope, known: _Known) -> AsyncGenerator[Seen, None]:
    """Until the watch ends. Moves `known` on; without a version only a new list can help."""
    cursor = WatchCursor(known.version)
    request = scope.watched(known.version, WATCH_S)
    async with transport.stream(request, silence_limit_s=WATCH_S + SILENCE_GRACE_S) as lines:
        yield known.seen()
        async for line in lines:
            event = cursor.feed(line)
            known.version = cursor.resource_version
            match event:
                case Added(manifest) | Modified(manifest):
                    known.objects[ObjectKey.of(manifest)] = manifest
                    yield known.seen()
                case Deleted(manifest):
                    known.objects.pop(ObjectKey.of(manifest), None)
                    yield known.seen()
                case Bookmark():
                    pass
                case _:
                    known.version = ""
                    return
