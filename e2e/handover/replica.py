"""One replica: the real program as a process of its own, with its own name, port and way to the API server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import aiohttp

from e2e.handover.wire import Wire
from e2e.play.waiting import until

_READY_WITHIN_S = 60.0
FIRST_PORT = 18200


class Replica:
    """One process, from its start to its end."""

    def __init__(self, lab: Mapping[str, str], number: int) -> None:
        """Nothing is started yet."""
        self.name = f"replica-{number}"
        self.wire = Wire()
        self._url = f"http://127.0.0.1:{FIRST_PORT + number}"
        self._folder = Path(lab["LAB_DIR"]) / "run"
        self._log = Path(lab["LAB_DIR"]) / "log" / f"{self.name}.log"
        self._kubeconfig = Path(lab["KUBECONFIG_CONTROLLER"])
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, and return when it works or stands by."""
        kubeconfig = self._folder / f"{self.name}.kubeconfig"
        await self.wire.open(self._kubeconfig, kubeconfig)
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROLLOUTS_")},
            "KUBECONFIG": str(kubeconfig),
            "ROLLOUTS_KUBECONFIG": str(kubeconfig),
            "ROLLOUTS_IDENTITY": self.name,
            "ROLLOUTS_LISTEN": self._url.removeprefix("http://"),
            "ROLLOUTS_METRICS_SERVER": "http://127.0.0.1:9",
        }
        words = ["setpriv", "--pdeathsig=KILL", "--", sys.executable, "-m", "rollouts", "controller"]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *words, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        await until(self._is_ready, what=f"/readyz of {self.name}", within_s=_READY_WITHIN_S)

    async def leads(self) -> bool:
        """Whether it says that it works."""
        return "\nrollouts_leader 1.0" in await self._text("/metrics")

    def send(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signum)

    async def end(self) -> None:
        """End it by all means."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            await self._process.wait()
        self.wire.close()

    async def _is_ready(self) -> bool:
        return await self._text("/readyz") == "ok\n"

    async def _text(self, path: str) -> str:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
                session.get(self._url + path) as answer,
            ):
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return ""
