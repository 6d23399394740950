"""What reached the API server, as its own audit log would have it: counted at its door, never by who asks.

Knows no budget and no stage: who reads it decides what to make of an entry.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from rollouts.api.resources import ObjectKey
from rollouts.embedded.kinds import Kinds
from rollouts.embedded.target import Target, read_path
from rollouts.testing.memory_server import MemoryServer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CONTROLLER = "rollouts/"
"""How the name begins by which the controller's requests are known."""
STATUS = "patch canaries.rollouts.dev/status"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of the controller's."""

    what: str
    """Verb and resource as RBAC writes them: `patch canaries.rollouts.dev/status`."""
    about: ObjectKey
    """The object; of an Event what it is about. Of a whole kind it has no name."""
    code: int
    """Of the answer; 0 for a watch, which is noted when it is opened."""
    sent: int = 0
    """Bytes of the request's body."""
    got: int = 0
    """Bytes of the answer's body; of a watch none."""

    @property
    def is_lease(self) -> bool:
        """Whether it keeps a replica's seat."""
        return self.what.endswith(" leases.coordination.k8s.io")

    @property
    def is_watch(self) -> bool:
        """Whether it opens a watch."""
        return self.what.startswith("watch ")


class Audit:
    """Notes each request whose sender calls itself the controller."""

    def __init__(self, server: MemoryServer) -> None:
        self.entries: list[Entry] = []
        self.on_entry: Callable[[Entry], None] = lambda _entry: None
        self._kinds = Kinds(server)

    def middleware(self) -> Any:
        """What to put before the server's own handler."""

        @web.middleware
        async def noted(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not request.headers.get("User-Agent", "").startswith(CONTROLLER):
                return await handler(request)
            what, target = self._what(request)
            if what.startswith("watch "):
                self._note(Entry(what, ObjectKey("", ""), 0))
                return await handler(request)
            body = await request.read()
            answer = await handler(request)
            got = len(answer.body) if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else 0
            self._note(Entry(what, _about(target, body), answer.status, len(body), got))
            return answer

        return noted

    def _note(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.on_entry(entry)

    def _what(self, request: web.Request) -> tuple[str, Target | None]:
        target = read_path(request.path, self._kinds)
        if target is None:
            return f"{request.method.lower()} {request.path}", None
        verb = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}.get(request.method, "get")
        if verb == "get" and not target.name:
            verb = "watch" if request.query.get("watch") == "true" else "list"
        resource = str(target.kind.resource)
        return f"{verb} {resource}/{target.subresource}" if target.subresource else f"{verb} {resource}", target


def _about(target: Target | None, body: bytes) -> ObjectKey:
    if target is None:
        return ObjectKey("", "")
    if target.name or not body:
        return target.key
    told = json.loads(body)
    meant = told.get("involvedObject") or told.get("metadata") or {}
    return ObjectKey(target.namespace, meant.get("name", ""))
