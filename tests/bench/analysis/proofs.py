"""Rows that the test suite shows, not a simulation: their tests are run, and how many passed stands in the table."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.analysis.rows import Row

ROOT = Path(__file__).parents[3]
LOSSES_MIN = 8
"""So many kinds of losses had the study."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A requirement, and the tests that show it."""

    number: str
    required: str
    tests: tuple[str, ...]


_EVIDENCE = "tests/core/evidence"
PROOFS = (
    Proof("11", "counts equal the truth: births, resets, restarts, gaps, duplicates, jitter",
          ("tests/core/test_counting.py",)),
    Proof("12", "a restart at any tick: the same verdict, e-values to 1e-9", (
        f"{_EVIDENCE}/test_wire.py::test_a_restart_at_any_tick_gives_the_same_verdict_and_e_value",
        "tests/core/test_sequential.py::test_a_restart_at_any_second_leaves_the_same_e_values")),
    Proof("13", "properties: monotone in the bad requests, a tick may be cut in two, the closed form",
          (f"{_EVIDENCE}/test_properties.py",)),
)  # fmt: skip


def rows() -> list[Row]:
    """All of them."""
    return [shown(proof) for proof in PROOFS]


def shown(proof: Proof) -> Row:
    """Run its tests. Met if at least one ran and all passed: a test that is skipped or not found shows nothing."""
    command = [sys.executable, "-m", "pytest", "-q", "-rN", "-p", "no:cacheprovider", *proof.tests]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    counted = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?|skipped)", told.stdout)}
    passed = counted.pop("passed", 0)
    places = ", ".join(dict.fromkeys(test.split("::")[0] for test in proof.tests))
    others = [f"{number} {word}" for word, number in sorted(counted.items())] + ["none passed"] * (not passed)
    met = told.returncode == 0 and passed > 0 and not counted
    # How many there are grows with the suite, so that it is told and not published.
    return Row(proof.number, proof.required, f"{', '.join(others) or 'all passed'}: {places}", met, f"{passed} tests")


def published(losses: Sequence[str]) -> Row:
    """Row 14: the page has a list of losses, and a table of each kind always."""
    return Row(
        "14", "the docs publish the tables, and the losses from the same run", f"{len(losses)} kinds of losses, below",
        len(losses) >= LOSSES_MIN,
    )  # fmt: skip
