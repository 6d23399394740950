"""Answers as they come over a connection, one request in flight at a time, bodies thrown away.

Sans I/O: bytes are fed in, a whole answer comes out. It knows nothing of sockets or of what was
asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from e2e.lab.workload.http1_body import (
    Body,
    ChunkedBody,
    CountedBody,
    EndlessBody,
    MalformedError,
    body_length,
)

HEAD_BYTES_MAX = 65_536
_BODILESS = frozenset((204, 304))
_EMPTY = CountedBody(0)


@dataclass(frozen=True, slots=True)
class Response:
    """One whole answer; header names are in lower case, values as they came."""

    status: int
    headers: Mapping[bytes, bytes]
    keep_alive: bool


class ResponseReader:
    """Cuts a connection's bytes into answers."""

    __slots__ = ("_body", "_buffer", "_response")

    def __init__(self) -> None:
        """Start before an answer."""
        self._buffer = bytearray()
        self._response: Response | None = None
        self._body: Body = _EMPTY

    @property
    def begun(self) -> bool:
        """Whether any byte of an answer has come."""
        return self._response is not None or bool(self._buffer)

    def feed(self, data: bytes) -> Response | None:
        """Append what the socket gave; the answer if it is whole now. Raises MalformedError."""
        self._buffer += data
        while self._response is None:
            if not self._read_head():
                return None
        if not self._body.eat(self._buffer):
            return None
        return self._take()

    def end(self) -> Response | None:
        """The connection has ended: the answer, if it was one that ends with the connection."""
        if self._response is None or not isinstance(self._body, EndlessBody):
            return None
        return self._take()

    def _take(self) -> Response | None:
        response, self._response = self._response, None
        return response

    def _read_head(self) -> bool:
        """Read a head if a whole one is there; heads of 1xx are passed over."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                message = "the answer's head is too long"
                raise MalformedError(message)
            return False
        line, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        status = _status(line)
        if status < 200:  # no answer yet
            return True
        headers = {name.lower(): value.strip() for name, _, value in (item.partition(b":") for item in lines)}
        self._body = _body_of(status, headers)
        keep = line.startswith(b"HTTP/1.1") and headers.get(b"connection", b"").lower() != b"close"
        self._response = Response(status, headers, keep and not isinstance(self._body, EndlessBody))
        return True


def _status(line: bytes) -> int:
    words = line.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        message = f"not a status line: {line[:80]!r}"
        raise MalformedError(message)
    return int(words[1])


def _body_of(status: int, headers: Mapping[bytes, bytes]) -> Body:
    if status in _BODILESS:
        return _EMPTY
    if headers.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        return ChunkedBody()
    length = headers.get(b"content-length")
    return EndlessBody() if length is None else CountedBody(body_length(length))
