"""Makes the program's metrics, and notes of each what it is: so that the page about them is made from what there is.

A label can only be used if it is explained here, with what bounds its values: each new value is a series for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily

LABELS = MappingProxyType({
    "namespace": "Of a Canary; its series go when it is deleted, or when another replica takes it over",
    "name": "Of a Canary, as its namespace",
    "phase": "The ten phases of [state-machine.md](state-machine.md)",
    "metric": "Names of the checks that a Canary has now, hooks among them: at most 16",
    "verdict": "Pass, Fail, NoData, Error, Inconclusive, SharedBreach",
    "bound": "min and max",
    "outcome": "Of a step: Advanced, Failed, Ended (reverted, superseded or deleted). Of a release: Succeeded, Failed. "
    "Of a query: answered, rejected, unreachable",
    "event": "The events of [state-machine.md](state-machine.md), some thirty",
    "kind": "The program's kinds of errors, some ten; Defect for one that should not exist",
    "verb": "As RBAC writes it: get, list, watch, create, patch, delete",
    "resource": "As RBAC writes it; only kinds that the program knows, their `/status`, and `/version`",
    "code": "HTTP status of the API server; 0 where no answer came",
    "source": "prometheus and web",
})  # fmt: skip
"""What the values of each label are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric, as it is told of."""

    name: str
    """As a query has it; of a histogram without `_bucket`, `_sum` and `_count`."""
    kind: str
    labels: tuple[str, ...]
    text: str


class Book:
    """All metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.entries: list[Entry] = []
        self.registry = registry

    def gauge(self, name: str, text: str, *labels: str) -> Gauge:
        """A number that goes up and down."""
        self._note(name, "gauge", text, labels)
        return Gauge(name, text, labels, registry=self.registry)

    def scraped(self, name: str, text: str, *labels: str) -> partial[GaugeMetricFamily]:
        """A gauge that is made anew for each scrape: each call gives one without numbers."""
        self._note(name, "gauge", text, labels)
        return partial(GaugeMetricFamily, name, text, labels=labels)

    def counter(self, name: str, text: str, *labels: str) -> Counter:
        """How often something happened; `name` is without `_total`."""
        self._note(f"{name}_total", "counter", text, labels)
        return Counter(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
        """How long something took, in seconds."""
        self._note(name, "histogram", text, labels)
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def _note(self, name: str, kind: str, text: str, labels: tuple[str, ...]) -> None:
        unexplained = [label for label in labels if label not in LABELS]
        if unexplained:
            raise ValueError(f"{name}: explain what the values of label {unexplained[0]} are, and what bounds them")
        self.entries.append(Entry(name, kind, labels, text))
