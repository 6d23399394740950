"""The figures that are demanded of the controller, each with its limit, and how they are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One that was measured."""

    name: str
    measured: float
    limit: float | None
    """At most; None where nothing is demanded."""
    unit: str = ""
    note: str = ""

    @property
    def broken(self) -> bool:
        """Whether it is above its limit."""
        return self.limit is not None and self.measured > self.limit

    @property
    def ratio(self) -> str:
        """To the limit; of what may not be at all, whether it was."""
        if self.limit is None:
            return "-"
        if self.limit == 0:
            return "0.00" if self.measured == 0 else "over"
        return f"{self.measured / self.limit:.2f}"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """For people: name, what was measured, the limit, the ratio."""
        unit = f" {self.unit}" if self.unit else ""
        limit = "none" if self.limit is None else f"{self.limit:,.10g}{unit}"
        note = f" ({self.note})" if self.note else ""
        return self.name, f"{_short(self.measured)}{unit}{note}", limit, self.ratio


ELSEWHERE = (
    ("live, half the canary's answers 500: bad answers and seconds of them (60, 6 s)", "needs Envoy", "make lab"),
    ("live, good release: apply to Succeeded, client errors (65 s, none)", "needs Envoy", "make lab"),
    ("weights held through a GitOps tool's syncs", "needs admission policies", "make lab-gitops"),
    ("hand-over to another replica (3 s, 20 s)", "needs the network to be cut", "make lab-handover"),
    ("what one judgement costs (100 us)", "needs no cluster", "make bench"),
    ("start of commands (0.25 s)", "needs no controller", "make bench-cli"),
)
"""Figures, why they are not here, and the command that prints them."""


def line(figure: Figure) -> str:
    """One figure, for a terminal."""
    name, measured, limit, ratio = figure.cells
    return f"  {name:52} {measured:>40}   limit {limit:>14}   {ratio:>5}{'  BROKEN' if figure.broken else ''}"


def elsewhere() -> Iterator[str]:
    """What is not measured here, for a terminal."""
    yield "not measured here:"
    yield from (f"  {name}: {why}; {command}" for name, why, command in ELSEWHERE)


def table(figures: Iterable[Figure]) -> str:
    """For a page."""
    lines = ["| figure | measured | at most | ratio |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(figure.cells)} |" for figure in figures]
    lines += ["", "Not measured here:", ""]
    lines += [f"- {name}: {why}; `{command}`" for name, why, command in ELSEWHERE]
    return "\n".join(lines)


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 or number == int(number) else f"{number:.3g}"
