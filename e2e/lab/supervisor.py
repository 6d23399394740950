"""Pid 1 of the lab: brings the plan up, then stays, since with its end everything ends.

It is told what to do by a file (the plan) and reports over a pipe, one JSON object a line, until
all is ready. Its owner holds the other end of a second pipe: when that end closes without the word
KEEP the owner has gone, and so does the lab. By a named pipe it is asked to stop and start parts.
SIGTERM ends it at once; the kernel ends the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.lab.control import Verb, read_asked
from e2e.lab.crew import Crew, PartFailedError
from e2e.lab.errors import LabError
from e2e.lab.identity import ProcessIdentity, identify
from e2e.lab.layout import Layout
from e2e.lab.namespaces import raise_loopback
from e2e.lab.part import load_plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from e2e.lab.crew import PartStatus

KEEP = b"keep"
_STARTING_PAUSE_S = 0.05
_WATCHING_PAUSE_S = 0.5


def main() -> int:
    """Run until the owner goes, SIGTERM comes, or a part fails before all is ready."""
    parser = argparse.ArgumentParser(prog="python -m e2e.lab.supervisor")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--report-fd", type=int, required=True)
    parser.add_argument("--owner-fd", type=int, required=True)
    parser.add_argument("--user-namespace", action="store_true")
    arguments = parser.parse_args()
    layout = Layout(arguments.dir)
    for descriptor in (arguments.report_fd, arguments.owner_fd):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keyword
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise_loopback()
    crew = Crew(load_plan(layout.plan.read_text()), layout.part_log, dict(os.environ))
    me = _myself()
    return _run(crew, layout, me, arguments)


def _run(crew: Crew, layout: Layout, me: ProcessIdentity, arguments: argparse.Namespace) -> int:
    header = {**asdict(me), "user_namespace": arguments.user_namespace}
    # Open for writing too, it is never at its end.
    control_fd = os.open(layout.control, os.O_RDWR | os.O_NONBLOCK)
    watched = [arguments.owner_fd, control_fd]
    report_fd: int | None = arguments.report_fd
    while True:
        try:
            changed = crew.advance()
            _reap_orphans(crew.pids)
        except PartFailedError as failure:
            _write_state(layout, header, crew.status)
            _report(report_fd, event="failed", part=failure.part, message=str(failure))
            return 1
        for name in changed:
            _write_state(layout, header, crew.status)
            _report(report_fd, event="part", part=name, **asdict(crew.status[name]))
        if report_fd is not None and crew.is_ready:
            _report(report_fd, event="ready")
            os.close(report_fd)
            report_fd = None
        moving = report_fd is not None or crew.is_moving
        readable = select.select(watched, [], [], _STARTING_PAUSE_S if moving else _WATCHING_PAUSE_S)[0]
        if arguments.owner_fd in readable:
            if os.read(arguments.owner_fd, len(KEEP)) != KEEP:
                return 0
            watched = [control_fd]
        if control_fd in readable:
            _obey(crew, os.read(control_fd, select.PIPE_BUF))


def _obey(crew: Crew, data: bytes) -> None:
    for verb, part in read_asked(data):
        _report(None, event="asked", verb=verb, part=part)
        match verb:
            case Verb.STOP:
                crew.stop(part)
            case Verb.START:
                crew.start(part)


def _reap_orphans(known: Collection[int]) -> None:
    """Collect ended processes that were left to us as pid 1; the crew collects its own."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in known:
            return
        os.waitpid(ended.si_pid, 0)


def _myself() -> ProcessIdentity:
    """Who we are for the world outside: /proc is the one we were started from."""
    me = identify(int(Path("/proc/self").readlink().name))
    if me is None:
        raise LabError("/proc does not show this process")
    return me


def _write_state(layout: Layout, header: dict[str, Any], status: dict[str, PartStatus]) -> None:
    fresh = layout.state.with_suffix(".new")
    parts = {name: asdict(value) for name, value in status.items()}
    fresh.write_text(json.dumps({**header, "parts": parts}, indent=1))
    fresh.replace(layout.state)


def _report(descriptor: int | None, **event: Any) -> None:
    """To the owner while it listens, and always to the supervisor's own log."""
    line = json.dumps(event)
    print(line, flush=True)
    if descriptor is not None:
        # Nobody reads any more: the owner has gone, and its other pipe will say so.
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, line.encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
