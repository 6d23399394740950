"""How many bad requests never reach a judge: Prometheus' `increase()` beside the shipped counting. Row 11.

A new canary, two percent of its requests bad, five minutes of scrapes every 15 s. The series of bad requests (pods
times codes) are born with their first one, as clients' libraries do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rollouts.core.counting import Ledger, Scraped, Series, absorb
from tests.bench.analysis.rows import Row
from tests.bench.analysis.tables import percent, table
from tests.bench.analysis.worlds import Floats

WINDOW_S, SCRAPE_S, BAD = 300.0, 15.0, 0.02
CASES = tuple((rps, series) for rps in (0.1, 1.0, 10.0) for series in (1, 3))
_BEHIND = 2
"""So many scrapes each poll looks back."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Of many five minutes with bad requests in them."""

    rps: float
    series: int
    by_increase: float
    """Which share of all bad requests `increase()` does not tell of."""
    none_seen: float
    """In which share of the runs it tells of none at all."""
    by_us: float
    inexact: int
    """In how many runs our count is not the truth at the last scrape."""


def lost(rps: float, series: int, rng: np.random.Generator, runs: int) -> Lost:
    """Both ways of counting the same requests."""
    truth = told = ours = 0.0
    unseen = inexact = with_bad = 0
    for _ in range(runs):
        scrapes = np.arange(rng.uniform(0.0, SCRAPE_S), WINDOW_S, SCRAPE_S)
        counters = [_counter(rng, rps * BAD / series, scrapes) for _ in range(series)]
        real = float(sum(values[-1] for values in counters))
        if not real:
            continue
        found, counted = sum(_increase(scrapes, values) for values in counters), _counted(scrapes, counters)
        truth, told, ours = truth + real, told + found, ours + counted
        with_bad += 1
        unseen += not found
        inexact += counted != real
    return Lost(rps, series, 1.0 - told / truth, unseen / with_bad, 1.0 - ours / truth, inexact)


def all_cases(runs: int, seed: int) -> list[Lost]:
    """Each with its own chance."""
    return [lost(rps, series, np.random.default_rng([seed, at]), runs) for at, (rps, series) in enumerate(CASES)]


def row(found: Sequence[Lost]) -> Row:
    """The requirement: exact, whatever `increase()` does."""
    most = percent(max(of.by_increase for of in found))
    return Row(
        "11",
        "every bad request of a new canary is counted, exactly, at the last scrape",
        f"{sum(of.inexact for of in found)} runs inexact; increase() loses up to {most} %",
        not any(of.inexact for of in found),
    )  # fmt: skip


def lines(found: Sequence[Lost]) -> list[str]:
    """As a table."""
    head = ("2 % bad, 5 min", "lost by increase(), %", "runs in which it sees none, %", "lost by our counting, %")
    return table(
        head,
        [
            (
                f"{of.rps:g} rps of the canary, {of.series} series",
                percent(of.by_increase), percent(of.none_seen), percent(of.by_us),
            )
            for of in found
        ],
    )  # fmt: skip


def _counter(rng: np.random.Generator, rate: float, scrapes: Floats) -> Floats:
    """A counter at each scrape; 0 is not there yet."""
    happened = rng.uniform(0.0, WINDOW_S, rng.poisson(rate * WINDOW_S))
    return np.asarray((happened[None, :] <= scrapes[:, None]).sum(axis=1), dtype=np.float64)


def _increase(scrapes: Floats, values: Floats) -> float:
    """As promql/functions.go has it, extrapolatedRate, over all of the window."""
    times, seen = scrapes[values > 0], values[values > 0]
    if len(seen) < 2:
        return 0.0
    grown, sampled = float(seen[-1] - seen[0]), float(times[-1] - times[0])
    between = sampled / (len(seen) - 1)
    before, after = float(times[0]), float(WINDOW_S - times[-1])
    if before >= 1.1 * between:
        before = between / 2.0
    if grown > 0.0:
        before = min(before, sampled * float(seen[0]) / grown)
    if after >= 1.1 * between:
        after = between / 2.0
    return grown * (sampled + before + after) / sampled


def _counted(scrapes: Floats, counters: Sequence[Floats]) -> float:
    """By the shipped ledger, polled at each scrape."""
    ledger, count = Ledger(), 0.0
    for at in range(len(scrapes)):
        behind = range(max(0, at - _BEHIND), at + 1)
        told = [
            Series(
                frozenset({("pod", "canary"), ("response_code", str(500 + code))}),
                tuple(Scraped(float(scrapes[of]), float(values[of])) for of in behind if values[of]),
            )
            for code, values in enumerate(counters)
        ]
        ledger, grown = absorb(ledger, [series for series in told if series.samples])
        count += sum(of.count for of in grown)
    return count
