"""How far each AlertProvider has come with the notices of a Canary, in a line of the status, as short as it can be.

Notices reach a provider in order, so one number says it all: what comes up to it is not sent again, by any process.
Where a service has a thread for each release, its handle stands behind. A line is `RECEIVER NUMBER [RELEASE THREAD]`.
Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from rollouts.api.resources import ObjectKey
from rollouts.api.status import RECEIPT_MAX

_MARK = 6
"""Hexadecimal digits of a receiver: enough to tell the few of one Canary apart."""
_RELEASE = 4
THREAD_MAX = 32
"""Characters of a thread's handle: no room for a longer one, which is then forgotten with the process."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one receiver has been told."""

    receiver: str
    number: int = 0
    """Of the last notice that it took, or that was given up for it."""
    release: str = ""
    thread: str = ""

    def thread_of(self, revision: str) -> str:
        """The thread of that release, if it is the present one."""
        return self.thread if self.release == revision[:_RELEASE] else ""

    def with_thread(self, revision: str, thread: str) -> Receipt:
        """The same, with a thread that was begun."""
        if not thread or not thread.isascii() or not thread.isprintable() or " " in thread or len(thread) > THREAD_MAX:
            return self
        return Receipt(self.receiver, self.number, revision[:_RELEASE] or "-", thread)

    def __str__(self) -> str:
        """As the status has it."""
        line = f"{self.receiver} {self.number}"
        return f"{line} {self.release} {self.thread}" if self.thread else line


def mark_of(provider: ObjectKey) -> str:
    """By what an AlertProvider is known in receipts."""
    return hashlib.sha256(str(provider).encode()).hexdigest()[:_MARK]


def read_receipts(lines: Iterable[str]) -> dict[str, Receipt]:
    """By receiver; what can't be read is as if it were not there."""
    found = (_read(line) for line in lines)
    return {receipt.receiver: receipt for receipt in found if receipt is not None}


def write_receipts(receipts: Iterable[Receipt], oldest: int) -> tuple[str, ...]:
    """Those that still matter: with a thread, or with a notice that the outbox has, whose first is number `oldest`."""
    lines = (str(one) for one in sorted(receipts, key=lambda one: one.receiver) if one.thread or one.number >= oldest)
    return tuple(line for line in lines if len(line) <= RECEIPT_MAX)


def with_threads(lines: Iterable[str]) -> tuple[str, ...]:
    """Those that matter where no notice is left."""
    return tuple(line for line, receipt in ((line, _read(line)) for line in lines) if receipt and receipt.thread)


def _read(line: str) -> Receipt | None:
    receiver, number, *rest = [*line.split(" "), ""]
    if not number.isdecimal():
        return None
    release, thread = (rest[0], rest[1]) if len(rest) > 2 else ("", "")
    return Receipt(receiver, int(number), release, thread)
