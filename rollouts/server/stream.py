"""Server-sent events: what a Canary is after each change, a heartbeat in between, an end for who does not keep up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollouts.api.resources import ObjectKey
from rollouts.server.feed import Feed, Listener

HEARTBEAT_S = 15.0
SEND_MAX_S = 10.0
"""How long a client may take to read what fills its connection."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event."""

    name: str
    data: str = ""
    id: str = ""

    def encoded(self) -> bytes:
        """As it goes over the wire. Data is JSON on one line."""
        named = f"id: {self.id}\n" if self.id else ""
        return f"{named}event: {self.name}\ndata: {self.data}\n\n".encode()


Tell = Callable[[], Said]
"""What there is to say of the Canary now."""
Allowed = Callable[[], Awaitable[bool]]
"""Whether the listener may still hear it."""


@dataclass(frozen=True, slots=True)
class News:
    """What there is to hear of one Canary, and for whom."""

    feed: Feed
    key: ObjectKey
    tell: Tell
    allowed: Allowed


class EventStream(Response):
    """A response that ends when its client goes, is too slow, or may not listen any more."""

    def __init__(self, news: News, *, heartbeat_s: float = HEARTBEAT_S, send_max_s: float = SEND_MAX_S) -> None:
        super().__init__(media_type="text/event-stream")
        self._news = news
        self._heartbeat_s = heartbeat_s
        self._send_max_s = send_max_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Say what there is until the end."""
        with self._news.feed.listening() as listener:
            headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async with asyncio.TaskGroup() as tasks:
                leaving = tasks.create_task(_gone(receive))
                talking = tasks.create_task(self._talk(listener, send))
                await asyncio.wait((leaving, talking), return_when=asyncio.FIRST_COMPLETED)
                leaving.cancel()
                talking.cancel()

    async def _talk(self, listener: Listener, send: Send) -> None:
        try:
            async for piece in self._pieces(listener):
                async with asyncio.timeout(self._send_max_s):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return  # the server closes a connection whose answer is not whole

    async def _pieces(self, listener: Listener) -> AsyncIterator[bytes]:
        yield self._news.tell().encoded()
        while True:
            changed = await listener.next(self._heartbeat_s)
            if not await self._news.allowed():
                yield Said("denied", '{"message": "the right to watch this Canary has ended"}').encoded()
                return
            if listener.cut:
                yield Said("cut", '{"message": "too slow: ask again"}').encoded()
                return
            if self._news.key in changed:
                yield self._news.tell().encoded()
            elif not changed:
                yield b": alive\n\n"


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
