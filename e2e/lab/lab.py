"""A lab as seen from outside: up, down, status, and the words that run a command in it.

The supervisor (pid 1 in there) does the running; here it is started, listened to, and ended by its
identity, never by a bare pid.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.lab.build import build
from e2e.lab.crew import PartState
from e2e.lab.environment import inside, parse_env, render_env
from e2e.lab.errors import LabError
from e2e.lab.identity import end_process
from e2e.lab.launch import launched
from e2e.lab.layout import Layout
from e2e.lab.namespaces import choose_isolation
from e2e.lab.plan import lab_environ, write_plan
from e2e.lab.status import LabStatus, read_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TAIL_LINES = 15


class Lab:
    """The lab in folder `root`. Making this object starts nothing."""

    def __init__(self, root: Path | str = ".lab") -> None:
        self.layout = Layout(Path(root).absolute())
        self._unshare: subprocess.Popen[bytes] | None = None  # ours to collect, if we started it

    def up(self, profile: str = "istio", *, quiet: bool = False) -> float:
        """Build what is missing, start everything, return when all is ready: seconds it took.

        Raises LabError when a lab is up in this folder already or a part fails; then nothing is
        left running.
        """
        self._claim()
        with _only_one(self.layout.root / "lock"):
            if self.status().is_up:
                raise LabError(f"a lab is up in {self.layout.root} already: take it down first")
            built = build(profile)
            began = time.monotonic()
            isolation = choose_isolation(os.geteuid())
            self._collect()
            self._wipe()
            self.layout.log.mkdir(exist_ok=True)
            write_plan(self.layout, built, profile)
            with launched(self.layout, isolation) as launch:
                self._listen(launch.reports(), quiet=quiet)
                pid = self._must_be_up()
                text = render_env({**lab_environ(self.layout, built, profile), "LAB_PID": str(pid)})
                _replace(self.layout.env, text)
                launch.keep()
            self._unshare = launch.unshare
            return time.monotonic() - began

    def down(self) -> bool:
        """End the lab and remove its keys and data; logs stay. False: it was not up."""
        supervisor = self.status().supervisor
        ended = supervisor is not None and end_process(supervisor)
        self._collect()
        if (self.layout.root / "lock").exists():
            self._wipe(logs=False)
        return ended

    def status(self) -> LabStatus:
        """What is known of it now; costs one small file."""
        return read_status(self.layout)

    def environ(self) -> dict[str, str]:
        """The variables of the env file.

        Raises LabError when the lab is not up, or not yet.
        """
        self._must_be_up()
        try:
            return parse_env(self.layout.env.read_text())
        except FileNotFoundError:
            raise LabError(f"the lab in {self.layout.root} is still starting") from None

    def command(self, words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """The words and the environment that run `words` in the lab; for subprocess or execve."""
        environ = self.environ()
        enter = self.status().isolation.nsenter(int(environ["LAB_PID"]))
        return [*enter, *words], inside(os.environ, environ)

    def run(
        self, words: Sequence[str], *, timeout_s: float = 60.0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run `words` in the lab to their end, with their output as text; never raises for a code."""
        argv, environ = self.command(words)
        return subprocess.run(
            argv, env=environ, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_s
        )

    def _must_be_up(self) -> int:
        """The supervisor's pid."""
        status = self.status()
        if status.supervisor is None or not status.is_up:
            raise LabError(f"no lab is up in {self.layout.root}")
        return status.supervisor.pid

    def _collect(self) -> None:
        """Wait for our child of an earlier `up`; to be called when its lab has ended."""
        if self._unshare is not None:
            self._unshare.wait(timeout=10)
            self._unshare = None

    def _claim(self) -> None:
        """Make the folder; refuse one with other things in it, since `log` and `run` get wiped."""
        root = self.layout.root
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "lock").exists() and any(root.iterdir()):
            raise LabError(f"{root} is not empty and no lab's folder: name another one with --dir")

    def _wipe(self, *, logs: bool = True) -> None:
        self.layout.env.unlink(missing_ok=True)
        for folder in (self.layout.run, *([self.layout.log] if logs else [])):
            shutil.rmtree(folder, ignore_errors=True)

    def _listen(self, reports: Iterator[Mapping[str, Any]], *, quiet: bool) -> None:
        """Follow the supervisor until all is ready."""
        for event in reports:
            if event["event"] == "ready":
                return
            if event["event"] == "failed":
                raise LabError(self._failure(event["part"], event["message"]))
            if not quiet and event["state"] in (PartState.READY, PartState.DONE):
                print(f"lab up: {event['part']} {event['state']} ({event['seconds']:.1f} s)", flush=True)
        raise LabError(self._failure("supervisor", "ended before all was ready"))

    def _failure(self, part: str, message: str) -> str:
        log = self.layout.part_log(part)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        tail = "".join(f"\n    {line[:300]}" for line in lines[-_TAIL_LINES:])
        return f"{part} {message}; the end of {log}:{tail}"


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Nobody else starts a lab in the same folder meanwhile."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"another `up` is under way in {path.parent}") from None
        yield


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)
