"""What runs inside the lab: `python -m e2e.people.inside --mode all --result FILE`, through its `exec`.

Plays the stories with a witness watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from e2e.people.plan import INTERVAL_S, RATE_PER_S
from e2e.people.runs import Play
from e2e.people.slack import receiving
from e2e.people.stories import STORIES, end, start
from e2e.play.inside import parts_of, run_play, write_outcome
from e2e.play.playbook import Story, play
from e2e.play.result import Json, Result
from e2e.play.scene import opened
from e2e.play.witnesses import follow_release


def main() -> None:
    """Play all stories, or those that are named."""
    result, chosen = parts_of("e2e.people.inside", STORIES)
    run_play("people", _main(result, chosen))


async def _main(result: Path, chosen: Sequence[str]) -> None:
    results, figures = list[Result](), list[Json]()
    try:
        async with opened(INTERVAL_S, {"all": {}}, RATE_PER_S) as scene, receiving() as (slack, address):
            told = Play(scene, slack, address, results=results, figures=figures)
            try:
                async with asyncio.TaskGroup() as tasks:
                    witness = tasks.create_task(follow_release(scene.api, scene.journal))
                    stories = {"start": start, **{name: STORIES[name] for name in chosen}, "end": end}
                    played: dict[str, Story] = {name: partial(story, told) for name, story in stories.items()}
                    await play(played, results, announce=lambda story: print(f"-- {story}", flush=True))
                    witness.cancel()
            finally:
                # Also when the stories were broken off.
                if told.server is not None:
                    await asyncio.shield(told.server.kill())
    finally:
        write_outcome(result, results, figures)


if __name__ == "__main__":
    main()
