"""Plays a run under load beside an autoscaler, and records it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from e2e.play.application import deployment, release_over, rest_under_load, version_of
from e2e.play.intents import ask
from e2e.play.journal import since
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import example
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import OverdueError, until
from e2e.scaling.facts import NEEDED, OWN_LEAST, RunFacts
from e2e.scaling.witnesses import Sizes

SCALER, OUR_SCALER = "app", "app-primary"
HALF_PERCENT = 50
ROUNDS_S = 10.0
"""Five rounds of the autoscaler's: so long half of the load is with the canary before somebody ends the run."""
_TAIL_S = 2.0
_WITHIN_S = 90.0

AtHalf = Callable[["Plan"], Awaitable[float | None]]
"""What a person does once half of the load is with the canary; tells when the run was aborted, if it was."""


async def abort(plan: Plan) -> float:
    """Let it be so for a while, then end the run."""
    await asyncio.sleep(ROUNDS_S)
    aborted_at_s = time.time()
    await ask("abort", plan.version)
    return aborted_at_s


@dataclass(frozen=True, slots=True)
class Plan:
    """A run."""

    story: str
    version: str
    at_half: AtHalf | None = None

    @property
    def aborts(self) -> bool:
        """Whether it is to end as failed."""
        return self.at_half is abort


async def begin(scene: Scene, sizes: Sizes) -> float:
    """Everything applied, Initialized, the load on, and as many pods as it needs. Returns seconds until that."""
    await scene.controller.start()
    await scene.controller.become_ready()
    began_at_s = time.time()
    parts = (example(name, "scaling") for name in ("deployment", "autoscaler", "budget", "canary"))
    await apply(*parts, example("gateway"))
    await rest_under_load(scene, _WITHIN_S)
    await sized(sizes, PRIMARY, NEEDED)
    return time.time() - began_at_s


async def sized(sizes: Sizes, name: str, pods: int) -> None:
    """Wait until a Deployment has that many pods, all ready. Raises OverdueError."""

    async def look() -> bool:
        seen = sizes.size_of(name)
        return seen is not None and (seen.replicas, seen.ready) == (pods, pods)

    await until(look, what=f"{pods} pods of {name}", within_s=_WITHIN_S)


async def let_go(sizes: Sizes) -> None:
    """Wait until the primary's autoscaler has its own least again. Raises OverdueError."""

    async def look() -> bool:
        seen = sizes.scaler(OUR_SCALER)
        return seen is not None and seen.least == OWN_LEAST

    await until(look, what="the primary's own least", within_s=_WITHIN_S)


async def play_run(scene: Scene, sizes: Sizes, plan: Plan) -> RunFacts:
    """Release the plan's version."""
    applied_at_s = time.time()
    before = [seen for name in (PRIMARY, TARGET) if (seen := sizes.size_of(name)) is not None]
    counted, aborted_at_s, overdue = len(sizes.sizes), None, ""
    scaled = len(sizes.scalers)
    await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={plan.version}")
    try:
        if plan.at_half is not None:
            await _halved(scene, applied_at_s)
            aborted_at_s = await plan.at_half(plan)
        await until(lambda: release_over(scene, applied_at_s), what="the end of the run", within_s=2 * _WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    return RunFacts(
        story=plan.story,
        version=plan.version,
        promotes=not plan.aborts,
        applied_at_s=applied_at_s,
        ended_at_s=time.time(),
        statuses=since(scene.journal.statuses, applied_at_s),
        shares=since(scene.journal.shares, applied_at_s),
        sizes=(*before, *sizes.sizes[counted:]),
        scalers=tuple(sizes.scalers[scaled:]),
        records=scene.records(applied_at_s),
        aborted_at_s=aborted_at_s,
        primary_version=version_of(await deployment(scene, PRIMARY)),
        overdue=overdue,
    )


async def _halved(scene: Scene, since_s: float) -> None:
    async def look() -> bool:
        return any(seen.shares.others_percent == HALF_PERCENT for seen in since(scene.journal.shares, since_s))

    await until(look, what="half of the load with the canary", within_s=_WITHIN_S, every_s=0.05)
