"""Plays a run under load beside an autoscaler, and records it."""

from __future__ import annotations

import asyncio
import time

from e2e.play.application import deployment, release_over, scaled_down, version_of
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
AT_HALF_S = 10.0
"""How long half of the load is with the canary before somebody ends the run: five rounds of the autoscaler's."""
_TAIL_S = 2.0
_WITHIN_S = 90.0


async def begin(scene: Scene, sizes: Sizes) -> float:
    """Everything applied, Initialized, the load on, and as many pods as it needs. Returns seconds until that."""
    await scene.controller.start()
    await scene.controller.become_ready()
    began_at_s = time.time()
    parts = (example(name, "scaling") for name in ("deployment", "autoscaler", "canary"))
    await apply(*parts, example("gateway"))

    async def led() -> bool:
        shown = scene.journal.envoy
        return scene.journal.phase == "Initialized" and bool(shown) and shown[-1].weight_percent == 0

    await until(led, what="Initialized, and Envoy's routes to the primary", within_s=_WITHIN_S)
    scene.start_load()
    await until(lambda: scaled_down(scene), what="the canary's scale-down", within_s=_WITHIN_S)
    await sized(sizes, NEEDED)
    return time.time() - began_at_s


async def sized(sizes: Sizes, pods: int) -> None:
    """Wait until the primary has that many pods, all ready. Raises OverdueError."""

    async def look() -> bool:
        seen = sizes.size_of(PRIMARY)
        return seen is not None and (seen.replicas, seen.ready) == (pods, pods)

    await until(look, what=f"{pods} pods of the primary", within_s=_WITHIN_S)


async def let_go(sizes: Sizes) -> None:
    """Wait until the primary's autoscaler has its own least again. Raises OverdueError."""

    async def look() -> bool:
        seen = sizes.scaler(OUR_SCALER)
        return seen is not None and seen.least == OWN_LEAST

    await until(look, what="the primary's own least", within_s=_WITHIN_S)


async def play_run(scene: Scene, sizes: Sizes, story: str, version: str, *, aborts: bool) -> RunFacts:
    """Release a version; a person may end the run at half of the load."""
    applied_at_s = time.time()
    before = [seen for name in (PRIMARY, TARGET) if (seen := sizes.size_of(name)) is not None]
    counted, aborted_at_s, overdue = len(sizes.sizes), None, ""
    scaled = len(sizes.scalers)
    await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={version}")
    try:
        if aborts:
            aborted_at_s = await _abort_at_half(scene, applied_at_s, version)
        await until(lambda: release_over(scene, applied_at_s), what="the end of the run", within_s=2 * _WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    return RunFacts(
        story=story,
        version=version,
        promotes=not aborts,
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


async def _abort_at_half(scene: Scene, since_s: float, version: str) -> float:
    async def halved() -> bool:
        return any(seen.shares.others_percent == HALF_PERCENT for seen in since(scene.journal.shares, since_s))

    await until(halved, what="half of the load with the canary", within_s=_WITHIN_S, every_s=0.05)
    await asyncio.sleep(AT_HALF_S)
    aborted_at_s = time.time()
    await ask("abort", version)
    return aborted_at_s
