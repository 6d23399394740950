"""A real HTTP server that plays the receivers of webhooks: its gates open and close, and it keeps every call."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from e2e.play.listening import posted_to

_ADDRESS = ("127.0.0.1", 8090)
_CLOSED = 403
_AWAY = 503


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a webhook, and how it was answered."""

    at_s: float
    hook: str
    """The path's last part; the examples write the hook's type there."""
    payload: Mapping[str, Any]
    idempotency_key: str
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the answer was consent."""
        return self.status == 200


class Receiver:
    """Answers 200; 403 at a gate that is closed, and 503 where it is told to be away."""

    def __init__(self) -> None:
        self.calls: list[HookCall] = []
        self.closed: set[str] = set()
        self.away: set[str] = set()
        self.opened: dict[str, float] = {}
        """When a gate was opened."""

    def open(self, hook: str) -> None:
        """Open a gate."""
        self.closed.discard(hook)
        self.opened[hook] = time.time()

    def of(self, hook: str) -> list[HookCall]:
        """All calls of one hook."""
        return [call for call in self.calls if call.hook == hook]

    async def answer(self, request: web.Request) -> web.Response:
        """Keep a call and answer it."""
        hook = request.match_info["hook"]
        status = _CLOSED if hook in self.closed else _AWAY if hook in self.away else 200
        payload = await request.json()
        key = request.headers.get("Idempotency-Key", "")
        self.calls.append(HookCall(time.time(), hook, payload, key, status))
        return web.Response(status=status, text="open" if status == 200 else "not now")


@asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver that listens, and its URL without a path."""
    receiver = Receiver()
    async with posted_to(receiver.answer, "/{hook}", *_ADDRESS) as url:
        yield receiver, url
