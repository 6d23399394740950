"""All requests of a run, as the shipped counting makes them of the real Prometheus' raw counters, and as clients had
them. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from e2e.lab.load import Record
from rollouts.core.counting import Series, absorb, open_ledger

QUERY = 'istio_requests_total{reporter="destination",destination_workload_namespace="default"}'
Kind = tuple[str, str]
"""Workload and status."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many requests there were of each kind."""

    counted: Mapping[Kind, float] = field(default_factory=dict)
    clients: Mapping[Kind, float] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """Where they differ, in words."""
        kinds = sorted(self.counted.keys() | self.clients.keys())
        return [
            f"{workload} {status}: {self.counted.get((workload, status), 0):g} counted, "
            f"{self.clients.get((workload, status), 0):g} answered"
            for workload, status in kinds
            if self.counted.get((workload, status), 0) != self.clients.get((workload, status), 0)
        ]


def count(series: Iterable[Series], since_s: float) -> dict[Kind, float]:
    """What grew after that time."""
    found = tuple(series)
    ledger = open_ledger(_until(found, since_s))
    _, growths = absorb(ledger, found)
    counted: Counter[Kind] = Counter()
    for growth in growths:
        labels = dict(growth.labels)
        counted[labels["destination_workload"], labels["response_code"]] += growth.count  # type: ignore[assignment]
    return dict(counted)


def of_clients(records: Iterable[Record]) -> dict[Kind, float]:
    """What clients were answered by a pod; what no pod answered is in no pod's count."""
    return dict(Counter((one.workload, str(one.status)) for one in records if one.workload))


def _until(series: Iterable[Series], end_s: float) -> list[Series]:
    cut = (replace(one, samples=tuple(sample for sample in one.samples if sample.at <= end_s)) for one in series)
    return [one for one in cut if one.samples]
