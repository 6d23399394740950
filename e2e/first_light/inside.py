"""What runs inside a lab: `python -m e2e.first_light.inside --mode MODE --result FILE`, through the lab's `exec`.

Plays the stories with the witnesses watching and writes results and figures to the file; it judges no exit status.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from e2e.first_light.live import Board
from e2e.first_light.playbook import Book, play, stories_of
from e2e.first_light.report import release_json, result_json
from e2e.first_light.scene import Scene, opened
from e2e.first_light.witnesses import follow_release, poll_envoy

INTERVAL_S = {"quick": 5.0, "full": 10.0, "core": 10.0}


def main() -> None:
    """Play the stories of a mode."""
    parser = argparse.ArgumentParser(prog="python -m e2e.first_light.inside")
    parser.add_argument("--mode", choices=sorted(INTERVAL_S), required=True)
    parser.add_argument("--result", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    try:
        asyncio.run(_main(arguments.mode, arguments.result))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("first light: the stories were broken off")


async def _main(mode: str, result: Path) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    book = Book()
    try:
        async with opened(INTERVAL_S[mode]) as scene:
            await _watched(scene, book, mode)
    finally:
        _write(book, result)


def _write(book: Book, result: Path) -> None:
    results = [result_json(item) for item in book.results]
    releases = [release_json(item) for item in book.releases]
    result.write_text(json.dumps({"results": results, "releases": releases}), encoding="utf-8")


async def _watched(scene: Scene, book: Book, mode: str) -> None:
    """Play with the witnesses at work. Raises ExceptionGroup when a witness fails."""
    board = Board(scene.journal, scene.load)

    def announce(story: str) -> None:
        board.story = story

    async with asyncio.TaskGroup() as tasks:
        witnesses = []
        if mode != "core":
            witnesses.append(tasks.create_task(follow_release(scene.api, scene.journal)))
            witnesses.append(tasks.create_task(poll_envoy(os.environ["ENVOY_ADMIN_URL"], scene.journal)))
            witnesses.append(tasks.create_task(board.show()))
        await play(scene, book, stories_of(mode), announce=announce)
        for witness in witnesses:
            witness.cancel()


if __name__ == "__main__":
    main()
