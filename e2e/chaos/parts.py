"""The outcome of each fault in a file of its own, with the commit that it was measured on, so that a run can go on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from e2e.lab.layout import CHECKOUT
from e2e.play.result import Json, Result, result_json

PARTS = Path(".out") / "chaos"


def keep(folder: Path, results: Sequence[Result], figure: Json, *, at: str) -> None:
    """Leave one fault's behind."""
    folder.mkdir(parents=True, exist_ok=True)
    part = {"at": at, "figure": figure, "results": [result_json(one) for one in results]}
    (folder / f"{figure['fault']}.json").write_text(json.dumps(part, indent=1) + "\n", encoding="utf-8")


def read(folder: Path, fault: str) -> Json | None:
    """What was left behind of it; None if nothing was."""
    path = folder / f"{fault}.json"
    if not path.exists():
        return None
    part: Json = json.loads(path.read_text(encoding="utf-8"))
    return part


def passed(part: Json | None, at: str) -> bool:
    """Whether all was met, on just this commit."""
    return part is not None and part["at"] == at and "dirty" not in at and all(one["ok"] for one in part["results"])


def commit() -> str:
    """What is checked out."""
    words = ("git", "describe", "--always", "--dirty", "--abbrev=40")
    return subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.strip()
