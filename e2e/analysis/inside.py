"""What runs inside the lab: `python -m e2e.analysis.inside --mode all --result FILE`, through its `exec`.

Plays the stories with a witness watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from e2e.analysis.liar import listening
from e2e.analysis.plan import INTERVAL_S
from e2e.analysis.runs import Play
from e2e.analysis.seen import Journal
from e2e.analysis.stories import STORIES, Story, end, start
from e2e.lab.workload.follow import Audience, Follower
from e2e.play.inside import parts_of, run_play, write_outcome
from e2e.play.playbook import play
from e2e.play.result import Json, Result
from e2e.play.scene import opened
from e2e.play.witnesses import CANARIES


def main() -> None:
    """Play all stories, or those that are named."""
    result, chosen = parts_of("e2e.analysis.inside", STORIES)
    run_play("analysis", _main(result, chosen))


async def _main(result: Path, chosen: Sequence[str]) -> None:
    results, figures = list[Result](), list[Json]()
    try:
        # Each release has clients of its own, at its own rate.
        async with opened(INTERVAL_S, {}) as scene, listening(scene.lab["PROMETHEUS_URL"]) as liar:
            told = Play(scene, Journal(), liar, results, figures)
            async with asyncio.TaskGroup() as tasks:
                audience = Audience(put=told.journal.canary_seen, remove=lambda _gone: None)
                witness = tasks.create_task(Follower(scene.api, CANARIES.format("default"), audience).run())
                stories: dict[str, Story] = {"start": start, **{name: STORIES[name] for name in chosen}, "end": end}
                played = {name: partial(story, told) for name, story in stories.items()}
                await play(played, results, announce=lambda story: print(f"-- {story}", flush=True))
                witness.cancel()
    finally:
        write_outcome(result, results, figures)


if __name__ == "__main__":
    main()
