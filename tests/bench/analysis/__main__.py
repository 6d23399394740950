"""Run all simulations and hold them against the requirements: `python -m tests.bench.analysis`, `make bench-analysis`.

Exit status 1 if a requirement is missed. `--write` writes docs/analysis-figures.md too.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

from tests.bench.analysis import births, cost, proofs, silence
from tests.bench.analysis.cells import SEED, simulated
from tests.bench.analysis.losses import losses
from tests.bench.analysis.page import page
from tests.bench.analysis.rows import Row, rows

PAGE = Path(__file__).parents[3] / "docs" / "analysis-figures.md"
RUNS, QUICK_RUNS = 2000, 40


def main() -> int:
    """All of it."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.analysis")
    options.add_argument("--runs", type=int, default=RUNS, help=f"rollouts a cell; {RUNS} if not said")
    options.add_argument("--quick", action="store_true", help=f"{QUICK_RUNS} rollouts a cell: does it run at all")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options.add_argument("--write", type=Path, nargs="?", const=PAGE, help=f"write the page, to {PAGE} if not said")
    chosen = options.parse_args()
    began = time.monotonic()
    results = simulated(QUICK_RUNS if chosen.quick else chosen.runs, chosen.processes, _told)
    counted = births.all_cases(results.runs, SEED)
    proven = [silence.row(), births.row(counted), cost.row(), *proofs.rows(), proofs.published(losses(results))]
    found = _in_order([*rows(results), *proven])
    text = page(results, found, counted)
    print(text)
    missed = [row for row in found if not row.met]
    for row in found:
        word, took = "PASS" if row.met else "FAIL", f" ({row.took})" if row.took else ""
        print(f"{word} {row.number:>2}  {row.required}: {row.found}{took}")
    print(f"{len(missed)} missed; {results.runs} rollouts a cell; {_spent(began)}")
    if chosen.write:
        chosen.write.write_text(text)
    return 1 if missed else 0


def _in_order(found: list[Row]) -> list[Row]:
    return sorted(found, key=lambda row: int(row.number))


def _spent(began: float) -> str:
    minutes, spent = (time.monotonic() - began) / 60, 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        spent += (used.ru_utime + used.ru_stime) / 60
    return f"{minutes:.1f} minutes, {spent:.1f} of one processor"


def _told(done: int, of: int) -> None:
    if done == of or done % 25 == 0:
        print(f"{done} of {of} parts", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
