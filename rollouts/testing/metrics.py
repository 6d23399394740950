"""A metric source that answers from a script: by workload and signal, as healthy as the workload is said to be.

Queries are known by their text, as the adapters render them: one that nobody has announced is a defect, and raises.
An answer is asked for with the look-back of the query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from rollouts.api.metric import Metric
from rollouts.core.judge import count_of, signal_of
from rollouts.core.measurement import NoData, Outcome, Probe, Signal, Subject, Unreachable, Value
from rollouts.metrics.istio import Services, render_query
from rollouts.metrics.reading import reading_of
from rollouts.traffic.metadata import canary_service, primary_service


class Health(StrEnum):
    """What a version is like, as its clients see it."""

    HEALTHY = "healthy"
    FAILING = "failing"
    """Half of the answers are errors."""
    SLOW = "slow"
    """Every answer takes seconds."""
    ABSENT = "absent"
    """No request of it is ever counted."""


def answer_of(health: Health, signal: Signal) -> Outcome:
    """What a version with requests shows in one signal."""
    if signal is Signal.SOURCE_ALIVE:
        return Value(1.0)
    if signal is Signal.UNREACHED:
        return Value(0.0)  # clients get to a pod, or nothing of this is heard of
    if health is Health.ABSENT:
        return NoData()
    match signal:
        case Signal.SUCCESS_RATE:
            return Value(50.0 if health is Health.FAILING else 100.0)
        case Signal.DURATION | Signal.CALLERS_DURATION:
            return Value(4000.0 if health is Health.SLOW else 20.0)
        case _:
            return Value(5.0)


Answer = Callable[[Probe], Outcome]


class ScriptedMetrics:
    """Implements `ports.MetricSource`. Announce each workload first."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Probe, Answer]] = {}
        self.outage = False
        """While set, nothing is answered."""
        self.read_as: Sequence[Metric] = ()
        """What is announced is read as these have it."""
        self.others: Callable[[str], Outcome] | None = None
        """Answers what nobody has announced."""

    def announce(
        self, namespace: str, workload: str, probes: Iterable[Probe], answer: Answer, services: Services | None = None
    ) -> None:
        """These probes of one workload may be asked; `answer` is called with the probe each time.

        Of requests that reach no pod, those to the canary's own Service, or to all, where that is called as it is and
        `services` does not say which they are.
        """
        for probe in probes:
            called = services_of(workload, probe.subject) if services is None else services
            query = render_query(probe, namespace, workload, called, reading_of(self.read_as, probe))
            self._known[_timeless(query)] = workload, probe, answer

    def question(self, query: str) -> tuple[str, Probe]:
        """Which workload and probe a query is the text of."""
        workload, probe, _ = self._known[_timeless(query)]
        return workload, probe

    async def measure(self, query: str, at: datetime) -> Outcome:  # noqa: ARG002 - the script knows no past
        """As the port says."""
        if self.outage:
            return Unreachable("no answer within 5 s")
        if self.others is not None and _timeless(query) not in self._known:
            return self.others(query)
        _, probe, answer = self._known[_timeless(query)]
        return answer(replace(probe, window_s=_window_s(query)) if probe.window_s else probe)


def _timeless(query: str) -> str:
    return re.sub(r"\[\w+\]|offset \w+", "[]", query)


def _window_s(query: str) -> float:
    found = re.search(r"\[(\d+)(m?)s\]", query)
    return 0.0 if found is None else int(found[1]) / (1000 if found[2] else 1)


def services_of(name: str, subject: Subject) -> Services:
    """The Services of a target of that name whose Canary names no other."""
    own = canary_service(name)
    return Services((own,) if subject is Subject.CANARY else (name, primary_service(name), own))


def probes_about(subject: Subject, metrics: Iterable[Metric] = ()) -> tuple[Probe, ...]:
    """Everything that may be asked of one side; with the canary's, also what is both sides'.

    Of metrics that others than pods count for, the number of their requests too.
    """
    signals = [Signal.SUCCESS_RATE, Signal.DURATION, Signal.REQUESTS]
    asked = [Probe(signal, subject, 1.0) for signal in signals]
    if subject is Subject.CANARY:
        asked += [Probe(Signal.UNREACHED, one, 1.0) for one in (Subject.CANARY, Subject.BOTH)]
        asked.append(Probe(Signal.CALLERS_DURATION, subject, 1.0))
        asked += [count_of(metric, Probe(signal_of(metric), subject, 1.0)) for metric in metrics]
    return (*asked, Probe(Signal.REQUEST_RATE, subject), Probe(Signal.SOURCE_ALIVE))
