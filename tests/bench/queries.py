"""How many queries a herd of Canaries costs: the real engine in virtual time, due times spread over 10 s, two metrics.

Each answer is held against that of its own query alone, evaluated at the same instant: all must be equal, and every
Canary must have been judged by both metrics. Prints the queries for each instant of the grid beside the limit; exit
status 1 if a limit is broken. Run with `make bench-queries`, or with other numbers of Canaries as arguments. Each herd
has a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from rollouts.api.resources import ObjectKey
from tests.engine.herd import GRID_S, INTERVAL_S, METRICS, SPREAD_S, Answered, Herd

LIMITS = {100: 4, 1000: 20}
WHOLE_S, TWO_JUDGEMENTS_S = 200.0, 52.0
"""A whole release; of a thousand Canaries the first two judgements of each do."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a herd cost."""

    size: int
    phases: Mapping[str, int]
    queries: Mapping[datetime, int]
    """For each instant of the grid at which judgements were due."""
    questions: Mapping[datetime, int]
    others: int
    answers: int
    judged: int
    """Canaries of which each metric was answered at least once."""
    unequal: tuple[Answered, ...]
    """Answers that differ from those of one query each."""
    took_s: float
    """Of processor time."""

    @property
    def limit(self) -> int:
        """How many queries an instant may cost."""
        return next((most for known, most in LIMITS.items() if self.size <= known), LIMITS[1000])

    @property
    def most(self) -> int:
        """What the dearest instant cost."""
        return max(self.queries.values(), default=0)

    @property
    def broken(self) -> list[str]:
        """The limits that it breaks."""
        found = [
            (self.most > self.limit, f"{self.most} queries for one instant, the limit is {self.limit}"),
            (bool(self.unequal), f"{len(self.unequal)} answers differ from those of one query each"),
            (self.judged < self.size, f"{self.size - self.judged} Canaries were not judged by each metric"),
        ]
        return [words for breaks, words in found if breaks]


def main(sizes: list[int]) -> int:
    """Measure all of them."""
    print(f"grid {GRID_S:g} s, interval {INTERVAL_S:g} s, releases begun within {SPREAD_S:g} s; asked: both built-in")
    print("metrics, what reached no pod, and the share of both sides", flush=True)
    broken = False
    with multiprocessing.get_context("spawn").Pool(min(len(sizes), multiprocessing.cpu_count())) as pool:
        for found in pool.imap(measured, sizes, chunksize=1):
            print("\n".join(told(found)), flush=True)
            broken = broken or bool(found.broken)
    return 1 if broken else 0


def measured(size: int) -> Measured:
    """So many Canaries, in a process that ends with it."""
    gc.disable()
    herd = Herd(size)
    herd.run(WHOLE_S if size <= min(LIMITS) else TWO_JUDGEMENTS_S)
    return measures_of(herd)


def measures_of(herd: Herd) -> Measured:
    """What a herd that has run cost."""
    return Measured(
        size=len(herd.keys),
        phases=herd.phases(),
        queries=herd.queries(),
        questions=herd.questions(),
        others=herd.others(),
        answers=len(herd.answered),
        judged=_judged(herd),
        unequal=tuple(asyncio.run(herd.unequal())),
        took_s=time.process_time(),
    )


def told(found: Measured) -> Iterator[str]:
    """For people."""
    yield f"{found.size} Canaries: {', '.join(f'{count} {phase}' for phase, count in sorted(found.phases.items()))}"
    for at, count in found.queries.items():
        yield f"  {at:%H:%M:%S}  {found.questions[at]:5} questions  {count:3} queries  (limit {found.limit})"
    yield (
        f"  {found.answers} answers, {len(found.unequal)} differ from those of one query each (limit 0); "
        f"{found.judged} of {found.size} Canaries judged by each metric; {found.others} queries beside judgements"
    )
    for one in found.unequal[:5]:
        yield f"    {one.question.query} at {one.at}: {one.outcome}"
    yield f"  at most {found.most} queries for one instant (limit {found.limit}); {found.took_s:.0f} s of a processor"
    yield from (f"  BROKEN: {words}" for words in found.broken)


def _judged(herd: Herd) -> int:
    told: dict[ObjectKey, set[str]] = {key: set() for key in herd.keys}
    for one in herd.answered:
        if herd.is_due(one.at):
            query = one.question.query
            told[one.question.canary] |= {metric for metric, words in METRICS.items() if query.startswith(words)}
    return sum(metrics == METRICS.keys() for metrics in told.values())


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]] or sorted(LIMITS, reverse=True)))
