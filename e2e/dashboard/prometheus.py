"""Prometheus, asked as Grafana asks it: a query at this instant, the values of a label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import aiohttp

_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back of one query."""

    series: int = 0
    """Those with a number: what is drawn."""
    labels: tuple[str, ...] = ()
    """Of each of them, in words."""
    trouble: str = ""
    """An error, a warning, or advice that the query is not what it seems."""


class Prometheus:
    """One server. Close the session that it is given."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def query(self, text: str) -> Answered:
        """The series that there are now."""
        told = await self._get("query", {"query": text})
        if told.get("status") != "success":
            return Answered(trouble=f"{told.get('errorType')}: {told.get('error')}")
        doubts = [*told.get("warnings", ()), *told.get("infos", ())]
        shown = [one["metric"] for one in told["data"]["result"] if math.isfinite(float(one["value"][1]))]
        words = tuple(",".join(f"{key}={value}" for key, value in sorted(metric.items())) for metric in shown)
        return Answered(len(shown), words, "; ".join(doubts))

    async def values(self, label: str, series: str) -> list[str]:
        """The values that a label has in those series."""
        told = await self._get(f"label/{label}/values", {"match[]": series})
        found: list[str] = told["data"]
        return found

    async def _get(self, path: str, asked: dict[str, str]) -> dict[str, Any]:
        async with self._session.get(f"{self._url}/api/v1/{path}", params=asked, timeout=_TIMEOUT) as answer:
            told: dict[str, Any] = await answer.json()
            return told
