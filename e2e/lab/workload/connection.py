"""One HTTP connection: requests in, answers out, in order, each after the delay that its answer asks for.

It knows HTTP and time, not pods: what to answer and where to count is its Host's business. Raw
asyncio.Protocol, since a framework's cost would be measured as the lab's latency.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from e2e.lab.workload.http1 import Request, RequestReader
from e2e.lab.workload.http1_body import MalformedError

UNREAD_BYTES_MAX = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to write, and after how many seconds; `head` ends with its last header's line end."""

    status: int
    head: bytes
    body: bytes
    delay_s: float = 0.0


class Host(Protocol):
    """Whoever answers on this connection."""

    @property
    def draining(self) -> bool:
        """Whether each answer should tell the client to go elsewhere."""

    def answer(self, request: Request) -> Answer:
        """What to say to this request."""

    def answered(self, status: int, duration_s: float) -> None:
        """An answer was written, this long after its request came."""

    def opened(self, connection: "HttpConnection") -> None:
        """A client has connected."""

    def closed(self, connection: "HttpConnection") -> None:
        """A client's connection is gone."""


def render_head(status: int, headers: dict[str, str], body: bytes) -> bytes:
    """The status line and headers of an answer, without Connection and without the empty line."""
    lines = [
        f"HTTP/1.1 {status} {_phrase(status)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "".join(f"{line}\r\n" for line in [*lines, f"content-length: {len(body)}"]).encode("latin-1")


class HttpConnection(asyncio.Protocol):
    """Serves one client; answers keep the order of the requests."""

    def __init__(self, host: Host) -> None:
        """Serve on behalf of this host."""
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._reader = RequestReader()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = True
        self._began_s = 0.0
        self._last_data_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise
        self._transport = transport
        self._host.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason is all one
        """Forget what was still to be answered."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._host.closed(self)

    def pause_writing(self) -> None:
        """The client reads too slowly: answer no more until it catches up."""
        self._writable = False

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable = True
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Take bytes and answer what is complete."""
        self._last_data_s = self._loop.time()
        if not self._busy and not self._reader.mid_request:
            self._began_s = self._last_data_s
        self._reader.feed(data)
        if self._busy:
            if self._transport is not None and self._reader.buffered_bytes > UNREAD_BYTES_MAX:
                self._transport.pause_reading()
            return
        self._advance()

    def kill(self) -> None:
        """End as when the container dies: reset if something was being answered, else just close."""
        if self._transport is None:
            return
        if not self._busy and not self._reader.mid_request:
            self._transport.close()
            return
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    @property
    def _busy(self) -> bool:
        return self._timer is not None

    def _advance(self) -> None:
        """Answer complete requests one after the other until one has to wait."""
        try:
            while self._transport is not None and not self._busy and self._writable:
                request = self._reader.next_request()
                if request is None:
                    self._read_on()
                    return
                self._begin(request)
        except MalformedError as error:
            self._refuse(error)

    def _read_on(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._reader.wants_continue:
            self._reader.wants_continue = False
            transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not transport.is_reading():
            transport.resume_reading()

    def _begin(self, request: Request) -> None:
        answer = self._host.answer(request)
        if answer.delay_s <= 0.0:
            self._finish(request, answer)
            return
        self._timer = self._loop.call_later(answer.delay_s, self._finish_later, request, answer)

    def _finish_later(self, request: Request, answer: Answer) -> None:
        self._timer = None
        self._finish(request, answer)
        self._advance()

    def _finish(self, request: Request, answer: Answer) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        last = self._host.draining or not request.keep_alive
        body = b"" if request.method == b"HEAD" else answer.body
        transport.write(answer.head + (b"connection: close\r\n\r\n" if last else b"\r\n") + body)
        self._host.answered(answer.status, self._loop.time() - self._began_s)
        # Bytes that are here already belong to the next request: it has waited since they came.
        self._began_s = self._last_data_s
        if last:
            transport.close()
            self._transport = None

    def _refuse(self, error: MalformedError) -> None:
        transport = self._transport
        if transport is None:
            return
        body = f"{error}\n".encode()
        transport.write(render_head(400, {"connection": "close"}, body) + b"\r\n" + body)
        transport.close()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
