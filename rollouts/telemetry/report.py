"""What operators see of decisions and requests: one log line a decision, and metrics with bounded labels.

Told by the engine and the adapters; decides nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.analysis import Analysis
from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Decision
from rollouts.core.phases import Event
from rollouts.telemetry.book import Book
from rollouts.telemetry.canary_series import CanarySeries
from rollouts.telemetry.limits import limits_of
from rollouts.telemetry.process_series import ProcessSeries
from rollouts.telemetry.run_series import RunSeries

_QUIET = frozenset({Event.WAITED, Event.BLOCKED})


class Reporter:
    """Logs and counts. The registry is served at /metrics; a Canary's series go with it."""

    def __init__(self, registry: CollectorRegistry, log: Any = None) -> None:
        self._log = log if log is not None else structlog.get_logger("rollouts.decisions")
        self.book = Book(registry)
        self._canaries = CanarySeries(self.book)
        self._runs = RunSeries(self.book)
        self._decisions = self.book.counter("rollouts_decisions", "Decisions by event.", "event")
        for event in Event:
            self._decisions.labels(event)
        self.process = ProcessSeries(self.book)
        self._quiet_text: dict[ObjectKey, str] = {}

    def report(
        self, key: ObjectKey, decision: Decision, analysis: Analysis | None = None, *, is_news: bool = True
    ) -> None:
        """One decision: counted always, logged unless it only asks, or repeats what the last one waited for.

        `analysis` has the limits of what is measured. `is_news` says whether the status is to be another one: if not,
        what is shown of the Canary stays.
        """
        status, share = decision.status, decision.desired.share
        self._decisions.labels(decision.event).inc()
        if is_news or not self._canaries.shows(key):
            limits = {} if analysis is None else limits_of(analysis)
            self._canaries.show(key, status, 100 * share.weight / share.weight_total, limits)
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

    def unreadable(self, key: ObjectKey, status: CanaryStatus) -> None:
        """Nothing can be decided: the spec can't be read, as that status tells."""
        self._canaries.show(key, status, 100 * status.desired_weight / status.weight_total, {})

    def moved(self, before: CanaryStatus, after: CanaryStatus, now: datetime) -> None:
        """A status was written in the place of another."""
        self._runs.moved(before, after, now)

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone, or another replica's."""
        self._quiet_text.pop(key, None)
        self._canaries.forget(key)
