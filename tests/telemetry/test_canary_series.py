from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.resources import ObjectKey
from rollouts.api.status import RESULTS_MAX, CanaryStatus, MetricResult, Phase, Verdict
from rollouts.telemetry.book import Book
from rollouts.telemetry.canary_series import CanarySeries
from rollouts.telemetry.limits import Bound, Limits

KEY = ObjectKey("shop", "app")
LABELS = {"namespace": "shop", "name": "app"}
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def registry() -> CollectorRegistry:
    """What is served at /metrics."""
    return CollectorRegistry()


@pytest.fixture
def series(registry: CollectorRegistry) -> CanarySeries:
    """A fresh one."""
    return CanarySeries(Book(registry))


def _status(*results: tuple[str, Verdict, float | None], observed: int | None = 20) -> CanaryStatus:
    metrics = tuple(
        MetricResult(name=name, verdict=verdict, value=value, measured_at=AT) for name, verdict, value in results
    )
    return CanaryStatus(
        phase=Phase.PROGRESSING, step_index=2, desired_weight=20, observed_weight=observed, metrics=metrics,
        notices_lost=3,
    )  # fmt: skip


def _samples(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("rollouts_canary_"), *(v for k, v in sample.labels.items() if k not in LABELS)):
        sample.value
        for metric in registry.collect() for sample in metric.samples if sample.value
    }  # fmt: skip


def test_the_state_of_a_canary_can_be_read(registry: CollectorRegistry, series: CanarySeries) -> None:
    """Both weights, step, phase, what was never told, and each check with its value, its limits and its verdict."""
    limits: Limits = {"success": {Bound.MIN: 99.0}, "latency": {Bound.MIN: 1.0, Bound.MAX: 500.0}, "later": {}}
    status = _status(("success", Verdict.FAIL, 47.9), ("latency", Verdict.NO_DATA, None), ("hook", Verdict.PASS, 1.0))
    series.show(KEY, status, 20.0, limits)

    assert _samples(registry) == {
        ("weight_percent",): 20.0,
        ("observed_weight_percent",): 20.0,
        ("phase", "Progressing"): 1.0,
        ("step",): 2.0,
        ("notices_lost",): 3.0,
        ("metric_value", "success"): 47.9,
        ("metric_value", "hook"): 1.0,
        ("metric_limit", "success", "min"): 99.0,
        ("metric_limit", "latency", "min"): 1.0,
        ("metric_limit", "latency", "max"): 500.0,
        ("metric_verdict", "success", "Fail"): 1.0,
        ("metric_verdict", "latency", "NoData"): 1.0,
        ("metric_verdict", "hook", "Pass"): 1.0,
    }


def test_what_is_gone_or_silent_leaves_no_old_value(registry: CollectorRegistry, series: CanarySeries) -> None:
    """The value of before would be taken for the present one: of a check, of a limit, of the routes."""
    limits: Limits = {"success": {Bound.MIN: 99.0}, "latency": {Bound.MAX: 500.0}}
    series.show(KEY, _status(("success", Verdict.PASS, 99.0), ("latency", Verdict.PASS, 20.0)), 20.0, limits)
    series.show(KEY, _status(("success", Verdict.NO_DATA, None), observed=None), 20.0, {"success": {Bound.MAX: 7.0}})

    samples = [sample for metric in registry.collect() for sample in metric.samples]
    checks = [sample for sample in samples if "metric" in sample.labels]
    assert {sample.labels["metric"] for sample in checks} == {"success"}
    assert not [sample for sample in checks if sample.name.endswith("value")]
    assert [sample.labels["bound"] for sample in checks if sample.name.endswith("limit")] == ["max"]
    assert not [sample for sample in samples if sample.name.endswith("observed_weight_percent")]


def test_no_canary_has_more_series_than_the_page_says(registry: CollectorRegistry, series: CanarySeries) -> None:
    """With all checks that there may be, each with both limits; and at rest, without any."""
    full = _status(*((f"check-{number}", Verdict.PASS, 1.0) for number in range(RESULTS_MAX)))
    series.show(KEY, full, 20.0, {f"check-{number}": {Bound.MIN: 1.0, Bound.MAX: 2.0} for number in range(RESULTS_MAX)})
    assert sum(len(metric.samples) for metric in registry.collect()) == 16 + 9 * RESULTS_MAX

    series.show(KEY, _status(), 20.0, {})
    assert sum(len(metric.samples) for metric in registry.collect()) == 16


def test_nothing_is_left_of_a_canary_that_is_gone(registry: CollectorRegistry, series: CanarySeries) -> None:
    """Every series of it, whichever it had; again, and of one that was never known, does no harm."""
    limits: Limits = {"success": {Bound.MIN: 99.0}}
    series.show(KEY, _status(("success", Verdict.PASS, 99.0), observed=None), 20.0, limits)
    for _ in range(2):
        series.forget(KEY)
        series.forget(ObjectKey("shop", "unknown"))

    assert [sample for metric in registry.collect() for sample in metric.samples] == []
