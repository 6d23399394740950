"""From records to figures: requests, errors and latency percentiles, in all, by second, by who answered.

Pure: no clock and no sockets. Records that nobody answered stand under version "" and workload "".

A percentile p of n values is the nearest rank's: the smallest of the values such that at least p %
of all n are less than or equal to it. It is always a latency that some request really had. Failed
requests take part with the time after which they had failed.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from e2e.lab.load.record import Record

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of some requests; the percentiles are None when there were none."""

    requests: int
    errors: int
    resent: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True, order=True)
class Answerer:
    """Who answered; both are empty when nobody did."""

    version: str
    workload: str


@dataclass(frozen=True, slots=True)
class SecondRow:
    """Figures of the requests sent within one second of the wall clock and answered by one version."""

    second: int
    answerer: Answerer
    summary: Summary


def percentile(ascending: Sequence[float], percent: float) -> float | None:
    """The nearest rank's percentile of sorted values, None when there are none; 0 < percent <= 100."""
    if not ascending:
        return None
    return ascending[max(1, math.ceil(len(ascending) * percent / 100)) - 1]


def summarise(records: Iterable[Record]) -> Summary:
    """The figures of all these requests together."""
    records = list(records)
    latencies = sorted(record.latency_ms for record in records)
    return Summary(
        requests=len(records),
        errors=sum(record.failed for record in records),
        resent=sum(record.resent for record in records),
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
    )


def by_version(records: Iterable[Record]) -> dict[Answerer, Summary]:
    """The figures by who answered, in order of version."""
    groups = _grouped(records, _answerer)
    return {key: summarise(groups[key]) for key in sorted(groups)}


def by_second(records: Iterable[Record]) -> list[SecondRow]:
    """The figures by second of sending and by who answered, in that order."""
    groups = _grouped(records, lambda record: (int(record.sent_at_s), _answerer(record)))
    return [SecondRow(second, who, summarise(groups[second, who])) for second, who in sorted(groups)]


def error_words(records: Iterable[Record]) -> dict[str, int]:
    """How often each way of failing came: an error word, or a status as text."""
    groups = _grouped((record for record in records if record.failed), lambda item: item.error or str(item.status))
    return {word: len(groups[word]) for word in sorted(groups)}


def _answerer(record: Record) -> Answerer:
    return Answerer(record.version, record.workload)


def _grouped(records: Iterable[Record], key: Callable[[Record], Key]) -> dict[Key, list[Record]]:
    groups: defaultdict[Key, list[Record]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
