"""What came of checking one value: the complaints, and how many checks were met.

The second is how the server finds out which of several schemas a value was probably meant for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollouts.admission.complaint import Complaint


@dataclass(frozen=True, slots=True)
class Verdict:
    """Complaints in the order they were found; `matches` counts checks, met or not."""

    found: list[Complaint]
    matches: int

    def __init__(self, found: Iterable[Complaint] = (), matches: int = 0) -> None:
        object.__setattr__(self, "found", list(found))
        object.__setattr__(self, "matches", matches)

    def plus(self, found: Iterable[Complaint]) -> Verdict:
        """After one more check."""
        return Verdict([*self.found, *found], self.matches + 1)

    def merged(self, inner: Verdict, *, matches: int = 0) -> Verdict:
        """With what came of checking a part of the value."""
        return Verdict([*self.found, *inner.found], self.matches + inner.matches + matches)
