"""The raw counters of Istio's standard metrics that evidence is made of, and what each of their series counts.

Pure: knows no Prometheus server. A range selector is read, not a rate: what a series had when it was first scraped is
lost to `increase()`, and with it most errors of a new version.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rollouts.api.metric import FailureStatus, Metric, Reporter
from rollouts.core.counting import Growth, Labels, Series
from rollouts.core.evidence.counts import Arm
from rollouts.core.tally import Counter

REQUESTS, BUCKETS = "istio_requests_total", "istio_request_duration_milliseconds_bucket"


@dataclass(frozen=True, slots=True)
class Edges:
    """The two edges of buckets that a limit lies between: the same twice if it is one itself. In milliseconds."""

    below: float = 0.0
    above: float = math.inf

    @classmethod
    def around(cls, limit_ms: float, series: Iterable[Series]) -> Edges:
        """Those of what was scraped."""
        found = sorted({edge_of(one.labels) for one in series} - {math.inf})
        return cls(
            max((edge for edge in found if edge <= limit_ms), default=0.0),
            min((edge for edge in found if edge >= limit_ms), default=math.inf),
        )


def edge_of(labels: Labels) -> float:
    """The upper edge of a series of buckets, in milliseconds."""
    text = dict(labels).get("le", "+Inf")
    try:
        return float(text)
    except ValueError:
        return math.inf


def render_selector(name: str, metric: Metric, namespace: str, workload: str, *, more: str = "") -> str:
    """The series of one workload, as the metric's reporter counts them; `more` matchers beside."""
    matchers = (
        f'reporter="{Reporter(metric.reporter)}",destination_workload_namespace="{namespace}"'
        f',destination_workload="{workload}"'
    )
    return f"{name}{{{matchers}{more}}}"


def is_failure(labels: Labels, failures: FailureStatus) -> bool:
    """Whether a series of requests counts failed ones."""
    told = dict(labels)
    code, grpc = told.get("response_code", ""), told.get("grpc_response_status", "")
    by_http = any(code == status or (status.endswith("xx") and code[:1] == status[0]) for status in failures.http)
    return by_http or grpc in map(str, failures.grpc)


def count_answers(grown: Mapping[Counter, Iterable[Growth]], failures: FailureStatus) -> Arm:
    """Requests by how they were answered."""
    requests = list(grown.get(Counter.REQUESTS, ()))
    bad = sum(one.count for one in requests if is_failure(one.labels, failures))
    return Arm(sum(one.count for one in requests), bad)


def count_slow(grown: Mapping[Counter, Iterable[Growth]], edges: Edges) -> Arm:
    """Requests by how long they took: those above the upper edge surely slow, those above the lower one perhaps."""
    by_edge: dict[float, float] = {}
    for one in grown.get(Counter.REQUESTS, ()):
        edge = edge_of(one.labels)
        by_edge[edge] = by_edge.get(edge, 0.0) + one.count
    requests = by_edge.get(math.inf, 0.0)
    surely, perhaps = (max(0.0, requests - by_edge.get(edge, 0.0)) for edge in (edges.above, edges.below))
    return Arm(requests, surely, max(surely, perhaps))


def count_pair(grown: Mapping[Counter, Iterable[Growth]]) -> Arm:
    """Two counters of a user's own."""
    requests, bad = (sum(one.count for one in grown.get(family, ())) for family in Counter)
    return Arm(requests, bad)
