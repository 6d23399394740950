"""A metric source over simulated traffic: it answers the queries of the Istio adapter as a Prometheus would.

A query is known by its text: what the adapter would not write so is refused, as Prometheus refuses a parse error. The
99th percentile is exact, where Prometheus would interpolate between buckets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Value
from rollouts.demo.ledger import Answer, Ledger, Tally
from rollouts.metrics.istio import render_query

SCRAPE = timedelta(seconds=1)
"""How far apart two scrapes would be."""
_WINDOW = re.compile(r"\[(\d+)(ms|s)\]")
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_NAMESPACE = re.compile("destination_workload_namespace=" + _TEXT)
_WORKLOAD = re.compile("destination_workload=" + _TEXT)
_WINDOWED = (Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUESTS)
_ASKED = (*_WINDOWED, Signal.REQUEST_RATE, Signal.SOURCE_ALIVE)


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks, and about which workload."""

    probe: Probe
    workload: ObjectKey


class TrafficMetrics:
    """Implements `ports.MetricSource`. `serves` says whether a Deployment has pods that could be scraped now."""

    def __init__(self, ledger: Ledger, serves: Callable[[ObjectKey], bool]) -> None:
        self._ledger = ledger
        self._serves = serves

    async def measure(self, query: str, at: datetime) -> Outcome:
        """As the port says."""
        question = read_query(query)
        if question is None:
            return Rejected("the simulated metric source knows the queries of the Istio adapter only")
        match question.probe.signal:
            case Signal.SUCCESS_RATE | Signal.DURATION:
                return self._over_window(question, at)
            case Signal.REQUESTS:
                return Value(float(self._tally(question, at).total))
            case Signal.REQUEST_RATE:
                return self._rate(question.workload, at)
            case _:
                return Value(1.0)

    def _over_window(self, question: Question, at: datetime) -> Outcome:
        tally = self._tally(question, at)
        asked = tally.p99_ms if question.probe.signal is Signal.DURATION else tally.success_percent
        return NoData() if asked is None else Value(asked)

    def _tally(self, question: Question, at: datetime) -> Tally:
        after = at - timedelta(seconds=question.probe.window_s)
        return self._ledger.tally(_of(question.workload), after, at)

    def _rate(self, workload: ObjectKey, at: datetime) -> Outcome:
        """Requests a second since the scrape before the last; a workload without pods has no series."""
        if not self._serves(workload):
            return NoData()
        return Value(self._ledger.tally(_of(workload), at - SCRAPE, at).total / SCRAPE.total_seconds())


def read_query(query: str) -> Question | None:
    """What the text asks; None if the Istio adapter would not write it so."""
    found = _NAMESPACE.search(query), _WORKLOAD.search(query)
    namespace, name = (re.sub(r"\\(.)", _unescaped, one[1]) if one is not None else "" for one in found)
    window = _WINDOW.search(query)
    window_s = 0.0 if window is None else int(window[1]) / (1000 if window[2] == "ms" else 1)
    for signal in _ASKED:
        windowed = signal in _WINDOWED
        if windowed and window_s <= 0:
            continue
        probe = Probe(signal, window_s=window_s if windowed else 0.0)
        if render_query(probe, namespace, name) == query:
            return Question(probe, ObjectKey(namespace, name))
    return None


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]


def _of(workload: ObjectKey) -> Callable[[Answer], bool]:
    return lambda answer: answer.workload == workload
