from __future__ import annotations

from dataclasses import replace

import pytest
import structlog
from prometheus_client import CollectorRegistry

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision, Desired
from rollouts.core.measurement import Probe, Signal
from rollouts.core.phases import Event
from rollouts.core.routing import Routing
from rollouts.telemetry.report import Reporter

KEY, OTHER = ObjectKey("shop", "app"), ObjectKey("shop", "other")
STATUS = CanaryStatus(phase=Phase.PROGRESSING, step_index=1, desired_weight=20, last_applied_spec="abc")
WAITED = Decision(Event.WAITED, STATUS, Desired(Routing(20)), message="holding 20 %")
ADVANCED = Decision(Event.ADVANCE, STATUS, Desired(Routing(20)), message="passed")
LABELS = {"namespace": "shop", "name": "app"}


@pytest.fixture
def registry() -> CollectorRegistry:
    """What is served at /metrics."""
    return CollectorRegistry()


@pytest.fixture
def log() -> structlog.testing.CapturingLogger:
    """What was logged."""
    return structlog.testing.CapturingLogger()


@pytest.fixture
def reporter(registry: CollectorRegistry, log: structlog.testing.CapturingLogger) -> Reporter:
    """A fresh one."""
    return Reporter(registry, log)


def messages(log: structlog.testing.CapturingLogger) -> list[str]:
    """The reasons of the decisions logged."""
    return [call.kwargs["reason"] for call in log.calls]


def series(registry: CollectorRegistry) -> set[str]:
    """Names of the samples that belong to a Canary."""
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {sample.name for sample in samples if sample.labels.get("name") == "app"}


def test_a_decision_is_logged_with_what_led_to_it(reporter: Reporter, log: structlog.testing.CapturingLogger) -> None:
    """One line that can be searched by Canary, phase or event."""
    reporter.report(KEY, ADVANCED)
    [call] = log.calls
    assert (call.method_name, call.args) == ("info", ("decision",))
    assert call.kwargs == {
        "canary": "shop/app",
        "event_found": "Advance",
        "revision": "abc",
        "phase": "Progressing",
        "step": 1,
        "weight": 20,
        "reason": "passed",
    }


def test_waiting_is_logged_once(reporter: Reporter, log: structlog.testing.CapturingLogger) -> None:
    """The same wait again is silent, another wait or the same after something happened is not."""
    for decision in (WAITED, WAITED, replace(WAITED, message="judging"), ADVANCED, ADVANCED, WAITED, WAITED):
        reporter.report(KEY, decision)
    reporter.report(OTHER, WAITED)
    assert messages(log) == ["holding 20 %", "judging", "passed", "passed", "holding 20 %", "holding 20 %"]


def test_every_decision_is_counted(reporter: Reporter, registry: CollectorRegistry) -> None:
    """The silent ones too."""
    for _ in range(3):
        reporter.report(KEY, WAITED)
    assert registry.get_sample_value("rollouts_decisions_total", {"event": "Waited"}) == 3.0


def test_weight_and_phase_are_the_present_ones(reporter: Reporter, registry: CollectorRegistry) -> None:
    """Exactly one phase is 1."""
    reporter.report(KEY, ADVANCED)
    failed = replace(ADVANCED, status=STATUS.model_copy(update={"phase": Phase.FAILED}), desired=Desired(Routing(0)))
    reporter.report(KEY, failed)
    phases = {phase: registry.get_sample_value("rollouts_canary_phase", LABELS | {"phase": phase}) for phase in Phase}
    assert phases == {phase: float(phase is Phase.FAILED) for phase in Phase}
    assert registry.get_sample_value("rollouts_canary_weight_percent", LABELS) == 0.0


@pytest.mark.parametrize("decision", [WAITED, ADVANCED], ids=["waiting", "moving"])
def test_a_canary_that_is_gone_leaves_no_series(
    reporter: Reporter, registry: CollectorRegistry, decision: Decision
) -> None:
    """Forgotten as often as anyone likes, and one that was never known too."""
    reporter.report(KEY, decision)
    reporter.report(OTHER, decision)
    assert series(registry) >= {"rollouts_canary_weight_percent", "rollouts_canary_phase", "rollouts_canary_step"}
    reporter.forget(KEY)
    reporter.forget(KEY)
    assert series(registry) == set()
    assert registry.get_sample_value("rollouts_canary_weight_percent", LABELS | {"name": "other"}) == 20.0


def test_found_a_canary_that_only_asked_leaves_no_series(reporter: Reporter, registry: CollectorRegistry) -> None:
    """Deleted before anything was decided of it: its weight and phase stayed at /metrics for ever."""
    reporter.report(KEY, replace(WAITED, asks=(Probe(Signal.RIGHTS),)))
    reporter.forget(KEY)
    assert series(registry) == set()


def test_requests_queries_and_reconciles_are_counted(reporter: Reporter, registry: CollectorRegistry) -> None:
    """By verb, resource and code, by source and outcome, with their lengths; by the kind of failure."""
    process = reporter.process
    process.request_answered("patch", "services", 403, 0.2)
    process.query_answered("web", "rejected", 0.3)
    process.reconcile_ended(0.5)
    process.reconcile_ended(0.5, "Conflict")
    labels = {"verb": "patch", "resource": "services", "code": "403"}
    assert registry.get_sample_value("rollouts_api_requests_total", labels) == 1.0
    assert registry.get_sample_value("rollouts_api_request_seconds_sum", labels) == 0.2
    assert registry.get_sample_value("rollouts_metric_queries_total") == 1.0
    assert (
        registry.get_sample_value("rollouts_metric_query_seconds_sum", {"source": "web", "outcome": "rejected"}) == 0.3
    )
    assert registry.get_sample_value("rollouts_reconcile_seconds_sum") == 1.0
    assert registry.get_sample_value("rollouts_reconcile_failures_total", {"kind": "Conflict"}) == 1.0
