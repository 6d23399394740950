"""The stories that release something: each is a `kubectl set env` by a person, and what is seen until it is over."""

from __future__ import annotations

import asyncio
import time

from e2e.first_light.facts import Plan, ReleaseFacts, Restart
from e2e.play.application import deployment, release_over, rest_under_load, version_of
from e2e.play.journal import since
from e2e.play.kubectl import apply, kubectl
from e2e.play.manifests import example, longest_ms, paced, planned_weights
from e2e.play.scene import Scene
from e2e.play.seen import PRIMARY, TARGET
from e2e.play.waiting import OverdueError, until

_TAIL_S = 2.0
"""For how long the clients are watched after the last pod has gone: its end could hurt them too."""
_DOWN_S = 2.0
_INITIALIZED_WITHIN_S = 60.0


def plan_of(scene: Scene, story: str, version: str, env: dict[str, str], *, failed_metric: str = "") -> Plan:
    """A release of the example to that version. The defaults are of one that is to succeed."""
    canary = example("canary")
    return Plan(
        story=story,
        version=version,
        env=env,
        weights=planned_weights(canary),
        interval_s=scene.interval_s,
        slow_ms=longest_ms(canary),
        failed_metric=failed_metric,
    )


async def initialise(scene: Scene) -> float:
    """Start the controller and apply the example; once it is Initialized the load begins, for good.

    Returns the seconds from apply until the canary's own pods have gone. Raises OverdueError.
    """
    await scene.controller.start()
    await scene.controller.become_ready()
    applied_at_s = time.time()
    await apply(example("deployment"), example("gateway"), paced(example("canary"), scene.interval_s))
    await rest_under_load(scene, _INITIALIZED_WITHIN_S)
    return time.time() - applied_at_s


async def release(scene: Scene, plan: Plan, *, kill_at: int | None = None) -> ReleaseFacts:
    """Release a version and record what comes of it; at weight `kill_at` the controller is killed and started again."""
    applied_at_s = time.time()
    restart, overdue = None, ""
    words = [f"{name}={value}" for name, value in plan.env.items()]
    await kubectl("set", "env", f"deployment/{TARGET}", f"VERSION={plan.version}", *words)
    # Twice the plan's time: a release that waits for pods or holds a step is slow, not lost.
    patience_s = 2 * plan.interval_s * (len(plan.weights) + 1) + 60
    try:
        if kill_at is not None:
            restart = await _interrupt(scene, kill_at, applied_at_s, patience_s)
        await until(lambda: release_over(scene, applied_at_s), what="the release's end", within_s=patience_s)
        await asyncio.sleep(_TAIL_S)
    except OverdueError as error:
        overdue = f"{error}; phase {scene.journal.phase}"
    return await _facts(scene, plan, applied_at_s, restart=restart, overdue=overdue)


async def _interrupt(scene: Scene, weight_percent: int, since_s: float, within_s: float) -> Restart:
    """Send kill -9 in the middle of a dwell, and a new process 2 s later."""

    async def reached() -> bool:
        routes = since(scene.journal.routes, since_s)
        return bool(routes) and routes[-1].weight_percent == weight_percent

    await until(reached, what=f"weight {weight_percent}", within_s=within_s, every_s=0.05)
    await asyncio.sleep(scene.interval_s / 2)
    standing = scene.journal.statuses[-1]
    killed_at_s = await scene.controller.kill()
    await asyncio.sleep(_DOWN_S)
    started_at_s = await scene.controller.start()
    return Restart(killed_at_s, started_at_s, standing.step_index, standing.desired_weight)


async def _facts(
    scene: Scene, plan: Plan, applied_at_s: float, *, restart: Restart | None, overdue: str
) -> ReleaseFacts:
    ended_at_s = time.time()
    primary, target = await deployment(scene, PRIMARY), await deployment(scene, TARGET)
    journal = scene.journal
    return ReleaseFacts(
        plan=plan,
        applied_at_s=applied_at_s,
        ended_at_s=ended_at_s,
        statuses=since(journal.statuses, applied_at_s),
        routes=since(journal.routes, applied_at_s),
        envoy=since(journal.envoy, applied_at_s),
        records=scene.records(applied_at_s),
        requests=tuple(scene.requests(applied_at_s, ended_at_s)),
        queries=tuple(scene.queries(applied_at_s, ended_at_s)),
        primary_version=version_of(primary),
        canary_replicas=target["spec"]["replicas"] if target else None,
        restart=restart,
        overdue=overdue,
    )
