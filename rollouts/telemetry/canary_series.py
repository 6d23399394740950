"""The series of each Canary: where it is, what was measured, what nobody was told yet. They go when the Canary goes.

Labels are bounded: names of Canaries, phases and verdicts, and the checks that a Canary has now.
"""

from __future__ import annotations

from prometheus_client import Gauge

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, ConditionType, MetricResult, Phase, Verdict
from rollouts.telemetry.book import Book
from rollouts.telemetry.limits import Bound, Limits

_NAMES = ("namespace", "name")


class CanarySeries:
    """Gauges in one registry."""

    def __init__(self, book: Book) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return book.gauge(f"rollouts_canary_{name}", text, *_NAMES, *labels)

        self._weight = gauge("weight_percent", "Weight that is desired for the canary.")
        self._observed = gauge("observed_weight_percent", "Weight that the routing objects give it.")
        self._phase = gauge("phase", "1 for the present phase, 0 for the others.", "phase")
        self._step = gauge("step", "The current step, from 1; 0 before the first.")
        self._stalled = gauge("stalled", "1 where a release failed, or something has to be mended.")
        self._outbox = gauge("outbox", "Notices that wait: not all receivers have confirmed them.")
        self._lost = gauge("notices_lost", "Notices given up before all receivers had them, since the Canary was made.")
        self._value = gauge("metric_value", "Last measurement of a check.", "metric")
        self._limit = gauge("metric_limit", "What may not be passed by it, where that is a number.", "metric", "bound")
        self._verdict = gauge("metric_verdict", "1 for the verdict of it, 0 for the others.", "metric", "verdict")
        self._plain = (self._weight, self._observed, self._step, self._stalled, self._outbox, self._lost)
        self._metrics: dict[ObjectKey, frozenset[str]] = {}
        """The checks of each Canary that has series, so that what is gone loses its own."""

    def show(self, key: ObjectKey, status: CanaryStatus, weight_percent: float, limits: Limits) -> None:
        """The state that was decided."""
        names = (key.namespace, key.name)
        self._weight.labels(*names).set(weight_percent)
        if status.observed_weight is None:
            _drop(self._observed, *names)
        else:
            self._observed.labels(*names).set(100 * status.observed_weight / status.weight_total)
        for phase in Phase:
            self._phase.labels(*names, phase).set(phase is status.phase)
        self._step.labels(*names).set(status.step_index)
        self._stalled.labels(*names).set(_is_stalled(status))
        self._outbox.labels(*names).set(len(status.outbox))
        self._lost.labels(*names).set(status.notices_lost)
        shown = frozenset(result.name for result in status.metrics)
        self._drop_metrics(key, self._metrics.get(key, frozenset()) - shown)
        self._metrics[key] = shown
        for result in status.metrics:
            self._show_metric(names, result, limits)

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone, or another replica's."""
        if key not in self._metrics:
            return
        names = (key.namespace, key.name)
        for gauge in self._plain:
            _drop(gauge, *names)
        for phase in Phase:
            _drop(self._phase, *names, phase)
        self._drop_metrics(key, self._metrics.pop(key))

    def _show_metric(self, names: tuple[str, str], result: MetricResult, limits: Limits) -> None:
        if result.value is None:
            _drop(self._value, *names, result.name)
        else:
            self._value.labels(*names, result.name).set(result.value)
        bounds = limits.get(result.name, {})
        for bound in Bound:
            if bound in bounds:
                self._limit.labels(*names, result.name, bound).set(bounds[bound])
            else:
                _drop(self._limit, *names, result.name, bound)
        for verdict in Verdict:
            self._verdict.labels(*names, result.name, verdict).set(verdict is result.verdict)

    def _drop_metrics(self, key: ObjectKey, metrics: frozenset[str]) -> None:
        names = (key.namespace, key.name)
        for metric in metrics:
            _drop(self._value, *names, metric)
            for bound in Bound:
                _drop(self._limit, *names, metric, bound)
            for verdict in Verdict:
                _drop(self._verdict, *names, metric, verdict)


def _is_stalled(status: CanaryStatus) -> bool:
    return any(one.type == ConditionType.STALLED and one.status == "True" for one in status.conditions)


def _drop(gauge: Gauge, *labels: str) -> None:
    """Also what was never set."""
    gauge.labels(*labels)
    gauge.remove(*labels)
