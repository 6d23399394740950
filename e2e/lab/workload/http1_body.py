"""Where an HTTP/1.1 message's body ends. Both sides of the lab throw bodies away, but must find the next message.

Sans I/O: it eats bytes from the front of a buffer and says when the body is over. It knows nothing
of heads.
"""

from enum import Enum, auto

LINE_BYTES_MAX = 8192


class MalformedError(ValueError):
    """The peer's bytes are not HTTP/1.1: its fault; close the connection."""


class _At(Enum):
    SIZE = auto()
    DATA = auto()
    TRAILER = auto()
    END = auto()


class CountedBody:
    """A body of a length known from the start."""

    __slots__ = ("_left",)

    def __init__(self, length_bytes: int) -> None:
        """Expect this many bytes."""
        self._left = length_bytes

    def eat(self, buffer: bytearray) -> bool:
        """Remove what belongs to the body from the buffer's front; whether the body is over."""
        eaten = min(self._left, len(buffer))
        del buffer[:eaten]
        self._left -= eaten
        return self._left == 0


class ChunkedBody:
    """A body in chunks, with or without a trailer."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        """Expect the first chunk's size."""
        self._at = _At.SIZE
        self._left = 0

    def eat(self, buffer: bytearray) -> bool:
        """Remove what belongs to the body from the buffer's front; whether the body is over."""
        while self._at is not _At.END and self._advance(buffer):
            pass
        return self._at is _At.END

    def _advance(self, buffer: bytearray) -> bool:
        """Take one line or some data; False when more bytes are needed."""
        if self._at is _At.DATA:
            return self._eat_data(buffer)
        line = _take_line(buffer)
        if line is None:
            return False
        if self._at is _At.TRAILER:
            if not line:
                self._at = _At.END
            return True
        size = _chunk_size(line)
        self._at, self._left = (_At.DATA, size + 2) if size else (_At.TRAILER, 0)
        return True

    def _eat_data(self, buffer: bytearray) -> bool:
        eaten = min(self._left, len(buffer))
        del buffer[:eaten]
        self._left -= eaten
        if self._left == 0:
            self._at = _At.SIZE
        return eaten > 0


class EndlessBody:
    """A body that ends with the connection."""

    __slots__ = ()

    def eat(self, buffer: bytearray) -> bool:
        """Remove everything; never over."""
        buffer.clear()
        return False


Body = CountedBody | ChunkedBody | EndlessBody


def body_length(text: bytes) -> int:
    """Read a Content-Length. Raises MalformedError."""
    digits = text.strip()
    if not digits.isdigit():
        message = f"content-length is not a number: {digits[:40]!r}"
        raise MalformedError(message)
    return int(digits)


def _take_line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\r\n")
    if end < 0:
        if len(buffer) > LINE_BYTES_MAX:
            message = "a line of a chunked body is too long"
            raise MalformedError(message)
        return None
    line = bytes(buffer[:end])
    del buffer[: end + 2]
    return line


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";", 1)[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        message = f"chunk size is not a number: {digits[:40]!r}"
        raise MalformedError(message)
    return int(digits, 16)
