"""Small HTTP servers of the plays: what hooks and messages are sent to. Knows nothing of what they say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def posted_to(
    answer: Callable[[web.Request], Awaitable[web.Response]], path: str, host: str, port: int = 0
) -> AsyncIterator[str]:
    """Each POST to that path is answered so, until the block ends; the URL without a path. Port 0 is a free one."""
    application = web.Application()
    application.router.add_post(path, answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
