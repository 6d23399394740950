"""Bytes in, whole lines out, sans I/O: a line may arrive in any number of pieces, cut anywhere.

Knows nothing of what a line means. Its memory is bounded by the longest line allowed.
"""

from __future__ import annotations

LINE_LIMIT_BYTES = 16 * 1024 * 1024
"""Ten times the largest object that etcd takes by default, once more for what JSON adds."""


class LineTooLong(Exception):
    """More bytes than allowed came without a line's end."""


class LineSplitter:
    """Cuts a stream of byte pieces at newlines. Lines come without their newline."""

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._pieces: list[bytes] = []
        self._held_bytes = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes, in order. Raises LineTooLong."""
        first, *rest = piece.split(b"\n")
        self._hold(first)
        lines = []
        for part in rest:
            lines.append(self.flush())
            self._hold(part)
        return lines

    def flush(self) -> bytes:
        """What came since the last newline: at the end of a stream, a torn line, or nothing."""
        line = b"".join(self._pieces)
        self._pieces.clear()
        self._held_bytes = 0
        return line

    def _hold(self, part: bytes) -> None:
        self._held_bytes += len(part)
        if self._held_bytes > self._limit_bytes:
            raise LineTooLong(f"more than {self._limit_bytes} bytes without a line's end")
        if part:
            self._pieces.append(part)
