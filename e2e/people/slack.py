"""A small HTTP server in the lab's namespace in Slack's place: keeps each message, and refuses what Slack would refuse.

Slack's shape is that of tests/contract/slack_server.py, which names the pages that it was read from.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from e2e.lab.namespaces import POD_GATEWAY
from e2e.people.message import Message
from e2e.play.listening import posted_to
from tests.contract.slack_server import HOOK, webhook
from tests.contract.vendor import Refusal, Reply, Request

SECRET = HOOK.rpartition("/")[2]
"""The part of the address that nobody may read anywhere."""


class Slack:
    """What came so far."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def since(self, at_s: float) -> tuple[Message, ...]:
        """What came from that time on."""
        return tuple(one for one in self.messages if one.at_s >= at_s)

    async def answer(self, request: web.Request) -> web.Response:
        """Keep a message, and answer it as Slack does."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.path, dict(request.query), headers, await request.read())
        reply, flaw = judged(asked)
        self.messages.append(Message(time.time(), _object(asked.body), flaw))
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        return web.Response(status=reply.status, body=body)


def judged(asked: Request) -> tuple[Reply, str]:
    """What Slack says to it, and what it has against it."""
    try:
        return webhook(asked), ""
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body), f"{refusal.status} {refusal.body!r}"
    except (LookupError, TypeError) as odd:
        return Reply(400, b"invalid_blocks"), f"no message of that shape: {odd!r}"


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


@asynccontextmanager
async def receiving(host: str = POD_GATEWAY) -> AsyncIterator[tuple[Slack, str]]:
    """It listens on a free port, and the address of its webhook. A pod's address: the controller's own is refused."""
    slack = Slack()
    async with posted_to(slack.answer, "/{path:.*}", host) as url:
        yield slack, f"{url}{HOOK}"
