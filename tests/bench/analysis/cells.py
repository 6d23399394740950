"""All that is simulated, cut into jobs for every processor. The same numbers come out however many there are."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from zlib import crc32

import numpy as np

from tests.bench.analysis import boundary, catalog, kayenta, rules, sequential
from tests.bench.analysis.catalog import WORLDS
from tests.bench.analysis.outcomes import Outcomes, joined
from tests.bench.analysis.sequential import SEQ, SEQ_SLO, WARM, WATCH, Plan

SEED = 20260601
CHUNK = 500
PLANS: Mapping[str, Plan] = MappingProxyType({"SEQ": SEQ, "SEQ-slo": SEQ_SLO, "SEQ-warm": WARM, "SEQ-watch": WATCH})
SEQUENTIAL, NAMED, GRID, KAYENTA, BOUNDARY = "sequential", "named", "grid", "kayenta", "boundary"
K60 = "K60"


@dataclass(frozen=True, slots=True)
class Job:
    """A part of the rollouts of one cell."""

    kind: str
    name: str
    """Of the world, or of the edge."""
    variant: str
    part: int
    runs: int

    @property
    def rng(self) -> np.random.Generator:
        """Chance, fixed by what the job is."""
        return np.random.default_rng([SEED, crc32(f"{self.kind}/{self.name}/{self.variant}".encode()), self.part])


@dataclass(frozen=True, slots=True)
class Results:
    """All of it: outcomes by (world, rule), and how many runs of each edge ever failed and ever passed."""

    outcomes: Mapping[tuple[str, str], Outcomes]
    grid: Mapping[tuple[str, str], Outcomes]
    edges: Mapping[str, tuple[int, int]]
    runs: int

    def of(self, world: str, rule: str) -> Outcomes:
        """One cell."""
        return self.outcomes[world, rule]


def jobs(runs: int) -> list[Job]:
    """All jobs, the long ones first."""
    cells = [(BOUNDARY, edge.name, "") for edge in boundary.EDGES]
    plain = [world.name for world in (*catalog.FALSE_ALARMS, *catalog.BAD, *catalog.UNSEEN)]
    cells += [(GRID, name, "") for name in (*catalog.FAIR_HEALTHY, *catalog.FAIR_CELLS)]
    cells += [(SEQUENTIAL, *cell) for cell in product(plain, ("SEQ", "SEQ-slo"))]
    cells += [(SEQUENTIAL, world.name, "SEQ-warm") for world in catalog.COLD]
    cells += [(SEQUENTIAL, catalog.LATE_ONSET.name, "SEQ-watch")]
    cells += [(kind, name, "") for kind, name in product((NAMED, KAYENTA), plain)]
    sizes = [min(CHUNK, runs - begin) for begin in range(0, runs, CHUNK)]
    return [Job(*cell, part, size) for cell in cells for part, size in enumerate(sizes)]


def done(job: Job) -> dict[str, Outcomes] | tuple[int, int]:
    """One job's outcomes by rule; of an edge the counts."""
    if job.kind == BOUNDARY:
        edge = next(edge for edge in boundary.EDGES if edge.name == job.name)
        return boundary.ever(edge, job.rng, job.runs)
    world = WORLDS[job.name]
    if job.kind == SEQUENTIAL:
        return {job.variant: sequential.rollouts(world, PLANS[job.variant], job.rng, job.runs)}
    if job.kind == KAYENTA:
        return {K60: kayenta.rollouts(world, job.rng, job.runs)}
    return rules.rollouts(world, rules.NAMED if job.kind == NAMED else rules.GRID, job.rng, job.runs)


def simulated(runs: int, processes: int, told: Callable[[int, int], None]) -> Results:
    """Everything. `told` hears how many jobs of how many are done."""
    outcomes: dict[tuple[str, str, str], dict[int, Outcomes]] = defaultdict(dict)
    edges: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    todo = jobs(runs)
    for at, (job, found) in enumerate(_spread(todo, processes), 1):
        if isinstance(found, tuple):
            edges[job.name] = (edges[job.name][0] + found[0], edges[job.name][1] + found[1])
        else:
            for rule, part in found.items():
                outcomes[GRID if job.kind == GRID else "", job.name, rule][job.part] = part
        told(at, len(todo))
    whole = {key: joined([parts[part] for part in sorted(parts)]) for key, parts in outcomes.items()}
    return Results(
        {key[1:]: of for key, of in whole.items() if key[0] != GRID},
        {key[1:]: of for key, of in whole.items() if key[0] == GRID},
        dict(edges),
        runs,
    )


def _spread(todo: list[Job], processes: int) -> Iterator[tuple[Job, dict[str, Outcomes] | tuple[int, int]]]:
    if processes == 1:
        yield from map(_with_job, todo)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(_with_job, todo)


def _with_job(job: Job) -> tuple[Job, dict[str, Outcomes] | tuple[int, int]]:
    return job, done(job)
