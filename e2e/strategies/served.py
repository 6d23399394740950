"""How many requests the pods of each workload have answered, copies included: read from what they expose."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Mapping

import aiohttp

from e2e.strategies.facts import ServedSeen

_POLL_S = 0.5
_SERIES = re.compile(r"^istio_requests_total\{(?P<labels>.*)\} (?P<count>\d+)$", re.MULTILINE)
_WORKLOAD = re.compile(r'destination_workload="([^"]*)"')
_TIMEOUT = aiohttp.ClientTimeout(total=5)


def read_served(exposition: str) -> Mapping[str, int]:
    """The requests by workload, whatever pod, Service and status."""
    counts: Counter[str] = Counter()
    for series in _SERIES.finditer(exposition):
        if (workload := _WORKLOAD.search(series["labels"])) is not None:
            counts[workload[1]] += int(series["count"])
    return dict(counts)


async def poll_served(metrics_url: str, served: list[ServedSeen]) -> None:
    """Add to `served` every half second until cancelled."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            async with session.get(metrics_url) as answer:
                answer.raise_for_status()
                text = await answer.text()
            served.append(ServedSeen(time.time(), read_served(text)))
            await asyncio.sleep(_POLL_S)
