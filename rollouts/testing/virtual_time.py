"""Time that passes only when nothing else is left to do: a clock that tests set, and an event loop that runs by it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class VirtualClock:
    """Implements `ports.Clock`. Starts at START and moves when told to."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        """The virtual present."""
        return START + timedelta(seconds=self.elapsed_s)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Return when that much virtual time has passed; only within `run_virtually`."""
        await asyncio.sleep(seconds)


def run_virtually(clock: VirtualClock, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run on an event loop whose time is the clock's: instead of waiting for a timer it moves the clock there."""
    with asyncio.Runner(loop_factory=lambda: _virtual_loop(clock)) as runner:
        return runner.run(coroutine)


def _virtual_loop(clock: VirtualClock) -> asyncio.AbstractEventLoop:
    selector = selectors.DefaultSelector()
    look = selector.select

    def select(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = look(0)
        if timeout is None and not ready:
            raise AssertionError("everything waits, and no timer is set: this would hang for ever")
        if not ready and timeout is not None and timeout > 0:
            clock.advance(timeout)
        return ready

    selector.select = select  # type: ignore[method-assign]
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: clock.elapsed_s  # type: ignore[method-assign]
    return loop
