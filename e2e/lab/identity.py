"""Which process is meant: a pid alone is reused by the kernel, a pid with its start time is not.

A process is ended through a pidfd that was opened before its start time is compared, so between
looking and signalling nobody else can take its place.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of this boot, past or present. `start_ticks` is clock ticks since boot."""

    pid: int
    start_ticks: int
    boot_id: str

    def is_alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        return identify(self.pid) == self


def identify(pid: int) -> ProcessIdentity | None:
    """Who has `pid` now, or None when nobody does."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    start_ticks = running_since(stat)
    if start_ticks is None:
        return None
    boot_id = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    return ProcessIdentity(pid, start_ticks, boot_id)


def running_since(stat: str) -> int | None:
    """The start time in a /proc/PID/stat line, None for a zombie.

    The command name comes second, in brackets, and may itself hold brackets and spaces.
    """
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def end_process(identity: ProcessIdentity, *, grace_s: float = 10.0) -> bool:
    """Send SIGTERM, after `grace_s` SIGKILL, and wait until it is gone. False: it was gone already."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not identity.is_alive():
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, number)
            if _gone(pidfd, grace_s):
                return True
        raise TimeoutError(f"process {identity.pid} outlived SIGKILL by {grace_s:.0f} s")
    finally:
        os.close(pidfd)


def _gone(pidfd: int, timeout_s: float) -> bool:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))
