from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession

from rollouts.embedded import serving
from rollouts.testing.memory_server import MemoryServer


@dataclass(frozen=True, slots=True)
class Api:
    """The facade, the server behind it, and somebody who asks."""

    server: MemoryServer
    session: ClientSession

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the body of an answer. A name's underscores are a header's dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.request(method, path, headers=named, **({} if body is None else kind)) as answer:
            return answer.status, await answer.json()

    async def patch(self, path: str, media: str, body: Any) -> tuple[int, Any]:
        """The answer to a patch."""
        return await self.ask("PATCH", path, body, Content_Type=media)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """A facade on a port of its own."""
    server = MemoryServer(lambda: datetime.now(UTC))
    async with serving(server) as url, ClientSession(url) as session:
        yield Api(server, session)
