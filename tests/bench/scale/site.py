"""The embedded API server with an audit at its door: on a socket of this process, or on a port for another one.

A Unix socket has no wire: what one side has sent the other can read at once. So a loop in virtual time, which moves on
when nothing can be read, never overtakes a request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import format_datetime
from pathlib import Path

from aiohttp import web

from rollouts.api.resources import OPTIONAL
from rollouts.embedded.admitting import by_schema
from rollouts.embedded.furnish import furnish
from rollouts.embedded.kinds import DEFINITIONS, Kinds
from rollouts.embedded.open_kinds import open_definition
from rollouts.embedded.server import BODY_MAX_BYTES, Facade
from rollouts.testing.memory_server import MemoryServer
from tests.bench.scale.audit import Audit


@asynccontextmanager
async def served(server: MemoryServer, audit: Audit, socket: Path | None = None) -> AsyncIterator[str]:
    """Until the body ends; the URL, which means nothing where there is a socket. It tells the server's own time."""
    furnish(server)
    _complete(server)
    server.journal.limit = 20_000  # a real one forgets after minutes, not after so few changes
    app = web.Application(client_max_size=BODY_MAX_BYTES, middlewares=[audit.middleware()])
    app.router.add_route("*", "/{path:.*}", Facade(server, by_schema).handle)

    async def tell_time(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(server.now(), usegmt=True)

    app.on_response_prepare.append(tell_time)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handler_cancellation=True)
    await runner.setup()
    try:
        if socket is None:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        else:
            await web.UnixSite(runner, str(socket)).start()
            yield "http://embedded"
    finally:
        await runner.cleanup()


def _complete(server: MemoryServer) -> None:
    """Serve the kinds too that a cluster may lack: who watches most costs most."""
    kinds = Kinds(server)
    for resource in sorted(OPTIONAL, key=str):
        if kinds.find(resource.group, resource.version, resource.plural) is None:
            server.put(DEFINITIONS, open_definition(resource))
