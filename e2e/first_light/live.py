"""The live table: what is meant and what clients really get. rich on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.live import Live
from rich.table import Table

from e2e.lab.load import LoadClient, Record, summarise
from e2e.play.journal import Journal
from e2e.play.seen import PRIMARY, TARGET

WINDOW_S = 2.0
_REFRESH_S = 0.5
_PLAIN_EVERY_S = 5.0
_ROWS_SHOWN = 30
_COLUMNS = ("time", "story", "phase", "step", "desired", "real share", "success", "p99")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, as text; `key` is the same while nothing new has begun."""

    cells: tuple[str, ...]

    @property
    def key(self) -> tuple[str, ...]:
        """Story, phase, step and desired weight."""
        return self.cells[1:5]


def read_row(*, at_s: float, story: str, journal: Journal, recent: Sequence[Record]) -> Row:
    """What there is to say now. `recent` are the requests that ended within the last two seconds."""
    status = journal.statuses[-1] if journal.statuses else None
    summary = summarise(recent)
    ours = [record.workload for record in recent if record.workload in {TARGET, PRIMARY}]
    share = f"{100 * ours.count(TARGET) / len(ours):.1f} %" if ours else "-"
    success = f"{100 * (1 - summary.errors / summary.requests):.1f} %" if summary.requests else "-"
    return Row(
        (
            f"{at_s:6.1f} s",
            story,
            (status.phase if status else "") or "-",
            str(status.step_index) if status else "-",
            f"{status.desired_weight} %" if status else "-",
            share,
            success,
            "-" if summary.p99_ms is None else f"{summary.p99_ms:.0f} ms",
        )
    )


class Board:
    """Shows rows until it is closed; a row stays when something new begins."""

    def __init__(self, journal: Journal, load: LoadClient) -> None:
        self._journal = journal
        self._load = load
        self._began_s = time.time()
        self._rows: list[Row] = []
        self._printed_s = 0.0
        self.story = "start"
        """The story that is being played."""

    async def show(self) -> None:
        """Look again and again until cancelled."""
        with _screen() as screen:
            while True:
                self._look(screen)
                await asyncio.sleep(_REFRESH_S)

    def _look(self, screen: Live | None) -> None:
        now_s = time.time()
        row = read_row(
            at_s=now_s - self._began_s,
            story=self.story,
            journal=self._journal,
            recent=list(_recent(self._load.records, now_s - WINDOW_S)),
        )
        new = not self._rows or self._rows[-1].key != row.key
        if not new:
            self._rows.pop()
        self._rows.append(row)
        if screen is not None:
            screen.update(_table(self._rows[-_ROWS_SHOWN:]))
        elif new or now_s - self._printed_s >= _PLAIN_EVERY_S:
            self._printed_s = now_s
            print(_line(row.cells), flush=True)


def _recent(records: Sequence[Record], since_s: float) -> Iterator[Record]:
    """From the newest back: records lie in the order of their ends."""
    for record in reversed(records):
        if record.done_at_s < since_s:
            return
        yield record


@contextmanager
def _screen() -> Iterator[Live | None]:
    if not sys.stdout.isatty():
        print(_line(_COLUMNS), flush=True)
        yield None
        return
    with Live(refresh_per_second=4) as live:
        yield live


def _table(rows: Sequence[Row]) -> Table:
    table = Table(*_COLUMNS, title="first light")
    for row in rows:
        table.add_row(*row.cells)
    return table


def _line(cells: Sequence[str]) -> str:
    widths = (9, 10, 12, 4, 7, 10, 8, 8)
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
