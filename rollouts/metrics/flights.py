"""Blocking calls made from an event loop: in a few threads of their own, the same call once, and never waited for long.

A thread can't be cancelled. So a caller who is cancelled or gives up leaves the call flying for the others, and a call
that waited for a thread until nobody wants its answer is not made at all: when a dead place comes back to life, it is
not met by the questions of its past. Knows nothing of what is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Calls in flight, by key. Belongs to one event loop."""

    def __init__(self, *, threads: int, patience_s: float, on_landed: Callable[[T], None]) -> None:
        """A caller waits `patience_s` at most, half of it for a thread. `on_landed` is called once for a call made."""
        self._patience_s = patience_s
        self._on_landed = on_landed
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="metrics")
        self._flying: dict[Hashable, asyncio.Future[T | None]] = {}
        self._closed = False

    async def result(self, key: Hashable, call: Callable[[], T]) -> T | None:
        """What `call` returns, or what the call that flies under the same key does; None if it took too long."""
        if self._closed:
            return None
        flight = self._flying.get(key) or self._launch(key, call)
        # Unlike awaiting the flight itself, this never cancels it.
        await asyncio.wait({flight}, timeout=self._patience_s)
        return flight.result() if flight.done() and not flight.cancelled() else None

    async def aclose(self) -> None:
        """Make no more calls, and wait for those in flight."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._flying:
            await asyncio.wait(set(self._flying.values()), timeout=self._patience_s)

    def _launch(self, key: Hashable, call: Callable[[], T]) -> asyncio.Future[T | None]:
        loop = asyncio.get_running_loop()
        stale_s = loop.time() + self._patience_s / 2
        flight = loop.run_in_executor(self._threads, _call_unless_stale, call, loop.time, stale_s)
        self._flying[key] = flight
        flight.add_done_callback(partial(self._land, key))
        return flight

    def _land(self, key: Hashable, flight: asyncio.Future[T | None]) -> None:
        del self._flying[key]
        if flight.cancelled() or flight.exception() is not None:
            return
        result = flight.result()
        if result is not None:
            self._on_landed(result)


def _call_unless_stale(call: Callable[[], T], now_s: Callable[[], float], stale_s: float) -> T | None:
    return call() if now_s() < stale_s else None
