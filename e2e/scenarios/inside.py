"""What runs inside a lab: `python -m e2e.scenarios.inside --mode SCENARIO --result FILE`, through the lab's `exec`.

Plays a scenario's stories with the witnesses watching and writes results and figures to the file.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import play
from e2e.play.scene import opened
from e2e.scenarios.facts import RATE_PER_S
from e2e.scenarios.journal import Journal
from e2e.scenarios.live import Announcer
from e2e.scenarios.playbook import INTERVAL_S, STAGES, Book, stories_of
from e2e.scenarios.runs import Play
from e2e.scenarios.stage import EVERYONE
from e2e.scenarios.witnesses import follow, poll_envoy, poll_objects
from e2e.strategies.served import poll_served


def main() -> None:
    """Play one scenario."""
    arguments = parser_of("e2e.scenarios.inside", STAGES).parse_args()
    run_play("scenarios", _main(Book(STAGES[arguments.mode]), arguments.result))


async def _main(book: Book, result: Path) -> None:
    try:
        async with opened(INTERVAL_S, book.stage.clients, RATE_PER_S) as scene:
            await _watched(Play(scene, Journal(book.stage)), book)
    finally:
        write_outcome(result, book.results, book.figures)


async def _watched(told: Play, book: Book) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    announcer = Announcer(told.journal, told.scene.loads[EVERYONE])

    def announce(story: str) -> None:
        announcer.story = story

    async with asyncio.TaskGroup() as tasks:
        witnesses = [
            tasks.create_task(follow(told.scene.api, told.journal)),
            tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], told.journal)),
            tasks.create_task(poll_objects(told.scene.api, told.journal)),
            tasks.create_task(poll_served(os.environ["WORKLOAD_METRICS_URL"], told.journal.served)),
            tasks.create_task(announcer.show()),
        ]
        await play(stories_of(told, book), book.results, announce=announce)
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
