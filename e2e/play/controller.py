"""The controller's process: the real program, as the service account that deploy/ binds to its role, log kept.

The same for `rollouts server`, which is a process of the same kind beside it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import aiohttp

from e2e.play.waiting import OverdueError, until

LISTEN = "127.0.0.1:8080"
_ENDS_WITHIN_S = 10.0
_READY_WITHIN_S = 30.0


class Controller:
    """At most one process at a time; all of them write to one log."""

    def __init__(
        self, lab: Mapping[str, str], *, command: str = "controller", listen: str = LISTEN, kubeconfig: str = ""
    ) -> None:
        """Start nothing yet. `lab` is the lab's environment; `kubeconfig` is another than the controller's."""
        self.log = Path(lab["LAB_DIR"]) / "log" / f"{command}.log"
        self._command, self._listen = command, listen
        kubeconfig = kubeconfig or lab["KUBECONFIG_CONTROLLER"]
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROLLOUTS_")},
            # Not even by mistake the administrator's.
            "KUBECONFIG": kubeconfig,
            "ROLLOUTS_KUBECONFIG": kubeconfig,
            "ROLLOUTS_LISTEN": listen,
            # As a pod's container that is started again: its Lease is its own at once.
            "ROLLOUTS_IDENTITY": "lab",
            # Receivers of hooks and messages are the play's own, on this machine.
            "ROLLOUTS_REACH_ALLOW": "127.0.0.0/8",
        }
        self._metrics_url = lab.get("PROMETHEUS_URL", "http://127.0.0.1:9090")
        self._process: asyncio.subprocess.Process | None = None
        self.unasked_ends: list[str] = []
        """Each end that nobody had asked for, in words."""

    async def start(
        self, *, metrics_url: str = "", log_level: str = "info", settings: Mapping[str, str] = MappingProxyType({})
    ) -> float:
        """Start the process with the lab's Prometheus or another, and further settings; when that was."""
        environ = {
            **self._environ,
            **settings,
            "ROLLOUTS_METRICS_SERVER": metrics_url or self._metrics_url,
            "ROLLOUTS_LOG_LEVEL": log_level,
        }
        # It must not outlive this process, however that ends.
        words = ["setpriv", "--pdeathsig=KILL", "--", sys.executable, "-m", "rollouts", self._command]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *words, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        return time.time()

    @property
    def pid(self) -> int:
        """Of the process that runs. Raises OverdueError if none does."""
        process = self._running()
        if process is None:
            raise OverdueError(f"the {self._command} does not run")
        return process.pid

    async def become_ready(self) -> None:
        """Return when /readyz says so. Raises OverdueError."""
        await until(self._is_ready, what=f"/readyz of the {self._command}", within_s=_READY_WITHIN_S)

    async def kill(self) -> float:
        """Send kill -9; when that was."""
        process = self._running()
        killed_at_s = time.time()
        if process is not None:
            process.kill()
            await process.wait()
        self._process = None
        return killed_at_s

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        process = self._running()
        if process is not None:
            process.send_signal(signum)

    async def stop(self, within_s: float = _ENDS_WITHIN_S) -> bool:
        """Ask it to end, insist after that time; whether it ended in time and with exit code 0."""
        process = self._running()
        if process is None:
            return False
        self._process = None
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(within_s):
                return await process.wait() == 0
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def _running(self) -> asyncio.subprocess.Process | None:
        """The process if it lives; an end that nobody asked for is noted."""
        process = self._process
        if process is None or process.returncode is None:
            return process
        self.unasked_ends.append(f"it ended by itself with exit code {process.returncode}: see {self.log}")
        self._process = None
        return None

    async def text(self, path: str) -> str:
        """What it says to a GET; empty unless it answers 200 within 2 s."""
        if self._running() is None:
            return ""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(f"http://{self._listen}{path}") as answer,
            ):
                return await answer.text() if answer.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError):
            return ""

    async def _is_ready(self) -> bool:
        return bool(await self.text("/readyz"))
