"""Looks at the whole dashboard and at all alerts again and again, and keeps what each query showed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from e2e.dashboard.prometheus import Prometheus
from e2e.dashboard.queries import Query, Variable, filled

LOOK_EVERY_S = 3.0


@dataclass(slots=True)
class Shown:
    """What one query showed in the whole run."""

    query: Query
    evaluated: int = 0
    with_series: int = 0
    """How often there was anything."""
    most_series: int = 0
    first_s: float | None = None
    """Seconds after the first look."""
    last: tuple[str, ...] = ()
    """The labels of the series at the last look."""
    troubles: set[str] = field(default_factory=set)


class Looker:
    """All queries of one dashboard, and all alerts."""

    def __init__(self, prometheus: Prometheus, variables: Sequence[Variable], queries: Iterable[Query]) -> None:
        self.shown = tuple(Shown(query) for query in queries)
        self.values: dict[str, list[str]] = {}
        """What could be chosen for each variable at the last look."""
        self._prometheus = prometheus
        self._variables = variables
        self._began_s = time.time()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Once: the variables one after the other, as they build on each other, then every query."""
        chosen: dict[str, list[str]] = {}
        for one in self._variables:
            chosen[one.name] = await self._prometheus.values(one.label, filled(one.series, chosen))
        self.values = chosen
        for shown in self.shown:
            answered = await self._prometheus.query(filled(shown.query.text, chosen))
            shown.evaluated += 1
            shown.last = answered.labels
            shown.most_series = max(shown.most_series, answered.series)
            shown.with_series += answered.series > 0
            if answered.series and shown.first_s is None:
                shown.first_s = time.time() - self._began_s
            if answered.trouble:
                shown.troubles.add(answered.trouble)
