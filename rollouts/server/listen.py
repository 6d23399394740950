"""Where the process listens, and the HTTP server that does it. Knows no routes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from rollouts.errors import RolloutsError

SHUTDOWN_S = 2
"""How long requests in flight may take when the server is to end."""


class AddressUnusable(RolloutsError):
    """Nobody can listen there: the address is taken, not this machine's, or not allowed."""


def bind(listen: str) -> socket.socket:
    """A socket that listens on `host:port`; port 0 takes any. Raises AddressUnusable."""
    host, _, port = listen.rpartition(":")
    try:
        return socket.create_server((host, int(port)))
    except OSError as error:
        raise AddressUnusable(f"can't listen on {listen}: {error.strerror or error}") from error


@asynccontextmanager
async def serving(application: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    """Serve as long as the body runs. The socket is closed afterwards.

    The parts of uvicorn's `serve` without its own loop, which looks ten times a second whether it is to end: that would
    be most of what a controller with nothing to do costs.
    """
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=SHUTDOWN_S
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(_tick(server))
        try:
            yield
        finally:
            ticking.cancel()
            await server.shutdown(sockets=[listener])


async def _tick(server: uvicorn.Server) -> None:
    """Keep the `Date` of answers right, which has whole seconds, for ever."""
    while True:
        await server.on_tick(0)
        await asyncio.sleep(1)
