"""A small HTTP server in a webhook's place: keeps each CloudEvent that comes, and takes it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from e2e.lab.namespaces import POD_GATEWAY
from e2e.play.listening import posted_to


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery."""

    at_s: float
    canary: str
    number: int
    """Of the Canary's notices: they are counted without a gap."""
    reason: str


class Receiver:
    """What came so far."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def of(self, canary: str) -> tuple[Told, ...]:
        """What was told of one Canary."""
        return tuple(one for one in self.told if one.canary == canary)

    async def answer(self, request: web.Request) -> web.Response:
        """Keep an event; what is none is refused."""
        try:
            event = json.loads(await request.read())
            told = read_event(event, time.time())
        except (ValueError, LookupError, TypeError, AttributeError) as odd:
            return web.Response(status=400, text=f"no event of ours: {odd!r}")
        self.told.append(told)
        return web.Response(status=204)


def read_event(event: dict[str, str], at_s: float) -> Told:
    """What a CloudEvent of ours says. Raises LookupError, ValueError."""
    number = int(event["id"].rpartition("-")[2])
    return Told(at_s, event["source"].rpartition("/")[2], number, event["type"].rpartition(".")[2])


@asynccontextmanager
async def receiving(host: str = POD_GATEWAY) -> AsyncIterator[tuple[Receiver, str]]:
    """It listens on a free port; and its address."""
    receiver = Receiver()
    async with posted_to(receiver.answer, "/{path:.*}", host) as url:
        yield receiver, f"{url}/news"
