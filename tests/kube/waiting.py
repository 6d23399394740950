"""What several tests of this folder need: a kind of their own, a quick pace, and waiting with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from rollouts.api.resources import Resource
from rollouts.kube.reflector import Pace

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
QUICK = Pace(
    watch_s=(1, 1),
    silence_grace_s=0.2,
    first_delay_s=0.005,
    lasting_delay_s=0.02,
    cap_s=0.05,
    retry_after_cap_s=0.3,
)


async def until(condition: Callable[[], object], within_s: float = 5.0) -> None:
    """Return once the condition holds, looking every few milliseconds; TimeoutError after `within_s`."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - stores and servers have no event for every condition
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something endless beside the block, cancelled at its end; its failure fails the block."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(coroutine)
        try:
            yield
        finally:
            task.cancel()
