"""Where judges say what must hold: the first thing that does not raises Unsafe, and is remembered by all means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


class Unsafe(AssertionError):
    """The thing that must not be."""


@dataclass(slots=True)
class Court:
    """What all judges share."""

    now_s: Callable[[], float]
    note: Callable[[str], None]
    tolerance_s: float
    """By how much clocks and contention may cut a time short."""
    answer_s: float
    """How old a thing may be that a write is made from."""
    flaws: list[str] = field(default_factory=list)

    def demand(self, holds: object, flaw: str) -> None:
        """Raise unless it holds."""
        if not holds:
            self.note(f"UNSAFE {flaw}")
            self.flaws.append(flaw)
            raise Unsafe(flaw)
