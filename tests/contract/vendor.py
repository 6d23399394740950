"""A service as its vendor documents it, over real HTTP: takes what its contract allows, and refuses the rest.

Before it is itself it answers as a test has it: slowly, with 429, with 5xx, or not at all.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.kube.rude_server import Asked, Step, reply, rude_server


class Refusal(Exception):
    """The vendor will not have it."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Request:
    """One POST."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json_object(self, error: Any, *, status: int = 400) -> dict[str, Any]:
        """The body, which has to be a JSON object and said to be one."""
        refusal = Refusal(status, error)
        demand(self.headers.get("content-type", "").split(";")[0] == "application/json", refusal)
        try:
            payload = json.loads(self.body)
        except ValueError:
            raise refusal from None
        demand(isinstance(payload, dict), refusal)
        made: dict[str, Any] = payload
        return made

    def payload_id(self, text: str) -> str:
        """The id at the end of the last line of a message."""
        return text.rpartition("· ")[2]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the vendor answers; with an id it has posted something."""

    status: int
    body: Any = b""
    known_as: str = ""


@dataclass(slots=True)
class Vendor:
    """One service and what it was sent."""

    url: str
    trouble: deque[Step]
    """Steps that come before the service is itself."""
    posted: list[str] = field(default_factory=list)
    """The ids of what it has posted."""
    asked: list[Request] = field(default_factory=list)

    @property
    def payload(self) -> Any:
        """The last request's, as an object."""
        return json.loads(self.asked[-1].body)


def demand(fits: object, refusal: Refusal) -> None:
    """Refuse what does not fit."""
    if not fits:
        raise refusal


def text_of(text: Any) -> int:
    """How long a text is; -1 of what is none."""
    return len(text) if isinstance(text, str) else -1


@asynccontextmanager
async def vendor(answer: Callable[[Request], Reply]) -> AsyncIterator[Vendor]:
    """A service on a free loopback port."""
    async with rude_server() as server:
        made = Vendor(server.url, deque())

        async def step(asked: Asked) -> None:
            request = Request(asked.path, asked.query, asked.headers, asked.body)
            made.asked.append(request)
            if made.trouble:
                await made.trouble.popleft()(asked)
                return
            try:
                said = answer(request)
            except Refusal as refused:
                await reply(refused.status, refused.body)(asked)
                return
            if said.known_as:
                made.posted.append(said.known_as)
            await reply(said.status, said.body)(asked)

        server.script = _Always(step)
        yield made


class _Always(deque[Step]):
    """A script without an end."""

    def __init__(self, step: Step) -> None:
        super().__init__([step])
        self._step = step

    def popleft(self) -> Step:
        return self._step
