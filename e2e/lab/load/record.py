"""What is kept of one request. A value; it knows nothing of sockets or statistics."""

from dataclasses import asdict, dataclass
from typing import Any

LOWEST_ERROR_STATUS = 500


@dataclass(frozen=True, slots=True)
class Ending:
    """How a request ended: with an answer and who gave it, or with an error word."""

    status: int = 0
    error: str = ""
    version: str = ""
    workload: str = ""
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One request and what came of it.

    Times are seconds since the epoch, taken from the monotonic clock and the wall clock's reading
    at the start, so that they never run backwards. `sent_at_s` is when it was written to a socket
    (when it should have been, if it never was). `latency_ms` counts from the time it should have
    been sent, waiting for a connection included.
    """

    sent_at_s: float
    done_at_s: float
    latency_ms: float
    status: int
    """HTTP's status, or 0 when no whole answer came: then `error` says why."""

    error: str = ""
    """refused, unreachable, reset, closed, timeout, malformed or cancelled; empty when an answer came."""

    version: str = ""
    workload: str = ""
    pod: str = ""
    resent: bool = False
    """Whether a kept connection was closed under it and it went out once more on a fresh one."""

    @property
    def failed(self) -> bool:
        """Whether a user would call it an error: no answer, or a status of 500 and above."""
        return self.status == 0 or self.status >= LOWEST_ERROR_STATUS

    def as_json(self) -> dict[str, Any]:
        """Its fields by name."""
        return asdict(self)
