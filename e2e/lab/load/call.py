"""A request on its way: when it was due, where it is now. Mutable; it becomes a Record when it is over."""

import asyncio
from dataclasses import dataclass

from e2e.lab.load.connection import Connection
from e2e.lab.load.record import Ending, Record


@dataclass(slots=True, eq=False)
class Call:
    """One request until its end; times are the event loop's."""

    request: bytes
    due_s: float
    sent_s: float | None = None
    resent: bool = False
    done: bool = False
    connection: Connection | None = None
    timer: asyncio.TimerHandle | None = None
    opening: asyncio.Task[None] | None = None

    def record(self, ending: Ending, *, now_s: float, epoch_s: float) -> Record:
        """What is kept of it; `epoch_s` is the wall clock's time at the event loop's zero."""
        sent_s = self.due_s if self.sent_s is None else self.sent_s
        return Record(
            sent_at_s=epoch_s + sent_s,
            done_at_s=epoch_s + now_s,
            latency_ms=(now_s - self.due_s) * 1000,
            status=ending.status,
            error=ending.error,
            version=ending.version,
            workload=ending.workload,
            pod=ending.pod,
            resent=self.resent,
        )
