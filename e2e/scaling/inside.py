"""What runs inside the lab: `python -m e2e.scaling.inside --mode all --result FILE`, through its `exec`.

Plays the stories with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import play
from e2e.play.scene import Scene, opened
from e2e.play.witnesses import follow_release, poll_envoy
from e2e.scaling.facts import CLIENTS, RATE_PER_S
from e2e.scaling.playbook import Book, stories_of
from e2e.scaling.witnesses import Sizes

INTERVAL_S = 20.0


def main() -> None:
    """Play all stories."""
    arguments = parser_of("e2e.scaling.inside", ["all"]).parse_args()
    run_play("scaling", _main(arguments.result, Book()))


async def _main(result: Path, book: Book) -> None:
    try:
        async with opened(INTERVAL_S, CLIENTS, RATE_PER_S) as scene:
            await _watched(scene, Sizes(), book)
    finally:
        write_outcome(result, book.results, book.figures)


async def _watched(scene: Scene, sizes: Sizes, book: Book) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow_release(scene.api, scene.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)),
            tasks.create_task(sizes.follow(scene.api)),
        ]
        await play(
            stories_of(scene, sizes, book), book.results, announce=lambda story: print(f"-- {story}", flush=True)
        )
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
