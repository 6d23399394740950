"""What a run's errors come to: exact counts by the shipped ledger, `increase()` over the same scrapes, and the truth.

Run with `python -m tests.bench.counting`; exit status 1 if a count differs from the truth at the last scrape.
"""

from __future__ import annotations

import sys
from random import Random

from tests.promql.counted import count_all, lost_percent
from tests.promql.pods import Fleet

RATES = (0.1, 1.0, 10.0)
RUNS = 100


def main() -> int:
    """Print all of it."""
    wrong = 0
    print(f"15 min of 15 s scrapes, 3 pods, 2 % errors of two codes, {RUNS} runs each; seeds fixed")
    for rps in RATES:
        evaluations = differ = 0
        for seed in range(RUNS):
            fleet = Fleet(Random(seed), rps).play()
            for at_s, counts in count_all(fleet):
                evaluations += 1
                differ += counts != fleet.known(at_s)
        wrong += differ
        lost = lost_percent(rps, runs=RUNS)
        print(f"  {rps:5g} requests/s: {differ} of {evaluations} evaluations differ from the truth; "
              f"increase() loses {lost:.1f} % of the errors")  # fmt: skip
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
