"""What runs inside the lab: `python -m e2e.mishaps.inside --mode all --result FILE`, through its `exec`.

Plays the mishaps with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from e2e.first_light.ending import end_controller
from e2e.mishaps.judge import judge_mishap, mishap_json
from e2e.mishaps.mishap import MISHAPS, Mishap
from e2e.mishaps.runs import play_mishap
from e2e.play.inside import parts_of, run_play, write_outcome
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import opened
from e2e.scenarios.journal import Journal
from e2e.scenarios.runs import Play, begin
from e2e.scenarios.stage import Stage
from e2e.scenarios.witnesses import follow, poll_envoy

INTERVAL_S = 5.0
RATE_PER_S = 200.0
STAGE = Stage("scenario-1", "anything.example", "canary", "v1", INTERVAL_S)


def main() -> None:
    """Play all mishaps, or those that are named."""
    result, chosen = parts_of("e2e.mishaps.inside", [mishap.name for mishap in MISHAPS])
    run_play("mishaps", _main(result, [mishap for mishap in MISHAPS if mishap.name in chosen]))


async def _main(result: Path, chosen: Sequence[Mishap]) -> None:
    results: list[Result] = []
    figures: list[Json] = []
    try:
        async with opened(INTERVAL_S, {"all": {"Host": STAGE.host}}, RATE_PER_S) as scene, asyncio.TaskGroup() as tasks:
            told = Play(scene, Journal(STAGE))
            witnesses = [
                tasks.create_task(follow(scene.api, told.journal)),
                tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], told.journal)),
            ]
            stories = _stories(told, chosen, results, figures)
            await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
            for witness in witnesses:
                witness.cancel()
    finally:
        write_outcome(result, results, figures)


def _stories(told: Play, chosen: Sequence[Mishap], results: list[Result], figures: list[Json]) -> dict[str, Story]:
    async def start() -> bool:
        await begin(told)
        return True

    async def happen(mishap: Mishap, canary: str, version: str) -> bool:
        facts = await play_mishap(told, mishap, canary, version)
        results.extend(judge_mishap(facts))
        figures.append(mishap_json(facts))
        return not facts.overdue

    async def end() -> bool:
        results.extend(await end_controller(told.scene.controller))
        return True

    # Each release goes the other way round.
    subsets = ("v2", "v1")
    middle = {
        mishap.name: partial(happen, mishap, subsets[place % 2], str(place + 2)) for place, mishap in enumerate(chosen)
    }
    return {"start": start, **middle, "end": end}


if __name__ == "__main__":
    main()
