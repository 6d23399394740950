"""Replicas of the controller, each a process of its own with its own name, port and way to the API server."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

from e2e.handover.wire import Wire
from e2e.play.controller import Controller
from e2e.play.waiting import until

_FIRST_PORT = 8080
"""Prometheus scrapes it."""
_LEADS_WITHIN_S = 40.0


class Replica:
    """One of them, from one start to the next."""

    def __init__(self, lab: Mapping[str, str], number: int) -> None:
        """Start nothing yet."""
        self.name = f"replica-{number + 1}"
        self.wire = Wire()
        self._from, self._to = Path(lab["KUBECONFIG_CONTROLLER"]), Path(lab["LAB_DIR"]) / "run" / f"{self.name}.yaml"
        self.controller = Controller(lab, listen=f"127.0.0.1:{_FIRST_PORT + number}", kubeconfig=str(self._to))
        self.controller.log = self.controller.log.with_name(f"{self.name}.log")
        self._settings: Mapping[str, str] = {}
        self.runs = False

    async def open(self) -> None:
        """Lay the way to the API server; once."""
        await self.wire.open(self._from, self._to)

    async def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start it, as the last time if not told otherwise, and return when it works or stands by."""
        self._settings = self._settings if settings is None else settings
        await self.controller.start(settings={**self._settings, "ROLLOUTS_IDENTITY": self.name})
        self.runs = True
        await self.controller.become_ready()

    async def kill(self) -> None:
        """End it by SIGKILL."""
        self.runs = False
        await self.controller.kill()

    async def stop(self) -> None:
        """Ask it to end."""
        self.runs = False
        await self.controller.stop()

    async def leads(self) -> bool:
        """Whether it says that it works."""
        return self.runs and "\nrollouts_leader 1.0" in await self.controller.text("/metrics")

    def freeze(self) -> None:
        """It stands still, and does not know."""
        self.controller.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self.controller.send(signal.SIGCONT)


class Replicas:
    """All of them."""

    def __init__(self, lab: Mapping[str, str]) -> None:
        self.all = (Replica(lab, 0), Replica(lab, 1))
        self._settings: Mapping[str, str] = {}

    async def open(self) -> None:
        """Lay all ways."""
        for replica in self.all:
            await replica.open()

    async def be(self, count: int, settings: Mapping[str, str]) -> None:
        """So many run from now on, with these settings, and one of them works."""
        for number, replica in enumerate(self.all):
            wanted = number < count
            if replica.runs and (not wanted or settings != self._settings):
                await replica.stop()
            if wanted and not replica.runs:
                await replica.start(settings)
        self._settings = settings
        await self.leader()

    async def leader(self) -> Replica:
        """The one that works; waits for it. Raises OverdueError."""

        async def look() -> Replica | None:
            for replica in self.all:
                if await replica.leads():
                    return replica
            return None

        return await until(look, what="a replica that works", within_s=_LEADS_WITHIN_S)

    async def end(self) -> None:
        """End all by all means."""
        for replica in self.all:
            await replica.kill()
            replica.wire.close()
