"""The view without a terminal: one line for each thing that changes."""

from __future__ import annotations

from rich.console import Console

from rollouts.demo.chronicle import Line


class PlainView:
    """Prints each line as it comes. Add `show` to a chronicle's listeners."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, line: Line) -> None:
        """One line."""
        self._console.out(f"{line.at_s:6.1f} s  {line.about:<8} {line.text}", highlight=False)
