"""docs/analysis-figures.md is what the bench of today writes: its rows, cases, rules. None is run here."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.bench.analysis import births, boundary, catalog, page, proofs, rows
from tests.bench.analysis.cells import SEED, Results
from tests.bench.analysis.outcomes import PROMOTED, ROLLED_BACK, Outcomes
from tests.bench.analysis.proofs import LOSSES_MIN
from tests.bench.analysis.rules import GRID

PAGE = Path(__file__).parents[2] / "docs" / "analysis-figures.md"
FULL_RUNS = 2000


def _any_results() -> Results:
    """Figures of nothing: two rollouts in each cell, one promoted and one rolled back."""
    same = Outcomes(np.array([PROMOTED, ROLLED_BACK]), np.ones(2), np.ones(2), np.zeros(2, dtype=bool))
    calm = replace(same, ends=np.array([PROMOTED, PROMOTED]))
    return Results(defaultdict(lambda: same), defaultdict(lambda: calm), defaultdict(lambda: (0, 0)), FULL_RUNS)


@pytest.fixture(scope="module")
def text() -> str:
    """The page."""
    return PAGE.read_text()


@pytest.fixture(scope="module")
def template() -> str:
    """The page as the program would write it, with figures of nothing."""
    counted = [births.Lost(rps, series, 0.0, 0.0, 0.0, 0) for rps, series in births.CASES]
    return page.page(_any_results(), rows.rows(_any_results()), counted)


def _headings(text: str) -> list[str]:
    return re.findall(r"^## .*$", text, re.MULTILINE)


def _first_columns(text: str) -> list[str]:
    """Of all tables but that of the requirements: what each line is about."""
    after = text.split("## Exactly at the limit")[1].split("One rule for all")
    rest = after[0] + after[1].split("## What the method was not made on")[1]
    return [line.split(" | ")[0] for line in rest.splitlines() if line.startswith("|")]


def test_the_page_is_of_a_whole_run(text: str) -> None:
    """At least 2,000 rollouts a cell, of the seed of today, with the command that writes it."""
    assert page.COMMAND in text
    told = re.search(r"seed (\d+), (\d+) simulated rollouts a cell", text)
    assert told is not None
    assert (int(told[1]), int(told[2]) >= FULL_RUNS) == (SEED, True)


def test_it_has_all_that_the_program_simulates(text: str, template: str) -> None:
    """The same words around the figures, the same tables, the same cases in them: else it is older than the program."""
    assert text.split("## Requirements", maxsplit=1)[0] == template.split("## Requirements", maxsplit=1)[0]
    assert _headings(text) == _headings(template)
    assert _first_columns(text) == _first_columns(template)
    assert {edge.name for edge in boundary.EDGES} | set(catalog.WORLDS) - {catalog.LATE_ONSET.name} <= {
        column.removeprefix("| ").removesuffix(": rolled back, %").removesuffix(" (row 7)")
        for column in _first_columns(text)
    }
    assert f"the whole grid of {len(GRID)} threshold rules" in text


def test_each_requirement_stands_next_to_what_was_found(text: str) -> None:
    """All 14 rows in the program's words; none is missing, and none is missed without being told so."""
    told = re.findall(r"^\| (\d+) \| (.*) \| (.*) \| (PASS|\*\*FAIL\*\*) \|$", text, re.MULTILINE)
    required = [(row.number, row.required) for row in rows.rows(_any_results())]
    required += [(proof.number, proof.required) for proof in proofs.PROOFS]
    stands = [(number, words) for number, words, _, _ in told]
    assert [row for row in required if row not in stands] == []
    assert {int(number) for number, _ in stands} == set(range(1, 15))
    assert all(found for _, _, found, _ in told)


def test_the_losses_are_told(text: str) -> None:
    """At least as many kinds as the study had, with figures of this run: the cells that a threshold rule wins."""
    losses = text.split("## Where it loses")[1]
    assert losses.count("\n- ") >= LOSSES_MIN
    fought = text.split("## The fair fight")[1].split("One rule for all", maxsplit=1)[0]
    lost = re.findall(r"^\| ([^|]*?)(?: \(row 7\))? \| [^|]+ \| [^|]+ \| 0\.\d \|", fought, re.MULTILINE)
    assert lost
    assert all(f"{cell} (" in losses for cell in lost)
