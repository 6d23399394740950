"""What runs inside a lab: `python -m e2e.first_light.inside --mode MODE --result FILE`, through the lab's `exec`.

Plays the stories with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from e2e.first_light.live import Board
from e2e.first_light.playbook import Book, stories_of
from e2e.first_light.report import release_json
from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import play
from e2e.play.scene import Scene, opened
from e2e.play.witnesses import follow_release, poll_envoy

INTERVAL_S = {"quick": 5.0, "full": 10.0, "deletions": 5.0, "core": 10.0}


def main() -> None:
    """Play the stories of a mode."""
    arguments = parser_of("e2e.first_light.inside", INTERVAL_S).parse_args()
    run_play("first light", _main(arguments.mode, arguments.result))


async def _main(mode: str, result: Path) -> None:
    book = Book()
    try:
        async with opened(INTERVAL_S[mode], {"all": {}}) as scene:
            await _watched(scene, book, mode)
    finally:
        write_outcome(result, book.results, [release_json(item) for item in book.releases])


async def _watched(scene: Scene, book: Book, mode: str) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    board = Board(scene.journal, scene.loads["all"])

    def announce(story: str) -> None:
        board.story = story

    async with asyncio.TaskGroup() as tasks:
        witnesses = []
        if mode != "core":
            witnesses.append(tasks.create_task(follow_release(scene.api, scene.journal)))
            witnesses.append(tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)))
            witnesses.append(tasks.create_task(board.show()))
        await play(stories_of(mode, scene, book), book.results, announce=announce)
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
