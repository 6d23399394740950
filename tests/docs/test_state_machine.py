"""The page about the state machine is what the table says."""

from __future__ import annotations

from pathlib import Path

from rollouts.core.diagram import page
from rollouts.core.phases import TRANSITIONS

PAGE = Path(__file__).parents[2] / "docs" / "state-machine.md"


def test_page_is_the_table() -> None:
    """docs/state-machine.md is what `make docs` writes now."""
    assert PAGE.read_text() == page(), "run `make docs`"


def test_page_has_every_transition() -> None:
    """Each row of the table has its line, and no other has."""
    lines = [line for line in page().splitlines() if line.startswith("| ") and "in phase" not in line]
    assert len(lines) == len(TRANSITIONS)
    for phase, event in TRANSITIONS:
        assert sum(line.startswith(f"| {phase} | {event} |") for line in lines) == 1
