"""Plays one release after the other with the first-light example, its steps in quick succession."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from e2e.endurance.judge import RunFacts
from e2e.play.application import release_over, rest_under_load
from e2e.play.intents import ask
from e2e.play.journal import since
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import Json, example, paced
from e2e.play.scene import Scene
from e2e.play.seen import TARGET
from e2e.play.waiting import OverdueError, until

INTERVAL_S = 4.0
STEP = 25
HALF_PERCENT = 50
RATE_PER_S = 1000.0
CLIENTS: Mapping[str, Mapping[str, str]] = {"one half": {}, "other half": {}}
_WITHIN_S = 90.0
_TAIL_S = 2.0
"""For how long the clients are watched after the last pod has gone: its end could hurt them too."""


async def begin(scene: Scene) -> None:
    """Everything applied, Initialized, the load on, the target at zero. Raises OverdueError."""
    await scene.controller.start()
    await scene.controller.become_ready()
    await apply(example("deployment"), example("gateway"), _canary())
    await rest_under_load(scene, _WITHIN_S)


async def play_run(scene: Scene, number: int, *, aborts: bool) -> RunFacts:
    """Release another version, up to all requests; a person may end the run at half of them."""
    applied_at_s, overdue, version = time.time(), "", str(number + 1)
    await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={version}")
    try:
        if aborts:
            await _abort_at_half(scene, applied_at_s, version)
        await until(lambda: release_over(scene, applied_at_s), what="the end of the run", within_s=_WITHIN_S)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    ended_at_s = time.time()
    shares = [seen.shares.others_percent for seen in since(scene.journal.shares, applied_at_s)]
    records = scene.records(applied_at_s)
    return RunFacts(
        number=number,
        aborted=aborts,
        end=scene.journal.phase,
        lasted_s=ended_at_s - applied_at_s,
        shares=tuple(shares),
        requests=len(records),
        by_canary=sum(record.workload == TARGET for record in records),
        failed=tuple(record for record in records if record.failed or not record.workload),
        overdue=overdue,
    )


def _canary() -> Json:
    canary = paced(example("canary"), INTERVAL_S)
    canary["spec"]["analysis"] |= {"stepWeight": STEP, "maxWeight": 100}
    return canary


async def _abort_at_half(scene: Scene, since_s: float, version: str) -> None:
    async def halved() -> bool:
        return any(seen.shares.others_percent == HALF_PERCENT for seen in since(scene.journal.shares, since_s))

    await until(halved, what="half of the load with the canary", within_s=_WITHIN_S, every_s=0.05)
    await ask("abort", version)
