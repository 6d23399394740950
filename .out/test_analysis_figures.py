"""docs/analysis-figures.md is what the bench wrote, whole, and tells of its losses."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "analysis-figures.md"
HEADINGS = (
    "Requirements", "Exactly at the limit", "False rollbacks, % of healthy releases", "Bad releases", "The fair fight",
    "What the method was not made on", "Counting", "Where it loses",
)  # fmt: skip


def test_the_page_is_a_whole_run() -> None:
    """All its tables, of at least 2,000 rollouts a cell, with the command that writes it."""
    text = PAGE.read_text()
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == HEADINGS
    assert "make bench-analysis" in text
    runs = re.search(r"(\d+) simulated rollouts a cell", text)
    assert runs is not None
    assert int(runs[1]) >= 2000


def test_every_requirement_stands_next_to_what_was_found() -> None:
    """Rows 1 to 14, each met, missed, or shown by tests."""
    rows = re.findall(r"^\| (\d+) \| .* \| (PASS|\*\*FAIL\*\*|by tests) \|$", PAGE.read_text(), re.MULTILINE)
    assert {int(number) for number, _ in rows} == set(range(1, 15))


def test_the_losses_are_told() -> None:
    """At least those that the study had."""
    losses = PAGE.read_text().split("## Where it loses")[1]
    assert losses.count("\n- ") >= 8
