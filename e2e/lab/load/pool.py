"""A bounded set of connections, and the requests that ride on them or wait for one.

It decides which connection a request takes, and sends again in the one case where HTTP allows it
blindly: a kept connection was closed under the request before any byte of an answer. It knows no
rate and keeps no records.
"""

import asyncio
from collections import deque
from typing import Protocol

from e2e.lab.load.call import Call
from e2e.lab.load.connection import Connection, Loss
from e2e.lab.load.http1 import Response
from e2e.lab.load.target import Target


class Book(Protocol):
    """Whoever wants to know how each request ended; told once for each."""

    def answered(self, call: Call, response: Response) -> None:
        """A whole answer came."""

    def failed(self, call: Call, error: str) -> None:
        """No answer will come."""


class Pool:
    """An Owner of connections to one address."""

    def __init__(self, book: Book, target: Target, *, connections_max: int) -> None:
        """Open nothing yet."""
        self._book = book
        self._target = target
        self._connections_max = connections_max
        self._idle: list[Connection] = []
        self._riding: dict[Connection, Call] = {}
        self._waiting: deque[Call] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()

    def send(self, call: Call) -> None:
        """Give the call a connection: an idle one, else a new one, else it waits for the next that comes free."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                self._ride(connection, call)
                return
        if self._has_room:
            self._open_for(call)
        else:
            self._waiting.append(call)

    def drop(self, call: Call) -> None:
        """Give up the call's connection: its answer may still come there."""
        if call.opening is not None:
            call.opening.cancel()
        if call.connection is not None:
            self._riding.pop(call.connection, None)
            call.connection.abort()

    async def close(self) -> None:
        """Close every connection; calls still riding are not told. Returns when all are gone."""
        self._waiting.clear()
        self._riding.clear()
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for connection in tuple(self._open):
            connection.abort()
        if self._open:
            self._empty.clear()
            await self._empty.wait()

    def answered(self, connection: Connection, response: Response) -> None:
        """A connection has its answer and may be free again."""
        call = self._riding.pop(connection, None)
        if call is None:  # it came while all are being closed
            return
        self._book.answered(call, response)
        self._free(connection)

    def lost(self, connection: Connection, loss: Loss) -> None:
        """A connection has lost its request."""
        call = self._riding.pop(connection, None)
        if call is None:
            return
        if loss.untouched and connection.sent_requests > 1 and not call.resent:
            call.resent = True
            call.connection = None
            # In place of the one lost: for a moment the bound is exceeded by one that is closing.
            self._open_for(call)
            return
        self._book.failed(call, loss.error)

    def gone(self, connection: Connection) -> None:
        """A connection has ended; its place is free."""
        self._open.discard(connection)
        if not self._open:
            self._empty.set()
        if connection in self._idle:
            self._idle.remove(connection)
        self._serve_waiting()

    @property
    def _has_room(self) -> bool:
        return len(self._open) + len(self._opening) < self._connections_max

    def _serve_waiting(self) -> None:
        while self._has_room and (call := self._next_waiting()) is not None:
            self._open_for(call)

    def _free(self, connection: Connection) -> None:
        if not connection.usable:
            return
        call = self._next_waiting()
        if call is None:
            self._idle.append(connection)
        else:
            self._ride(connection, call)

    def _ride(self, connection: Connection, call: Call) -> None:
        self._riding[connection] = call
        call.connection = connection
        call.sent_s = asyncio.get_running_loop().time()
        connection.send(call.request)

    def _next_waiting(self) -> Call | None:
        while self._waiting:
            call = self._waiting.popleft()
            if not call.done:
                return call
        return None

    def _open_for(self, call: Call) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(call))
        call.opening = task
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._serve_waiting()

    async def _connect(self, call: Call) -> None:
        loop, target = asyncio.get_running_loop(), self._target
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self),
                *(target.address, target.port),
                ssl=target.tls,
                server_hostname=target.server_name if target.tls else None,
            )
        except OSError as error:
            self._book.failed(call, _word(error))
            return
        finally:
            call.opening = None
        if not connection.usable:  # it has ended before it was of use
            self._book.failed(call, "reset")
            return
        self._open.add(connection)
        if call.done:
            self._free(connection)
        else:
            self._ride(connection, call)


def _word(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionError):
        return "reset"
    return "unreachable"
