"""What runs inside the lab: `python -m e2e.endurance.inside --mode all --result FILE`, through its `exec`.

Plays the releases with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

from e2e.endurance.judge import RunFacts, judge_all, run_json
from e2e.endurance.runs import CLIENTS, INTERVAL_S, RATE_PER_S, begin, play_run
from e2e.first_light.ending import end_controller
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import Story, play
from e2e.play.result import Result
from e2e.play.scene import Scene, opened
from e2e.play.witnesses import follow_release, poll_envoy

RUNS = 10
ABORTED = frozenset({3, 6, 9})
"""Of the runs, counted from 1: ended by a person at half of the traffic."""


def main() -> None:
    """Play all releases."""
    arguments = parser_of("e2e.endurance.inside", ["all"]).parse_args()
    run_play("endurance", _main(arguments.result))


async def _main(result: Path) -> None:
    runs: list[RunFacts] = []
    results: list[Result] = []
    try:
        async with opened(INTERVAL_S, CLIENTS, RATE_PER_S) as scene, asyncio.TaskGroup() as tasks:
            witnesses = [
                tasks.create_task(follow_release(scene.api, scene.journal)),
                tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)),
            ]
            await play(_stories(scene, runs, results), results, announce=lambda story: print(f"-- {story}", flush=True))
            for witness in witnesses:
                witness.cancel()
    finally:
        write_outcome(result, [*results, *judge_all(runs, RUNS)], [run_json(facts) for facts in runs])


def _stories(scene: Scene, runs: list[RunFacts], results: list[Result]) -> dict[str, Story]:
    async def start() -> bool:
        await begin(scene)
        return True

    async def release(number: int) -> bool:
        facts = await play_run(scene, number, aborts=number in ABORTED)
        runs.append(facts)
        print(f"   {facts.lasted_s:.1f} s, {len(facts.failed)} of {facts.requests} failed", flush=True)
        return not facts.overdue

    async def end() -> bool:
        results.extend(await end_controller(scene.controller))
        return True

    releases: dict[str, Story] = {f"release {number}": partial(release, number) for number in range(1, RUNS + 1)}
    return {"start": start, **releases, "end": end}


if __name__ == "__main__":
    main()
