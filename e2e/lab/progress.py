"""Runs one long build and tells, while it runs, what it is at and how long it took last time.

On a terminal it keeps one line up to date, else it prints a line now and then. The last lines of
the build's output are kept for the message of a failure.
"""

from __future__ import annotations

import collections
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PLAIN_EVERY_S = 15.0
_TAIL_LINES = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, with the last lines it wrote."""

    returncode: int
    tail: tuple[str, ...]


def run_with_progress(words: Sequence[str], *, title: str, cwd: Path, environ: Mapping[str, str]) -> Outcome:
    """Run `words` to its end. Each line it writes is taken as the thing it is building now."""
    tail: collections.deque[str] = collections.deque(maxlen=_TAIL_LINES)
    with subprocess.Popen(words, cwd=cwd, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        _follow(process.stdout.fileno(), tail, title)
    return Outcome(process.returncode, tuple(tail))


def _follow(output: int, tail: collections.deque[str], title: str) -> None:
    """Read until the end of `output`, reporting at most once a second."""
    began = shown = time.monotonic()
    live = sys.stdout.isatty()
    every_s = 1.0 if live else _PLAIN_EVERY_S
    count, rest = 0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=1.0):
                data = os.read(output, 65536)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                tail.extend(line.decode(errors="replace") for line in lines)
                count += len(lines)
            now = time.monotonic()
            if now - shown >= every_s:
                shown = now
                _show(f"{title}: {now - began:.0f} s, {count} packages, at {_last(tail)}", live=live)
    if live:
        _show("", live=True)


def _last(tail: collections.deque[str]) -> str:
    return tail[-1][:60] if tail else "linking"


def _show(text: str, *, live: bool) -> None:
    if live:
        print(f"\r\x1b[K{text}", end="", flush=True)
    else:
        print(text, flush=True)
