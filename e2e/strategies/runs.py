"""Plays a run by some strategy: a person applies a Canary, then a new version, and everything is recorded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from e2e.lab.load import Record
from e2e.play.application import release_over, size_of, version_of, workload
from e2e.play.journal import Json, since
from e2e.play.kubectl import apply, kubectl
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET, SharesSeen
from e2e.play.waiting import OverdueError, until
from e2e.play.witnesses import CANARIES
from e2e.strategies.facts import RunFacts, RunPlan, ServedSeen

BEFORE_S = 2.0
"""For how long the clients are watched before a version is applied."""
_TAIL_S = 2.0
"""For how long after the last pod has gone: its end could hurt them too."""
_SETTLED_WITHIN_S = 30.0
_OVER_WITHIN_S = 120.0

Meanwhile = Callable[[float], Awaitable[None]]
"""What else happens during a run; hears when the version was applied."""


@dataclass(slots=True)
class Witnessed:
    """What some runs leave behind beside their results, and what no journal holds."""

    served: list[ServedSeen] = field(default_factory=list)
    tests: list[Record] = field(default_factory=list)


async def nothing_else(_applied_at_s: float) -> None:
    """Nothing happens meanwhile."""


async def settle(scene: Scene, canary: dict[str, Any]) -> None:
    """Apply a Canary between releases, and wait until the controller has taken it up. Raises OverdueError."""
    await apply(canary)
    await until(lambda: _taken_up(scene), what="the Canary's observedGeneration", within_s=_SETTLED_WITHIN_S)


async def play_run(scene: Scene, plan: RunPlan, witnessed: Witnessed, meanwhile: Meanwhile = nothing_else) -> RunFacts:
    """Release the plan's version by the Canary that is applied, and record what comes of it."""
    await asyncio.sleep(BEFORE_S)
    applied_at_s = time.time()
    overdue = ""
    words = [f"{name}={value}" for name, value in plan.env.items()]
    await kubectl("set", "env", f"{plan.kind.lower()}/{TARGET}", f"VERSION={plan.version}", *words)
    try:
        await meanwhile(applied_at_s)
        what = "the end of the run"
        await until(lambda: release_over(scene, applied_at_s), what=what, within_s=_OVER_WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    return await _facts(scene, plan, witnessed, applied_at_s, overdue)


async def shown(scene: Scene, since_s: float, fits: Callable[[SharesSeen], bool], what: str) -> float:
    """When Envoy first showed such shares after that time; waits for it. Raises OverdueError."""

    async def look() -> SharesSeen | None:
        return next((seen for seen in since(scene.journal.shares, since_s) if fits(seen)), None)

    return (await until(look, what=what, within_s=_OVER_WITHIN_S, every_s=0.05)).at_s


async def reached(scene: Scene, since_s: float, phase: str, step_index: int = 0) -> None:
    """Wait until the Canary is in a phase, at a step or later. Raises OverdueError."""

    async def look() -> bool:
        seen = since(scene.journal.statuses, since_s)
        return any(status.phase == phase and status.step_index >= step_index for status in seen)

    await until(look, what=f"phase {phase}, step {step_index}", within_s=_OVER_WITHIN_S, every_s=0.05)


async def read_canary(scene: Scene) -> Json:
    """The Canary as it is now."""
    found, _ = await scene.api.list_objects(CANARIES.format("default"))
    return next(item for item in found if item["metadata"]["name"] == TARGET)


async def _taken_up(scene: Scene) -> bool:
    canary = await read_canary(scene)
    return bool(canary["status"]["observedGeneration"] == canary["metadata"]["generation"])


async def _facts(scene: Scene, plan: RunPlan, witnessed: Witnessed, applied_at_s: float, overdue: str) -> RunFacts:
    ended_at_s = time.time()
    primary, target = await workload(scene, PRIMARY), await workload(scene, TARGET)
    return RunFacts(
        plan=plan,
        applied_at_s=applied_at_s,
        ended_at_s=ended_at_s,
        statuses=since(scene.journal.statuses, applied_at_s),
        shares=since(scene.journal.shares, applied_at_s),
        records={name: scene.records_of(name, applied_at_s - BEFORE_S) for name in scene.loads},
        served=tuple(seen for seen in witnessed.served if seen.at_s >= applied_at_s),
        requests=tuple(scene.requests(applied_at_s, ended_at_s)),
        tests=tuple(record for record in witnessed.tests if record.sent_at_s >= applied_at_s),
        primary_version=version_of(primary),
        canary_replicas=size_of(target),
        overdue=overdue,
    )
