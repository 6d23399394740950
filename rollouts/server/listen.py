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
    """Serve as long as the body runs. The socket is closed afterwards."""
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=SHUTDOWN_S
    )
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
