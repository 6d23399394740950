"""The small Prometheus as the place behind our source: it answers in Prometheus's own JSON, and counts the queries."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rollouts.core.measurement import Outcome
from rollouts.metrics.prometheus_answer import Rows, read_answer, read_rows
from tests.promql.evaluate import Labels, Past, Ranges
from tests.promql.parse import ParseError, parse


@dataclass(slots=True)
class PlayedPrometheus:
    """Implements `grouping.RowSource` over a past that the test writes."""

    past: Past = field(default_factory=Past)
    asked: list[tuple[str, datetime]] = field(default_factory=list)
    refuse: Callable[[str], str] = lambda _query: ""
    """Why a query is refused; empty if it is not."""
    answer: tuple[int, bytes] | None = None
    """What is answered to everything, while it is set."""
    warning: str = ""
    """What is warned of beside each answer that rests on series; empty if nothing is."""

    on_query: Callable[[], None] = lambda: None
    """Told of each query."""
    hold: asyncio.Event | None = None
    """While there is one, whatever rests on series is answered only when it is set."""

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        await self._held(query)
        return read_answer(*self.answered(query, at)).outcome

    async def rows(self, query: str, at: datetime) -> Rows:
        """As the Protocol says."""
        await self._held(query)
        return read_rows(*self.answered(query, at))

    def by_instant(self) -> Counter[datetime]:
        """How many queries there were for each evaluation time."""
        return Counter(at for _, at in self.asked)

    async def _held(self, query: str) -> None:
        if self.hold is not None and "{" in query:
            await self.hold.wait()

    def answered(self, query: str, at: datetime) -> tuple[int, bytes]:
        """The HTTP status and the body."""
        self.asked.append((query, at))
        self.on_query()
        if self.answer is not None:
            return self.answer
        reason = self.refuse(query)
        if reason:
            return 422, json.dumps({"status": "error", "errorType": "execution", "error": reason}).encode()
        at_ms = round(at.timestamp() * 1000)
        try:
            result = parse(query)(self.past, at_ms)
        except ParseError as error:
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": str(error)}).encode()
        if isinstance(result, float):
            data: dict[str, Any] = {"resultType": "scalar", "result": [at_ms / 1000, _text(result)]}
        elif isinstance(result, Ranges):
            rows = [
                {"metric": dict(labels), "values": [[ms / 1000, _text(value)] for ms, value in points]}
                for labels, points in _ordered(result.series)
            ]
            data = {"resultType": "matrix", "result": rows}
        else:
            found = [
                {"metric": dict(labels), "value": [at_ms / 1000, _text(value)]} for labels, value in _ordered(result)
            ]
            data = {"resultType": "vector", "result": found}
        warned = {"warnings": [self.warning]} if self.warning and "{" in query else {}
        return 200, json.dumps({"status": "success", "data": data} | warned).encode()


def _ordered(series: Any) -> list[tuple[Labels, Any]]:
    return sorted(series.items(), key=lambda item: sorted(item[0]))


def _text(number: float) -> str:
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(repr(number), repr(number))
