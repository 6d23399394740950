"""The processes of one plan: starts each when its needs are ready, and watches what becomes of it.

Knows nothing of namespaces or of who asked. A part is never restarted by itself: a test must not be
saved by it. It is stopped and started again when somebody asks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lab.probing import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from e2e.lab.part import Part


STOP_GRACE_S = 5.0
"""So long after SIGTERM comes SIGKILL."""


class PartState(StrEnum):
    """What a part is doing. DONE is a task's good end, STOPPED one that was asked for, EXITED any other."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    STOPPING = "stopping"
    STOPPED = "stopped"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part as seen now. `pid` is the host's number for it, 0 when unknown or not started.

    `seconds` is from start to ready, or to its end. `exit_code` is negative for a signal.
    """

    state: PartState = PartState.WAITING
    pid: int = 0
    seconds: float = 0.0
    exit_code: int | None = None


class PartFailedError(Exception):
    """`part` will not become ready; the message says why."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


class Crew:
    """Runs `plan`; each part's output goes to the file that `log_of` names.

    `advance` does all the work and is to be called again and again.
    """

    def __init__(self, plan: Sequence[Part], log_of: Callable[[str], Path], environ: Mapping[str, str]) -> None:
        self._plan = {part.name: part for part in plan}
        self._log_of = log_of
        self._environ = environ
        self._names_by_pid: dict[int, str] = {}
        self._began: dict[str, float] = {}
        self._stop_by: dict[str, float] = {}
        self._started_again: set[str] = set()
        self.status: dict[str, PartStatus] = {part.name: PartStatus() for part in plan}

    @property
    def pids(self) -> Collection[int]:
        """Our own numbers of the processes that have not been seen to end."""
        return self._names_by_pid.keys()

    @property
    def is_ready(self) -> bool:
        """Whether every part is ready, or done if it is a task."""
        good = (PartState.READY, PartState.DONE)
        return all(status.state in good for status in self.status.values())

    @property
    def is_moving(self) -> bool:
        """Whether a part is on its way to another state."""
        return any(status.state in (PartState.STARTING, PartState.STOPPING) for status in self.status.values())

    def stop(self, name: str) -> None:
        """Begin to end a part that is ready; in any other state nothing is done."""
        if self.status[name].state is PartState.READY:
            self.status[name] = replace(self.status[name], state=PartState.STOPPING)
            self._stop_by[name] = time.monotonic() + STOP_GRACE_S
            self._signal(name, signal.SIGTERM)

    def start(self, name: str) -> None:
        """Start a part that has ended, whatever it needs; should that fail it is EXITED, and nothing else suffers."""
        if self.status[name].state in (PartState.STOPPED, PartState.EXITED):
            self._started_again.add(name)
            self._start(self._plan[name])

    def advance(self) -> list[str]:
        """Note ends, start what can start, ask what is starting. Returns names that changed.

        Raises PartFailedError when a part ends or is late before it was ready for the first time.
        """
        before = dict(self.status)
        self._reap()
        for name, part in self._plan.items():
            state = self.status[name].state
            if state is PartState.WAITING and all(map(self._settled, part.needs)):
                self._start(part)
            elif state is PartState.STARTING:
                self._ask(part)
            elif state is PartState.STOPPING and time.monotonic() > self._stop_by[name]:
                self._signal(name, signal.SIGKILL)
        return [name for name, status in self.status.items() if status != before[name]]

    def _settled(self, name: str) -> bool:
        return self.status[name].state in (PartState.READY, PartState.DONE)

    def _start(self, part: Part) -> None:
        with self._log_of(part.name).open("ab") as log:
            process = subprocess.Popen(
                part.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self._environ, **part.environ},
            )
        self._began[part.name] = time.monotonic()
        self._names_by_pid[process.pid] = part.name
        process.returncode = 0  # it is reaped below, with all others: Popen must not look for it
        self.status[part.name] = PartStatus(PartState.STARTING, host_pid(process.pid))

    def _ask(self, part: Part) -> None:
        seconds = time.monotonic() - self._began[part.name]
        if part.probe and is_ready(part.probe):
            self._set(part.name, PartState.READY, seconds=seconds)
        elif seconds > part.deadline_s and part.name in self._started_again:
            self._signal(part.name, signal.SIGKILL)
        elif seconds > part.deadline_s:
            raise PartFailedError(part.name, f"is not ready after {part.deadline_s:.0f} s")

    def _reap(self) -> None:
        """Collect the parts that have ended."""
        for pid, name in list(self._names_by_pid.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._names_by_pid[pid]
                self._note_end(self._plan[name], os.waitstatus_to_exitcode(status))

    def _note_end(self, part: Part, exit_code: int) -> None:
        seconds = time.monotonic() - self._began[part.name]
        if part.probe is None and exit_code == 0:
            self._set(part.name, PartState.DONE, seconds=seconds, exit_code=0)
            return
        was = self.status[part.name].state
        now = PartState.STOPPED if was is PartState.STOPPING else PartState.EXITED
        self._set(part.name, now, seconds=seconds, exit_code=exit_code)
        if was is PartState.STARTING and part.name not in self._started_again:
            how = f"with {exit_code}" if exit_code >= 0 else f"by signal {-exit_code}"
            raise PartFailedError(part.name, f"ended {how} after {seconds:.1f} s, before it was ready")

    def _signal(self, name: str, number: signal.Signals) -> None:
        """To our own child: until it is reaped nobody else can have its pid."""
        for pid, owner in self._names_by_pid.items():
            if owner == name:
                os.kill(pid, number)

    def _set(self, name: str, state: PartState, *, seconds: float, exit_code: int | None = None) -> None:
        status = self.status[name]
        self.status[name] = replace(status, state=state, seconds=seconds, exit_code=exit_code)


def host_pid(pid: int) -> int:
    """The number that /proc has for our child `pid`, 0 when /proc doesn't tell.

    /proc belongs to the namespace the lab was started from, where a person would look for it.
    """
    for children in Path("/proc/self/task").glob("*/children"):
        for number in children.read_text().split():
            try:
                lines = Path("/proc", number, "status").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            inner = next((line.split()[-1] for line in lines if line.startswith("NSpid:")), "")
            if inner == str(pid):
                return int(number)
    return 0
