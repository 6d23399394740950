"""What runs inside a lab: `python -m e2e.scaling.inside --mode MODE --result FILE`, through its `exec`.

Plays the stories with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from e2e.play.inside import parser_of, run_play, write_outcome
from e2e.play.playbook import Story, play
from e2e.play.result import Result
from e2e.play.scene import Scene, opened
from e2e.play.witnesses import follow_release, poll_envoy
from e2e.scaling.facts import CLIENTS, RATE_PER_S
from e2e.scaling.keda import facts as keda_facts
from e2e.scaling.keda import stories as keda_stories
from e2e.scaling.keda.witness import Witness
from e2e.scaling.modes import AUTOSCALER, KEDA, MODES
from e2e.scaling.playbook import Book, stories_of
from e2e.scaling.witnesses import Sizes

INTERVAL_S = 20.0


def main() -> None:
    """Play all stories of a mode."""
    arguments = parser_of("e2e.scaling.inside", MODES).parse_args()
    played = {AUTOSCALER: _autoscaler, KEDA: _keda}[arguments.mode]
    run_play("scaling", played(arguments.result))


async def _autoscaler(result: Path) -> None:
    book = Book()
    try:
        async with opened(INTERVAL_S, CLIENTS, RATE_PER_S) as scene:
            sizes = Sizes()
            await _watched(scene, (sizes.follow(scene.api),), stories_of(scene, sizes, book), book.results)
    finally:
        write_outcome(result, book.results, book.figures)


async def _keda(result: Path) -> None:
    results, figures = list[Result](), list[Any]()
    try:
        async with opened(INTERVAL_S, {"clients": {}}, keda_facts.RATE_PER_S) as scene:
            await keda_stories.install_kind()
            book = keda_stories.Book(scene, Sizes(), Witness(), results, figures)
            witnesses = (book.sizes.follow(scene.api), book.witness.follow(scene.api))
            await _watched(scene, witnesses, keda_stories.stories_of(book), results)
    finally:
        write_outcome(result, results, figures)


async def _watched(
    scene: Scene,
    witnesses: tuple[Coroutine[Any, Any, None], ...],
    stories: Mapping[str, Story],
    results: list[Result],
) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    both = (follow_release(scene.api, scene.journal), poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal))
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(witness) for witness in (*both, *witnesses)]
        await play(stories, results, announce=lambda story: print(f"-- {story}", flush=True))
        for task in watching:
            task.cancel()


if __name__ == "__main__":
    main()
