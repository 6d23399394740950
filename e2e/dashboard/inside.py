"""What runs inside the lab: `python -m e2e.dashboard.inside --mode all --result FILE`, through its `exec`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp

from e2e.dashboard.judge import figures_of, judge_alerts, judge_gone, judge_panels, judge_variables
from e2e.dashboard.looking import Looker
from e2e.dashboard.prometheus import Answered, Prometheus
from e2e.dashboard.queries import MONITORING, read_dashboard, read_rules
from e2e.first_light.ending import end_controller
from e2e.first_light.facts import Plan
from e2e.first_light.releases import initialise, plan_of, release
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.kubectl import kubectl
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import Scene, opened
from e2e.play.waiting import until
from e2e.play.witnesses import follow_release, poll_envoy

INTERVAL_S = 5.0
_SOUND = {"ERROR_RATE": "0", "LATENCY_MS": "5", "LATENCY_P99_MS": "20"}
_BAD = _SOUND | {"ERROR_RATE": "0.5"}
_GONE_WITHIN_S = 60.0
_OF_CANARY = '{__name__=~"rollouts_canary_.+"}'


def main() -> None:
    """Play all."""
    run_play("dashboard", _main(parser_of("e2e.dashboard.inside", ["all"]).parse_args().result))


async def _main(result: Path) -> None:
    results, figures = list[Result](), list[Json]()
    try:
        async with opened(INTERVAL_S, {"all": {}}) as scene, aiohttp.ClientSession() as session:
            prometheus = Prometheus(session, scene.lab["PROMETHEUS_URL"])
            variables, queries = read_dashboard((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
            alerts = read_rules((MONITORING / "rules.yaml").read_text(encoding="utf-8"))
            looker = Looker(prometheus, variables, [*queries, *alerts])
            try:
                await _watched(scene, looker, prometheus, results)
            finally:
                figures += figures_of(looker.shown)
    finally:
        write_outcome(result, results, figures)


async def _watched(scene: Scene, looker: Looker, prometheus: Prometheus, results: list[Result]) -> None:
    told: dict[str, Callable[[], Awaitable[object]]] = {
        "start": partial(initialise, scene),
        "good": partial(_released, scene, plan_of(scene, "good", "2", _SOUND), "Succeeded", results),
        "bad": partial(_released, scene, plan_of(scene, "bad", "3", _BAD), "Failed", results),
        "look": partial(_look, looker, results),
        "deleted": partial(_delete, prometheus, results),
        "end": partial(_end, scene, results),
    }
    stories: dict[str, Story] = {name: partial(_told, story) for name, story in told.items()}
    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow_release(scene.api, scene.journal)),
            tasks.create_task(poll_envoy(scene.lab["ENVOY_ADMIN_URL"], scene.journal)),
            tasks.create_task(looker.run()),
        ]
        await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
        for witness in witnesses:
            witness.cancel()


async def _told(story: Callable[[], Awaitable[object]]) -> bool:
    await story()
    return True


async def _released(scene: Scene, plan: Plan, end: str, results: list[Result]) -> None:
    facts = await release(scene, plan)
    phase = facts.statuses[-1].phase if facts.statuses else ""
    detail = facts.overdue or f"{phase}, {facts.ended_at_s - facts.applied_at_s:.0f} s after apply"
    results.append(Result(plan.story, f"the release is {end}", ok=phase == end, detail=detail))


async def _look(looker: Looker, results: list[Result]) -> None:
    """Once more at what there is now, and judge all that was seen."""
    await looker.look()
    results.append(judge_variables(looker.values, {"namespace": ["default"], "name": ["app"]}))
    results.extend(judge_panels(looker.shown))
    results.extend(judge_alerts(looker.shown))


async def _delete(prometheus: Prometheus, results: list[Result]) -> None:
    """The Canary: when it is gone, so are its series at the next scrape, long before they would grow stale."""
    await kubectl("delete", "canaries.rollouts.dev", "app")
    ended_s = time.time()
    answered = Answered()

    async def gone() -> bool:
        nonlocal answered
        answered = await prometheus.query(_OF_CANARY)
        return answered.series == 0

    await until(gone, what="the end of the Canary's series", within_s=_GONE_WITHIN_S)
    results.append(judge_gone(answered.labels, time.time() - ended_s))


async def _end(scene: Scene, results: list[Result]) -> None:
    results.extend(await end_controller(scene.controller))


if __name__ == "__main__":
    main()
