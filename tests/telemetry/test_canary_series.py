from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, MetricResult, Phase, Verdict
from rollouts.core.decision import Decision, Desired
from rollouts.core.phases import Event
from rollouts.core.routing import Routing
from rollouts.telemetry.canary_series import CanarySeries

KEY = ObjectKey("shop", "app")
LABELS = {"namespace": "shop", "name": "app"}
AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def registry() -> CollectorRegistry:
    """What is served at /metrics."""
    return CollectorRegistry()


def _decision(*results: tuple[str, Verdict, float | None], observed: int | None = 20) -> Decision:
    metrics = tuple(
        MetricResult(name=name, verdict=verdict, value=value, measured_at=AT) for name, verdict, value in results
    )
    status = CanaryStatus(
        phase=Phase.PROGRESSING, step_index=2, desired_weight=20, observed_weight=observed, metrics=metrics
    )
    return Decision(Event.WAITED, status, Desired(Routing(20)), message="")


def _samples(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    return {
        (sample.name.removeprefix("rollouts_canary_"), *(v for k, v in sample.labels.items() if k not in LABELS)):
        sample.value
        for metric in registry.collect() for sample in metric.samples if sample.value
    }  # fmt: skip


def test_the_state_of_a_canary_can_be_read(registry: CollectorRegistry) -> None:
    """Both weights, step, phase, and each metric with its value and its verdict."""
    CanarySeries(registry).show(KEY, _decision(("success", Verdict.FAIL, 47.9), ("latency", Verdict.NO_DATA, None)))

    assert _samples(registry) == {
        ("weight_percent",): 20.0,
        ("observed_weight_percent",): 20.0,
        ("phase", "Progressing"): 1.0,
        ("step",): 2.0,
        ("metric_value", "success"): 47.9,
        ("metric_verdict", "success", "Fail"): 1.0,
        ("metric_verdict", "latency", "NoData"): 1.0,
    }


def test_a_metric_that_is_gone_or_silent_leaves_no_old_value(registry: CollectorRegistry) -> None:
    """The value of before would be taken for the present one."""
    series = CanarySeries(registry)
    series.show(KEY, _decision(("success", Verdict.PASS, 99.0), ("latency", Verdict.PASS, 20.0)))
    series.show(KEY, _decision(("success", Verdict.NO_DATA, None)))

    values = [sample for metric in registry.collect() for sample in metric.samples if "metric" in sample.labels]
    assert {sample.labels["metric"] for sample in values} == {"success"}
    assert not [sample for sample in values if sample.name.endswith("value")]


def test_nothing_is_left_of_a_canary_that_is_gone(registry: CollectorRegistry) -> None:
    """Every series of it, whichever it had; again, and of one that was never known, does no harm."""
    series = CanarySeries(registry)
    series.show(KEY, _decision(("success", Verdict.PASS, 99.0), observed=None))
    for _ in range(2):
        series.forget(KEY)
        series.forget(ObjectKey("shop", "unknown"))

    assert [sample for metric in registry.collect() for sample in metric.samples] == []
