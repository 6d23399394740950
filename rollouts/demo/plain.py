"""The view without a terminal: one line for each thing that changes; and what is told beside any view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from rollouts.demo.chronicle import Line


@dataclass(frozen=True, slots=True)
class Teller:
    """Speaks to whoever reads. When nobody does any more, it says so by `on_left`, and tells nothing."""

    console: Console
    on_left: Callable[[], None]

    def tell(self, text: str, style: str = "") -> None:
        """Some lines."""
        try:
            self.console.print(text, style=style)
        except SystemExit:  # how rich says that the pipe is closed; from then on it is quiet
            self.on_left()

    def show(self, line: Line) -> None:
        """One thing that changed. Add it to a chronicle's listeners."""
        self.tell(f"{line.at_s:6.1f} s  {line.about:<8} {line.text}")
