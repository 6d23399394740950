"""A metric source over simulated traffic: it answers the queries of the Istio adapter as a Prometheus would.

A query is known by its text: what the adapter would not write so is refused, as Prometheus refuses a parse error. The
99th percentile is exact, where Prometheus would interpolate between buckets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rollouts.api.resources import ObjectKey
from rollouts.core.measurement import NoData, Outcome, Probe, Rejected, Signal, Subject, Value
from rollouts.demo.ledger import Answer, Ledger, Tally
from rollouts.metrics.istio import NO_SERVICES, Services, render_query

SCRAPE = timedelta(seconds=1)
"""How far apart two scrapes would be."""
_WINDOW = re.compile(r"\[(\d+)(ms|s)\]")
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_NAMESPACE = re.compile("destination_(?:workload|service)_namespace=" + _TEXT)
_SERVICES = re.compile("destination_service_name=~" + _TEXT)
_WORKLOAD = re.compile("destination_workload=" + _TEXT)
_WINDOWED = (
    Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUESTS, Signal.UNREACHED, Signal.CALLERS_DURATION,
)  # fmt: skip
_PROBES = (
    *(Probe(signal) for signal in (*_WINDOWED, Signal.REQUEST_RATE, Signal.SOURCE_ALIVE)),
    Probe(Signal.UNREACHED, Subject.BOTH),
)


@dataclass(frozen=True, slots=True)
class Question:
    """What a query asks, and about which workload."""

    probe: Probe
    workload: ObjectKey
    services: Services = NO_SERVICES


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
            case Signal.SUCCESS_RATE | Signal.DURATION | Signal.CALLERS_DURATION:
                return self._over_window(question, at)
            case Signal.UNREACHED:
                return self._unreached(question, at)
            case Signal.REQUESTS:
                return Value(float(self._tally(question, at).total))
            case Signal.REQUEST_RATE:
                return self._rate(question.workload, at)
            case _:
                return Value(1.0)

    def _over_window(self, question: Question, at: datetime) -> Outcome:
        tally = self._tally(question, at)
        asked = tally.success_percent if question.probe.signal is Signal.SUCCESS_RATE else tally.p99_ms
        return NoData() if asked is None else Value(asked)

    def _tally(self, question: Question, at: datetime) -> Tally:
        after = at - timedelta(seconds=question.probe.window_s)
        return self._ledger.tally(_of(question.workload), after, at)

    def _unreached(self, question: Question, at: datetime) -> Outcome:
        """No fault is simulated: what reaches no pod was meant for a Service that had none."""
        services, shared = question.services, question.probe.subject is Subject.BOTH
        meant = {ObjectKey(question.workload.namespace, name) for name in services.names}

        def lost(answer: Answer) -> bool:
            return answer.service in meant and answer.workload is None and not answer.copied

        def arrived(answer: Answer) -> bool:
            fits = answer.service in meant if shared else answer.workload == question.workload
            return fits and answer.workload is not None and not answer.copied

        after = at - timedelta(seconds=question.probe.window_s)
        # Of a Service that others have too, a failure without a fault is nobody's in particular.
        failed = 0 if services.shared and not shared else self._ledger.tally(lost, after, at).total
        total = failed + self._ledger.tally(arrived, after, at).total
        return Value(100 * failed / total) if total else NoData()

    def _rate(self, workload: ObjectKey, at: datetime) -> Outcome:
        """Requests a second since the scrape before the last; a workload without pods has no series."""
        if not self._serves(workload):
            return NoData()
        return Value(self._ledger.tally(_of(workload), at - SCRAPE, at).total / SCRAPE.total_seconds())


def read_query(query: str) -> Question | None:
    """What the text asks; None if the Istio adapter would not write it so."""
    namespace = next(iter(_texts(_NAMESPACE, query)), "")
    named = next(iter(_texts(_SERVICES, query)), None)
    names = () if named is None else tuple(named.split("|"))
    window = _WINDOW.search(query)
    window_s = 0.0 if window is None else int(window[1]) / (1000 if window[2] == "ms" else 1)
    # Of what reached no pod the workload is told as unknown, beside the one that is meant.
    for name in (*_texts(_WORKLOAD, query), ""):
        for services in (Services(names), Services(names, shared=True)):
            for probe in _PROBES:
                asked = replace(probe, window_s=window_s if probe.signal in _WINDOWED else 0.0)
                if probe.signal in _WINDOWED and window_s <= 0:
                    continue
                if render_query(asked, namespace, name, services) == query:
                    return Question(asked, ObjectKey(namespace, name), services if names else NO_SERVICES)
    return None


def _texts(label: re.Pattern[str], query: str) -> list[str]:
    return [re.sub(r"\\(.)", _unescaped, found) for found in label.findall(query)]


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]


def _of(workload: ObjectKey) -> Callable[[Answer], bool]:
    return lambda answer: answer.workload == workload
