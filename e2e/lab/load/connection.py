"""One connection of the load client: one request in flight at a time, and what becomes of it.

It knows a socket and the answer's bytes. Which request goes where, and what a loss means, is the
Owner's business.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from e2e.lab.load.http1 import Response, ResponseReader
from e2e.lab.workload.http1_body import MalformedError


@dataclass(frozen=True, slots=True)
class Loss:
    """A request in flight was lost with its connection; `untouched` when no byte of an answer had come."""

    error: str
    untouched: bool


class Owner(Protocol):
    """Whoever gives requests to connections."""

    def answered(self, connection: "Connection", response: Response) -> None:
        """The request in flight has its whole answer."""

    def lost(self, connection: "Connection", loss: Loss) -> None:
        """The request in flight gets no answer on this connection."""

    def gone(self, connection: "Connection") -> None:
        """The connection is gone, after `lost` if a request was in flight."""


class Connection(asyncio.Protocol):
    """Carries requests one after the other."""

    def __init__(self, owner: Owner) -> None:
        """Belong to this owner."""
        self._owner = owner
        self._reader = ResponseReader()
        self._transport: asyncio.Transport | None = None
        self._in_flight = False
        self.sent_requests = 0
        """How many requests have been written."""

    @property
    def usable(self) -> bool:
        """Whether another request can be written now."""
        transport = self._transport
        return transport is not None and not transport.is_closing() and not self._in_flight

    def send(self, request: bytes) -> None:
        """Write a request; only when usable."""
        assert self._transport is not None  # noqa: S101 - the owner asks `usable` first
        self._in_flight = True
        self.sent_requests += 1
        self._transport.write(request)

    def abort(self) -> None:
        """Give up the request in flight without a word to the owner, and the connection."""
        self._in_flight = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take bytes of the answer."""
        if not self._in_flight:
            # Bytes that nobody asked for: a server's last words (408) before it closes, or nonsense.
            self.abort()
            return
        try:
            response = self._reader.feed(data)
        except MalformedError:
            self._lose("malformed")
            self.abort()
            return
        if response is not None:
            self._finish(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """See what the end of the connection means for the request in flight."""
        self._transport = None
        response = self._reader.end() if exc is None and self._in_flight else None
        if response is not None:
            self._finish(response)
        elif self._in_flight:
            self._lose("closed" if exc is None else "reset")
        self._owner.gone(self)

    def _finish(self, response: Response) -> None:
        self._in_flight = False
        if self._transport is not None and (not response.keep_alive or self._reader.begun):
            self._transport.close()
        self._owner.answered(self, response)

    def _lose(self, error: str) -> None:
        self._in_flight = False
        self._owner.lost(self, Loss(error, untouched=not self._reader.begun and error != "malformed"))
