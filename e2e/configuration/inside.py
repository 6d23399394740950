"""What runs inside the lab: `python -m e2e.configuration.inside --mode all --result FILE`, through the lab's `exec`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from e2e.configuration.runs import Book, stories_of
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import play
from e2e.play.scene import Scene, opened
from e2e.play.witnesses import follow_release, poll_envoy

INTERVAL_S = 5.0
_CLIENTS = {"all": {"Host": "app.example"}}


def main() -> None:
    """Play all stories."""
    arguments = parser_of("e2e.configuration.inside", ["all"]).parse_args()
    run_play("configuration", _main(arguments.result, Book()))


async def _main(result: Path, book: Book) -> None:
    try:
        async with opened(INTERVAL_S, _CLIENTS) as scene:
            await _watched(scene, book)
    finally:
        write_outcome(result, book.results, book.figures)


async def _watched(scene: Scene, book: Book) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow_release(scene.api, scene.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)),
        ]
        await play(stories_of(scene, book), book.results, announce=lambda story: print(f"-- {story}", flush=True))
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
