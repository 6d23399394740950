"""One good release as it is, and another in which the controller is killed again and again; then the two compared."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from e2e.first_light.facts import Plan, ReleaseFacts
from e2e.first_light.releases import release
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError

KILLS = 10
_FIRST_S = 1.0
_BEFORE_END_S = 2.0
"""Two releases of one kind do not last alike to the second: a kill later than that might come when all is over."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill -9, and when the next process was started."""

    killed_at_s: float
    started_at_s: float
    phase: str
    weight_percent: int


def moments(seed: int, lasts_s: float) -> list[float]:
    """Random moments of a release that lasts so long, in seconds since its apply, ascending."""
    random = Random(seed)
    return sorted(random.uniform(_FIRST_S, lasts_s - _BEFORE_END_S) for _ in range(KILLS))


async def release_under_kills(scene: Scene, plan: Plan, at_s: Sequence[float]) -> tuple[ReleaseFacts, list[Kill]]:
    """Release it, and kill the controller at those moments, starting it again at once each time.

    A moment waits until the process before it has come up: each kill takes one that works.
    """
    kills: list[Kill] = []
    async with asyncio.TaskGroup() as tasks:
        killing = tasks.create_task(_kill_at(scene, at_s, kills))
        facts = await release(scene, plan)
        killing.cancel()
    return facts, kills


async def _kill_at(scene: Scene, at_s: Sequence[float], kills: list[Kill]) -> None:
    """One that does not come up ends the killing: too few kills are found by the judge."""
    began_s = time.time()
    with contextlib.suppress(OverdueError):
        for moment_s in at_s:
            await scene.controller.become_ready()
            await asyncio.sleep(max(0.0, began_s + moment_s - time.time()))
            standing = scene.journal.statuses[-1]
            killed_at_s = await scene.controller.kill()
            kills.append(Kill(killed_at_s, await scene.controller.start(), standing.phase, standing.desired_weight))
