"""What runs inside the lab: `python -m e2e.strategies.inside --mode all --result FILE --seed N`, through its `exec`.

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
from e2e.strategies.facts import CLIENTS
from e2e.strategies.live import Announcer
from e2e.strategies.playbook import STORIES, Book, stories_of
from e2e.strategies.served import poll_served

INTERVAL_S = 5.0


def main() -> None:
    """Play one story or all."""
    parser = parser_of("e2e.strategies.inside", ["all", *STORIES])
    parser.add_argument("--seed", type=int, required=True, help="decides when the controller is killed")
    arguments = parser.parse_args()
    run_play("strategies", _main(arguments.mode, arguments.result, Book(arguments.seed)))


async def _main(mode: str, result: Path, book: Book) -> None:
    try:
        async with opened(INTERVAL_S, CLIENTS) as scene:
            await _watched(scene, book, mode)
    finally:
        write_outcome(result, book.results, book.figures)


async def _watched(scene: Scene, book: Book, mode: str) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    announcer = Announcer(scene)

    def announce(story: str) -> None:
        announcer.story = story

    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow_release(scene.api, scene.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)),
            tasks.create_task(poll_served(os.environ["WORKLOAD_METRICS_URL"], book.witnessed.served)),
            tasks.create_task(announcer.show()),
        ]
        await play(stories_of(mode, scene, book), book.results, announce=announce)
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
