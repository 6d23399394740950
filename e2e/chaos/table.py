"""The table of what was measured, and where it stands in docs/reliability.md. Pure but for that file's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from e2e.chaos.fault import FAULTS
from e2e.lab.layout import CHECKOUT
from e2e.play.result import Json

PAGE = CHECKOUT / "docs" / "reliability.md"
BEGIN = "<!-- what `make chaos CHAOS_ARGS=--write` measured: don't edit -->"
END = "<!-- end of what was measured -->"
_COLUMNS = {
    "fault": "---",
    "lasted, s": "---:",
    "client errors: at rest": "---:",
    "good release": "---:",
    "bad release, but its own": "---:",
    "its own": "---:",
    "good one promoted": "---",
    "bad one promoted": "---",
    "its rollback decided, s after": "---:",
    "gone, s after": "---:",
    "at most, s": "---:",
    "news sent": "---:",
    "delivered": "---:",
}
"""With how each is aligned."""


def table(figures: Mapping[str, Json]) -> list[str]:
    """A row for each fault, in their order; those that were not measured are left out."""
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{'|'.join(_COLUMNS.values())}|"]
    return [*head, *(_row(fault.title, figures[fault.name]) for fault in FAULTS if fault.name in figures)]


def _row(title: str, figure: Json) -> str:
    counts = [f"{bad} of {of}" for bad, of in zip(figure["errors"], figure["requests"], strict=True)]
    promoted = ["yes" if one else "no" for one in figure["promoted"]]
    decided, left = (
        "never" if after_s is None else f"{after_s:+.1f}"
        for after_s in (figure["decided_after_s"], figure["rolled_back_after_s"])
    )
    again = f" ({figure['again']} again)" if figure["again"] else ""
    cells = [
        title, f"{figure['lasted_s']:.1f}", *counts, str(figure["spoiled"]), *promoted, decided, left,
        f"{figure['bound_s']:g}", str(figure["sent"]), f"{figure['delivered']}{again}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def with_table(page: str, lines: Sequence[str]) -> str:
    """The page with this table in its place. Raises ValueError where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no place for the table")
    return "\n".join([before + BEGIN, "", *lines, "", END + after])


def figure_lines(figures: Sequence[Json]) -> list[str]:
    """The table of these."""
    return table({figure["fault"]: figure for figure in figures})
