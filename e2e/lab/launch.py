"""Starts the supervisor in namespaces of its own and holds the pipes to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from e2e.lab.layout import CHECKOUT
from e2e.lab.plan import part_environ
from e2e.lab.supervisor import KEEP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from e2e.lab.layout import Layout
    from e2e.lab.namespaces import Isolation


@dataclass(frozen=True, slots=True)
class Launch:
    """A supervisor on its way. `unshare` is our child; the supervisor is its."""

    unshare: subprocess.Popen[bytes]
    _reports: IO[str]
    _owner: IO[bytes]

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """What the supervisor says, until it is ready or gone."""
        for line in self._reports:
            yield json.loads(line)

    def keep(self) -> None:
        """Let it live on when our end of the pipe closes."""
        self._owner.write(KEEP)


@contextlib.contextmanager
def launched(layout: Layout, isolation: Isolation) -> Iterator[Launch]:
    """A supervisor that ends if this block is left by an exception, and if this process is killed."""
    report_read, report_write = os.pipe()
    owner_read, owner_write = os.pipe()
    with os.fdopen(report_read, encoding="utf-8") as reports, os.fdopen(owner_write, "wb", buffering=0) as owner:
        try:
            process = _start(layout, isolation, report_fd=report_write, owner_fd=owner_read)
        finally:
            os.close(report_write)
            os.close(owner_read)
        try:
            yield Launch(process, reports, owner)
        except BaseException:
            process.kill()  # unshare; with it, by --kill-child, the supervisor and all the rest
            process.wait()
            raise


def _start(layout: Layout, isolation: Isolation, *, report_fd: int, owner_fd: int) -> subprocess.Popen[bytes]:
    words = [*isolation.unshare(), sys.executable, "-m", "e2e.lab.supervisor"]
    words += ["--dir", str(layout.root)]
    words += ["--report-fd", str(report_fd), "--owner-fd", str(owner_fd)]
    if isolation.user_namespace:
        words.append("--user-namespace")
    with layout.part_log("supervisor").open("ab") as log:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=part_environ(layout),
            pass_fds=(report_fd, owner_fd),
            start_new_session=True,
        )
