"""How many queries a herd of Canaries costs: the real engine in virtual time, due times spread over 10 s, two metrics.

Each answer is held against that of its own query alone, evaluated at the same instant: all must be equal. Prints the
queries for each instant of the grid beside the limit; exit status 1 if one is above it, or an answer differs. Run with
`make bench-queries`, or with other numbers of Canaries as arguments.
"""

from __future__ import annotations

import asyncio
import sys

from tests.engine.herd import GRID_S, INTERVAL_S, SPREAD_S, Herd

LIMITS = {100: 4, 1000: 20}
WHOLE_S, TWO_JUDGEMENTS_S = 200.0, 60.0
"""A whole release; of a thousand Canaries the first judgements do."""


def main(sizes: list[int]) -> int:
    """Measure all of them."""
    print(f"grid {GRID_S:g} s, interval {INTERVAL_S:g} s, releases begun within {SPREAD_S:g} s; asked: both built-in")
    print("metrics, what reached no pod, and the share of both sides")
    return max([_measure(size) for size in sizes])


def _measure(size: int) -> int:
    herd, limit = Herd(size), next((most for known, most in LIMITS.items() if size <= known), LIMITS[1000])
    herd.run(WHOLE_S if size <= 100 else TWO_JUDGEMENTS_S)
    queries, questions = herd.queries(), herd.questions()
    print(f"{size} Canaries: {dict(herd.phases())}")
    for at, count in queries.items():
        print(f"  {at:%H:%M:%S}  {questions[at]:5} questions  {count:3} queries  (limit {limit})")
    unequal = asyncio.run(herd.unequal())
    print(f"  {len(herd.answered)} answers, of which {len(unequal)} differ from those of one query each; "
          f"{herd.others()} queries beside judgements")  # fmt: skip
    for one in unequal[:5]:
        print(f"    {one.question.query} at {one.at}: {one.outcome}")
    most = max(queries.values())
    above = most > limit
    print(f"  at most {most} queries for one instant: {'above' if above else 'within'} the limit of {limit}")
    return 1 if above or unequal else 0


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or [*LIMITS]))
