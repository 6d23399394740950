"""What operators see of decisions and requests: one log line a decision, and metrics with bounded labels.

Told by the engine and the adapters; decides nothing.
"""

from __future__ import annotations

from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from rollouts.api.resources import ObjectKey
from rollouts.core.decision import Decision
from rollouts.core.phases import Event
from rollouts.telemetry.canary_series import CanarySeries

_QUIET = frozenset({Event.WAITED, Event.BLOCKED})


class Reporter:
    """Logs and counts. The registry is served at /metrics; a Canary's series go with it."""

    def __init__(self, registry: CollectorRegistry, log: Any = None) -> None:
        self._log = log if log is not None else structlog.get_logger("rollouts.decisions")
        self._series = CanarySeries(registry)
        self._decisions = Counter("rollouts_decisions", "Decisions by event.", ["event"], registry=registry)
        self._requests = Counter(
            "rollouts_api_requests", "Requests to the API server.", ["verb", "resource", "code"], registry=registry
        )
        self._queries = Counter("rollouts_metric_queries", "Queries to the metric source.", registry=registry)
        self._reconcile_s = Histogram("rollouts_reconcile_seconds", "Length of one reconcile.", registry=registry)
        self._failures = Counter("rollouts_reconcile_failures", "Reconciles that failed.", ["kind"], registry=registry)
        self._leader = Gauge("rollouts_leader", "1 while this replica works on Canaries.", registry=registry)
        self._replicas = Gauge("rollouts_replicas", "Replicas that have a Lease, as this one knows.", registry=registry)
        self._quiet_text: dict[ObjectKey, str] = {}

    def report(self, key: ObjectKey, decision: Decision) -> None:
        """One decision: counted always, logged unless it only asks, or repeats what the last one waited for."""
        status = decision.status
        self._decisions.labels(decision.event).inc()
        self._series.show(key, decision)
        quiet = decision.event in _QUIET
        if decision.asks:
            return  # Nothing is decided before the answers are there.
        if quiet and self._quiet_text.get(key) == decision.message:
            return
        self._quiet_text[key] = decision.message if quiet else ""
        self._log.info(
            "decision",
            canary=str(key),
            event_found=decision.event,
            revision=status.last_applied_spec,
            phase=status.phase,
            step=status.step_index,
            weight=status.desired_weight,
            reason=decision.message,
        )

    def request_answered(self, verb: str, resource: str, code: int) -> None:
        """One request to the API server; code 0 where no answer came."""
        self._requests.labels(verb, resource, code).inc()

    def seat_changed(self, replicas: int, *, leads: bool) -> None:
        """Whether this replica works on Canaries, and among how many."""
        self._leader.set(leads)
        self._replicas.set(replicas)

    def query_sent(self) -> None:
        """One query to the metric source."""
        self._queries.inc()

    def reconcile_ended(self, seconds: float, failure: str = "") -> None:
        """One reconcile, and the kind of its failure if it had one."""
        self._reconcile_s.observe(seconds)
        if failure:
            self._failures.labels(failure).inc()

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone."""
        self._quiet_text.pop(key, None)
        self._series.forget(key)
