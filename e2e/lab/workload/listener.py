"""A listening socket of one address and port, which refuses the moment it is closed.

asyncio's own Server loses sockets that it has accepted and not yet handed out when it closes; here each accepted
socket gets its connection, which may then end as its host wants. It knows nothing of what is spoken.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger(__name__)

BACKLOG = 1024
ACCEPTED_AT_ONCE_MAX = 64
FULL_AGAIN_S = 1.0


class Listener:
    """Accepts connections until closed; made inside a running event loop. Raises OSError when it can't bind."""

    def __init__(
        self, address: str, port: int, connect: Callable[[], asyncio.Protocol], tls: ssl.SSLContext | None = None
    ) -> None:
        """Bind and accept from now on; `connect` makes the protocol of each connection."""
        self._loop = asyncio.get_running_loop()
        self._connect = connect
        self._tls = tls
        self._connecting: set[asyncio.Task[object]] = set()
        self._socket = socket.create_server((address, port), backlog=BACKLOG)
        self._socket.setblocking(False)  # noqa: FBT003 - the socket module has it so
        self.port: int = self._socket.getsockname()[1]
        """The port it listens on, chosen by the system when 0 was asked for."""
        self._watch()

    def close(self) -> None:
        """Refuse from now on; accepted connections are the host's. May be called again."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _watch(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE_MAX):
            try:
                accepted, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of files or memory: the next client would fail alike, so leave it in the backlog for a while.
                log.warning("cannot accept on port %d: %s", self.port, error)
                self._loop.remove_reader(self._socket)
                self._loop.call_later(FULL_AGAIN_S, self._watch)
                return
            accepted.setblocking(False)  # noqa: FBT003 - the socket module has it so
            task = self._loop.create_task(self._hand_out(accepted))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    async def _hand_out(self, accepted: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._connect, accepted, ssl=self._tls)
        except OSError as error:
            accepted.close()
            log.info("a client of port %d was gone before it was served: %s", self.port, error)
