"""Requests as they come over a connection: HTTP/1.1 with keep-alive and pipelining, bodies thrown away.

Sans I/O: bytes are fed in, complete requests come out in order. It knows nothing of sockets or of
answers.
"""

from dataclasses import dataclass

from e2e.lab.workload.http1_body import Body, ChunkedBody, CountedBody, MalformedError, body_length

HEAD_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """One complete request; its body is gone."""

    method: bytes
    target: bytes
    keep_alive: bool


class RequestReader:
    """Cuts a connection's bytes into requests."""

    __slots__ = ("_body", "_buffer", "_request", "wants_continue")

    def __init__(self) -> None:
        """Start between two requests."""
        self._buffer = bytearray()
        self._request: Request | None = None
        self._body: Body | None = None
        self.wants_continue = False
        """Whether the client waits for "100 Continue" before it sends the body; the reader's owner clears it."""

    @property
    def buffered_bytes(self) -> int:
        """How many bytes wait to be cut."""
        return len(self._buffer)

    @property
    def mid_request(self) -> bool:
        """Whether part of a request has come."""
        return bool(self._buffer) or self._request is not None

    def feed(self, data: bytes) -> None:
        """Append what the socket gave."""
        self._buffer += data

    def next_request(self) -> Request | None:
        """The next complete request, or None when more bytes are needed. Raises MalformedError."""
        if self._request is None and not self._read_head():
            return None
        if self._body is not None and not self._body.eat(self._buffer):
            return None
        request, self._request, self._body = self._request, None, None
        return request

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_BYTES_MAX:
                message = "the request's head is too long"
                raise MalformedError(message)
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        line, _, rest = head.partition(b"\r\n")
        headers = b"\r\n" + rest.lower()
        self._request = _read_line(line, headers)
        self._body = _body_of(headers)
        self.wants_continue = self._body is not None and _header(headers, b"expect") == b"100-continue"
        return True


def _read_line(line: bytes, headers: bytes) -> Request:
    words = line.split(b" ")
    if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
        message = f"not a request line: {line[:80]!r}"
        raise MalformedError(message)
    connection = _header(headers, b"connection")
    keep_alive = connection == b"keep-alive" if words[2] == b"HTTP/1.0" else connection != b"close"
    return Request(words[0], words[1], keep_alive)


def _header(headers: bytes, name: bytes) -> bytes:
    """A header's value in lower case, empty when absent; `headers` are in lower case, each after a line end."""
    at = headers.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    start = at + len(name) + 3
    end = headers.find(b"\r\n", start)
    return headers[start : end if end >= 0 else len(headers)].strip()


def _body_of(headers: bytes) -> Body | None:
    if _header(headers, b"transfer-encoding").endswith(b"chunked"):
        return ChunkedBody()
    length = _header(headers, b"content-length")
    if not length:
        return None
    return CountedBody(body_length(length))
