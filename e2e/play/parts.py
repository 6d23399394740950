"""Parts of the lab that a story takes away and brings back: istiod, the Envoys, Prometheus.

It asks the lab's supervisor, and only the one of the lab that the story plays in.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from e2e.lab.control import Verb, ask
from e2e.lab.crew import PartState
from e2e.lab.layout import Layout
from e2e.lab.status import read_status
from e2e.play.waiting import until

_ENDS_WITHIN_S = 15.0
_READY_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.05


class Parts:
    """The parts of the lab whose environment this is."""

    def __init__(self, lab: Mapping[str, str]) -> None:
        self._layout = Layout(Path(lab["LAB_DIR"]))

    async def stop(self, part: str) -> float:
        """End it; when it had ended, in seconds since the epoch. Raises LabError and OverdueError."""
        ask(self._layout, Verb.STOP, part)
        await self._reached(part, PartState.STOPPED, _ENDS_WITHIN_S)
        return time.time()

    async def start(self, part: str) -> float:
        """Start it again; when it was ready. Raises LabError and OverdueError."""
        ask(self._layout, Verb.START, part)
        await self._reached(part, PartState.READY, _READY_WITHIN_S)
        return time.time()

    @asynccontextmanager
    async def without(self, part: str) -> AsyncIterator[None]:
        """It is down for as long as the block lasts, however that ends."""
        await self.stop(part)
        try:
            yield
        finally:
            await self.start(part)

    def pid(self, part: str) -> int:
        """The process that it is now."""
        return read_status(self._layout).parts[part].pid

    async def _reached(self, part: str, state: PartState, within_s: float) -> None:
        async def look() -> bool:
            return read_status(self._layout).parts[part].state is state

        await until(look, what=f"{part} is {state}", within_s=within_s, every_s=_LOOK_EVERY_S)
