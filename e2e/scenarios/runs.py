"""Plays a run: a person changes a template or asks for an undo; all is recorded until the loser is at zero."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from e2e.play.intents import ask
from e2e.play.kubectl import apply, kubectl
from e2e.play.scene import Scene
from e2e.play.waiting import OverdueError, until
from e2e.scenarios.facts import Plan, RunFacts
from e2e.scenarios.journal import Journal
from e2e.scenarios.stage import PICKED
from e2e.scenarios.witnesses import read_objects

_OVER_WITHIN_S = 150.0
_READY_WITHIN_S = 60.0
_TAIL_S = 2.0
"""For how long the clients are watched after the last pod has gone: its end could hurt them too."""
_ENDS = frozenset({"Succeeded", "Failed"})
Ask = Callable[[], Awaitable[object]]
Over = Callable[["Play", Plan, float], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Play:
    """A scene and the journal of the scenario that is played in it."""

    scene: Scene
    journal: Journal


async def begin(play: Play) -> float:
    """The user's objects, then the controller and the Canary; load once all is led to one side. Seconds it took."""
    stage, journal = play.journal.stage, play.journal
    await apply(*stage.objects)
    names = [f"deployment/{name}" for name in stage.deployments.values()]
    for name in names:
        await kubectl("rollout", "status", name, "--timeout=60s")
    await play.scene.controller.start()
    await play.scene.controller.become_ready()
    applied_at_s = time.time()
    await apply(stage.canary)

    async def initialized() -> bool:
        led = journal.in_force and dict(journal.in_force[-1].shares)[stage.stable] == 100
        return bool(journal.phase == "Initialized" and led and journal.stable == stage.stable)

    what = f"Initialized, and all of Envoy's routes to subset {stage.stable}"
    await until(initialized, what=what, within_s=_READY_WITHIN_S)
    took_s = time.time() - applied_at_s
    play.scene.start_load()
    idle = stage.deployments[stage.other(stage.stable)]
    await until(lambda: _at_zero(play, idle), what=f"{idle} at zero", within_s=_READY_WITHIN_S)
    await asyncio.sleep(_TAIL_S)
    return took_s


async def release(play: Play, plan: Plan) -> RunFacts:
    """Give the canary's Deployment another version, as a person would."""
    rate = "0.5" if plan.errs else "0"
    name = plan.stage.deployments[plan.canary]
    words = ("set", "env", f"deployment/{name}", f"VERSION={plan.version}", f"ERROR_RATE={rate}")
    return await watched(play, plan, lambda: kubectl(*words), _over)


async def release_until_promoted(play: Play, plan: Plan) -> RunFacts:
    """The same, but seen only until the roles are swapped: the old version still runs."""
    name = plan.stage.deployments[plan.canary]
    words = ("set", "env", f"deployment/{name}", f"VERSION={plan.version}", "ERROR_RATE=0")
    return await watched(play, plan, lambda: kubectl(*words), _swapped)


async def release_until_weight(play: Play, canary: str, version: str) -> None:
    """Give it another version, and wait until clients meet it at the first weight. Raises OverdueError."""
    stage, journal = play.journal.stage, play.journal
    await kubectl("set", "env", f"deployment/{stage.deployments[canary]}", f"VERSION={version}", "ERROR_RATE=0")

    async def met() -> bool:
        return bool(journal.in_force) and dict(journal.in_force[-1].shares)[canary] == stage.weights[0]

    await until(met, what=f"{stage.weights[0]} % for {canary}", within_s=_READY_WITHIN_S)


async def undo(play: Play, plan: Plan, number: int) -> RunFacts:
    """Ask for the version before."""
    return await watched(play, plan, lambda: ask("undo", number, plan.stage.canary_name), _over)


async def watched(play: Play, plan: Plan, ask: Ask, over: Over | None = None) -> RunFacts:
    """What is seen from when it is asked for until it is over: the loser is at zero, if not said otherwise."""
    over = over or _over
    applied_at_s, overdue, journal = time.time(), "", play.journal
    await ask()
    asked = journal.objects_seen(await read_objects(play.scene.api))
    try:
        await until(lambda: over(play, plan, applied_at_s), what="the end of the run", within_s=_OVER_WITHIN_S)
        await asyncio.sleep(_TAIL_S if over is _over else 0)
    except OverdueError as error:
        overdue = f"{error}; phase {play.journal.phase}"
    last = journal.objects_seen(await read_objects(play.scene.api))
    ended_at_s = time.time()
    return RunFacts(
        plan=plan,
        applied_at_s=applied_at_s,
        ended_at_s=ended_at_s,
        statuses=tuple(seen for seen in journal.statuses if seen.at_s >= applied_at_s),
        written=tuple(seen for seen in journal.written if seen.at_s >= applied_at_s),
        in_force=tuple(seen for seen in journal.in_force if seen.at_s >= applied_at_s),
        objects=(*(seen for seen in journal.objects if seen.at_s > asked.at_s), last),
        baseline=asked.kept,
        records=play.scene.records_of(next(iter(play.scene.loads)), applied_at_s),
        picked=play.scene.records_of(PICKED, applied_at_s) if PICKED in play.scene.loads else (),
        copies=tuple(seen for seen in journal.copies if seen.at_s >= applied_at_s),
        served=tuple(seen for seen in journal.served if seen.at_s >= applied_at_s),
        overdue=overdue,
    )


async def _over(play: Play, plan: Plan, since_s: float) -> bool:
    return await release_over(play, since_s, plan.stage.deployments[plan.loser])


async def release_over(play: Play, since_s: float, loser: str) -> bool:
    """Whether a release that began after that time has ended, and the Deployment that lost is at zero."""
    statuses = [seen for seen in play.journal.statuses if seen.at_s >= since_s]
    ended = any(seen.phase not in _ENDS for seen in statuses) and statuses[-1].phase in _ENDS
    return ended and await _at_zero(play, loser)


async def _swapped(play: Play, plan: Plan, since_s: float) -> bool:
    return any(seen.at_s >= since_s and seen.stable == plan.canary for seen in play.journal.statuses)


async def _at_zero(play: Play, name: str) -> bool:
    """Whether a Deployment wants no pods, and the last of them has gone."""
    found = await read_objects(play.scene.api)
    wanted = next(item for item in found if item["kind"] == "Deployment" and item["metadata"]["name"] == name)
    return wanted["spec"]["replicas"] == 0 and not wanted.get("status", {}).get("replicas")
