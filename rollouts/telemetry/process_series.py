"""The series of the process itself: its requests, its queries, its queue, its reconciles and its seat."""

from __future__ import annotations

from collections.abc import Callable

from rollouts.telemetry.book import Book

_REQUEST_S = (0.005, 0.025, 0.1, 0.5, 2.5, 10)
_QUERY_S = (0.01, 0.05, 0.1, 0.5, 1, 5)
_SOURCES, _OUTCOMES = ("prometheus", "web"), ("answered", "rejected", "unreachable")
_WAIT_S = (0.001, 0.01, 0.1, 1, 10, 60)
_RECONCILE_S = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10)


class ProcessSeries:
    """Counters, gauges and histograms in one registry."""

    def __init__(self, book: Book) -> None:
        of_request = ("verb", "resource", "code")
        self._requests = book.counter("rollouts_api_requests", "Requests to the API server.", *of_request)
        self._request_s = book.histogram(
            "rollouts_api_request_seconds", "Time until the API server's answer began; of a watch, until it was taken.",
            *of_request, buckets=_REQUEST_S,
        )  # fmt: skip
        self._queries = book.counter("rollouts_metric_queries", "Queries to metric sources.")
        self._query_s = book.histogram(
            "rollouts_metric_query_seconds", "Time until a metric source's answer was read, or given up.",
            "source", "outcome", buckets=_QUERY_S,
        )  # fmt: skip
        # From the start on: Prometheus sees no increase in what begins at 1.
        for source in _SOURCES:
            for outcome in _OUTCOMES:
                self._query_s.labels(source, outcome)
        self._queue_depth = book.gauge("rollouts_queue_depth", "Canaries that are due and wait for a worker.")
        self._queue_later = book.gauge("rollouts_queue_scheduled", "Canaries that will be looked at at a later time.")
        self._queue_s = book.histogram(
            "rollouts_queue_wait_seconds", "How long a Canary that was due waited for a worker.", buckets=_WAIT_S
        )
        self._reconcile_s = book.histogram(
            "rollouts_reconcile_seconds", "Length of one reconcile.", buckets=_RECONCILE_S
        )
        self._failures = book.counter("rollouts_reconcile_failures", "Reconciles that failed.", "kind")
        self._leader = book.gauge("rollouts_leader", "1 while this replica works on Canaries.")
        self._seated = book.gauge("rollouts_seated", "1 while this replica has a Lease: it works, or stands by.")
        self._replicas = book.gauge("rollouts_replicas", "Replicas that have a Lease, as this one knows.")

    def request_answered(self, verb: str, resource: str, code: int, seconds: float) -> None:
        """One request to the API server; code 0 where no answer came."""
        self._requests.labels(verb, resource, code).inc()
        self._request_s.labels(verb, resource, code).observe(seconds)

    def query_answered(self, source: str, outcome: str, seconds: float) -> None:
        """One query that was sent to a metric source, and what came of it."""
        self._queries.inc()
        self._query_s.labels(source, outcome).observe(seconds)

    def watch_queue(self, due: Callable[[], int], later: Callable[[], int]) -> None:
        """What to count whenever somebody looks."""
        self._queue_depth.set_function(due)
        self._queue_later.set_function(later)

    def taken(self, waited_s: float) -> None:
        """A worker has a Canary."""
        self._queue_s.observe(waited_s)

    def reconcile_ended(self, seconds: float, failure: str = "") -> None:
        """One reconcile, and the kind of its failure if it had one."""
        self._reconcile_s.observe(seconds)
        if failure:
            self._failures.labels(failure).inc()

    def seat_changed(self, replicas: int, *, seated: bool, leads: bool) -> None:
        """Whether this replica works on Canaries, or stands by, and among how many."""
        self._leader.set(leads)
        self._seated.set(seated)
        self._replicas.set(replicas)
