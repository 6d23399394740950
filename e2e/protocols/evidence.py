"""A hook that knows the protocols: it looks at what the clients of one kind were given in the last seconds.

What a proxy can't see, someone who speaks the protocol can: no version's answers may come much later than another's. It
knows clients and versions, not weights. A machine that is busy delays all alike, so they are compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from e2e.lab.load import LoadClient, Record
from e2e.play.listening import posted_to

_ADDRESS = ("127.0.0.1", 8090)
_LOOKS_BACK_S = 5.0
_LATER_MS = 400.0
_AWAY, _REFUSED = 503, 403


@dataclass(frozen=True, slots=True)
class Call:
    """One question, and what it was answered."""

    at_s: float
    kind: str
    status: int


def slow_versions(records: list[Record]) -> list[str]:
    """Workloads whose median answer comes too long after the quickest one's."""
    by_workload: dict[str, list[float]] = {}
    for record in records:
        by_workload.setdefault(record.workload, []).append(record.latency_ms)
    medians = {name: statistics.median(found) for name, found in sorted(by_workload.items())}
    return [name for name, median in medians.items() if median > min(medians.values()) + _LATER_MS]


class Evidence:
    """Answers 200, 403 if a version is slow, and 503 if nothing is known."""

    def __init__(self, loads: Mapping[str, LoadClient]) -> None:
        self._loads = loads
        self.calls: list[Call] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Look, and keep the call."""
        kind, now_s = request.match_info["kind"], time.time()
        recent = []
        for record in reversed(self._loads[kind].records):
            if record.done_at_s < now_s - _LOOKS_BACK_S:
                break
            recent.append(record)
        slow = slow_versions(recent)
        status = _AWAY if not recent else _REFUSED if slow else 200
        self.calls.append(Call(now_s, kind, status))
        return web.Response(status=status, text=f"too slow: {', '.join(slow)}" if slow else "")


@asynccontextmanager
async def testifying(loads: Mapping[str, LoadClient]) -> AsyncIterator[tuple[Evidence, str]]:
    """A hook that listens, and its URL without a path."""
    evidence = Evidence(loads)
    async with posted_to(evidence.answer, "/{kind}", *_ADDRESS) as url:
        yield evidence, url
