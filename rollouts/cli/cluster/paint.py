"""Colours and columns for terminals. On a pipe, or where NO_COLOR is set, there are no colours, and nothing is cut."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TextIO

GAP = 3
_CODES = MappingProxyType({
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "": "",
})  # fmt: skip
STYLES: Mapping[str, str] = MappingProxyType({
    "Succeeded": "green", "Initialized": "green", "Failed": "red", "Waiting": "yellow", "WaitingPromotion": "yellow",
    "Progressing": "cyan", "Promoting": "cyan", "Finalising": "cyan", "Terminating": "dim",
    "Pass": "green", "Fail": "red", "Error": "red", "NoData": "yellow", "Inconclusive": "yellow",
    "SharedBreach": "yellow", "Warning": "yellow", "Refused": "red", "promoted": "green", "rolled back": "red",
})  # fmt: skip
"""Of words that stand in cells."""


@dataclass(frozen=True, slots=True)
class Paint:
    """How to write to one stream. `width` is that of a terminal; None where nothing has to be cut."""

    colours: bool = False
    width: int | None = None

    @classmethod
    def of(cls, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> Paint:
        """For that stream, standard output if not said."""
        known = sys.stdout if stream is None else stream
        if not known.isatty():
            return cls()
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        return cls(colours=not plain, width=shutil.get_terminal_size().columns)

    def __call__(self, text: str, style: str) -> str:
        """The text in that style."""
        code = _CODES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and code else text

    def word(self, word: str, padded: str = "") -> str:
        """A word in the colour that it has by itself, `padded` in its place."""
        return self(padded or word, STYLES.get(word, ""))

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Columns as kubectl writes them, the last one cut to fit. Every line ends with a newline."""
        lines = [tuple(titles), *map(tuple, rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "".join(self._line(line, widths, heading=number == 0) for number, line in enumerate(lines))

    def _line(self, cells: Sequence[str], widths: Sequence[int], *, heading: bool) -> str:
        before = sum(widths[:-1]) + GAP * (len(widths) - 1)
        *first, last = cells
        if self.width is not None:
            last = cut(last, max(self.width - before, 10))
        padded = [cell.ljust(width) for cell, width in zip(first, widths, strict=False)]
        words = [(cell, text) for cell, text in zip(first, padded, strict=True)] + [(last, last)]
        written = [self(text, "bold") if heading else self.word(cell, text) for cell, text in words]
        return (" " * GAP).join(written).rstrip() + "\n"


def cut(text: str, width: int) -> str:
    """The text in at most so many cells."""
    return text if len(text) <= width else text[: width - 1] + "…"
