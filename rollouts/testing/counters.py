"""Raw counters of Istio's metrics as a script's traffic would make them, scraped every few seconds of virtual time.

Rates are constant between two moments that somebody names by `accrue`; counts are exact, and fractions stay fractions.
Each version of a workload is a pod of its own, which counts from 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from rollouts.core.counting import Labels, Scraped, Series
from rollouts.core.measurement import NoData, Outcome, Unreachable
from rollouts.metrics.istio_counters import BUCKETS, REQUESTS
from rollouts.ports import MetricSource, SeriesOutcome, WorkloadQuery

SCRAPE_S = 5
KEPT = 1000
"""Scrapes of each series that are stored."""
EDGES_MS = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, math.inf)
"""Istio's own."""
_SLOW, _SLOWER = 0.1, 0.005
"""Of all requests these take as long as the quantile says, and those twice as long; the rest a tenth of it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What one version is sent, and what becomes of it."""

    pod: str
    rps: float = 0.0
    success_rate: float = 100.0
    """Percent."""
    duration_ms: float = 20.0
    """What 99 % take at most."""


class Now(Protocol):
    """Whoever knows what time it is."""

    def now(self) -> datetime:
        """The present."""
        ...


class ScriptedCounters:
    """Implements `ports.GroupedSource`: single values come from a script, counters from the flows."""

    def __init__(self, metrics: MetricSource | None, clock: Now, flows: Callable[[], Mapping[str, Flow]]) -> None:
        """`flows` tells what each workload gets now; `down` says why nothing is answered."""
        self._metrics, self._clock, self._flows = metrics, clock, flows
        self._totals: dict[Labels, float] = {}
        self._scraped: dict[Labels, list[Scraped]] = {}
        self._rates: dict[Labels, float] = {}
        self._until_s = clock.now().timestamp()
        self.down = ""

    def accrue(self) -> None:
        """Count on to the present, at the rates until now; from now on at the present ones."""
        now_s = self._clock.now().timestamp()
        scrape_s = (math.floor(self._until_s / SCRAPE_S) + 1) * SCRAPE_S
        while scrape_s <= now_s:
            self._count_to(scrape_s)
            for labels, total in self._totals.items():
                self._scraped.setdefault(labels, []).append(Scraped(scrape_s, total))
                del self._scraped[labels][:-KEPT]
            scrape_s += SCRAPE_S
        self._count_to(now_s)
        self._rates = {}
        for workload, flow in self._flows().items():
            self._rates |= _rates(workload, flow)
            # Who is gone is scraped no more.
        gone = [labels for labels in self._totals if labels not in self._rates]
        for labels in gone:
            del self._totals[labels]

    async def measure_of(self, question: WorkloadQuery, at: datetime) -> Outcome:
        """As the port says."""
        if self._metrics is None:
            return NoData()
        return await self._metrics.measure(question.query, at)

    async def series_of(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """As the port says."""
        return self.scraped(question, at)

    def scraped(self, question: WorkloadQuery, at: datetime) -> SeriesOutcome:
        """The same, at once."""
        self.accrue()
        if self.down:
            return Unreachable(self.down)
        name, end_s = question.query.partition("{")[0], at.timestamp()
        window = re.search(r"\[(\d+)s(?::(\d+)s)?\]$", question.query)
        begin_s = end_s - int(window[1]) if window is not None else end_s
        step_s = int(window[2]) if window is not None and window[2] else SCRAPE_S
        edges = re.search(r'le=~"([^"]*)"', question.query)
        wanted = {("destination_workload", question.workload.name), ("__name__", name)}
        found = []
        for labels, samples in self._scraped.items():
            seen = tuple(one for one in samples if begin_s < one.at <= end_s and one.at % step_s == 0)
            le = dict(labels).get("le", "")
            if wanted <= labels and seen and (edges is None or re.fullmatch(edges[1], le)):
                found.append(Series(labels - {("__name__", name)}, seen))
        return tuple(found)

    def _count_to(self, second: float) -> None:
        for labels, rate in self._rates.items():
            if rate > 0:
                self._totals[labels] = self._totals.get(labels, 0.0) + rate * (second - self._until_s)
        self._until_s = second


@lru_cache(maxsize=256)  # the same few, at every look
def _rates(workload: str, flow: Flow) -> Mapping[Labels, float]:
    """How fast each series grows. One that has never grown is not there."""
    who = {"destination_workload": workload, "pod": flow.pod, "instance": flow.pod, "reporter": "destination"}
    failed = flow.rps * (1 - flow.success_rate / 100)
    rates = {
        frozenset({**who, "__name__": REQUESTS, "response_code": code}.items()): rate
        for code, rate in (("200", flow.rps - failed), ("500", failed))
    }
    for edge in EDGES_MS:
        le = "+Inf" if edge == math.inf else f"{edge:g}"
        quick = _quicker(flow, edge)
        rates[frozenset({**who, "__name__": BUCKETS, "le": le}.items())] = flow.rps * quick
    return rates


def _quicker(flow: Flow, edge: float) -> float:
    """The share of the requests that take no longer."""
    times = ((flow.duration_ms / 10, 1 - _SLOW), (flow.duration_ms, _SLOW - _SLOWER), (2 * flow.duration_ms, _SLOWER))
    return sum(share for time_ms, share in times if time_ms <= edge)
