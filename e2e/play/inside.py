"""The part of a play that runs inside a lab, through the lab's `exec`: how it ends early, and what it leaves behind."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

from e2e.play.result import Json, Result, result_json


def parser_of(module: str, modes: Iterable[str]) -> argparse.ArgumentParser:
    """`mode` and `result` (the file to write) of a process that program.py has started."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--mode", choices=sorted(modes), required=True)
    parser.add_argument("--result", type=Path, required=True, help="file to write")
    return parser


def parts_of(module: str, names: Iterable[str]) -> tuple[Path, list[str]]:
    """The file to write, and which of these names are played: all, or those that `main_of_named` was called with."""
    parser = parser_of(module, ["all"])
    parser.add_argument("--only", action="append", default=[])
    asked = parser.parse_args()
    return asked.result, [name for name in names if not asked.only or name in asked.only]


def run_play(title: str, played: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, or until SIGTERM: then it is cancelled, and the process exits with a sentence."""
    try:
        asyncio.run(_until_ended(played))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(f"{title}: the stories were broken off")


def write_outcome(path: Path, results: Sequence[Result], figures: Sequence[Json]) -> None:
    """Leave behind what came of the stories."""
    outcome = {"results": [result_json(item) for item in results], "figures": list(figures)}
    path.write_text(json.dumps(outcome), encoding="utf-8")


async def _until_ended(played: Coroutine[Any, Any, None]) -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await played
