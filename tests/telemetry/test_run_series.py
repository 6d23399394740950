from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from rollouts.api.status import CanaryStatus, Phase
from rollouts.telemetry.book import Book
from rollouts.telemetry.run_series import RunSeries

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGAN + timedelta(seconds=90)
SECOND = CanaryStatus(
    phase=Phase.PROGRESSING, step_index=2, started_at=BEGAN, dwell_started_at=BEGAN + timedelta(seconds=60)
)


def _told(before: CanaryStatus, **after: Any) -> dict[tuple[str, str], float]:
    """Name, outcome and seconds of what ended."""
    registry = CollectorRegistry()
    RunSeries(Book(registry)).moved(before, before.model_copy(update=after), NOW)
    samples = [sample for metric in registry.collect() for sample in metric.samples if sample.name.endswith("_sum")]
    samples = [sample for sample in samples if sample.value]
    return {(sample.name.split("_")[1], sample.labels["outcome"]): sample.value for sample in samples}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"failed_checks": 1}, {}),
        ({"phase": Phase.WAITING_PROMOTION}, {}),
        ({"step_index": 3, "dwell_started_at": None}, {("step", "Advanced"): 30.0}),
        ({"phase": Phase.PROMOTING}, {("step", "Advanced"): 30.0}),
        ({"phase": Phase.FAILED}, {("step", "Failed"): 30.0, ("release", "Failed"): 90.0}),
        ({"phase": Phase.SUCCEEDED}, {("step", "Ended"): 30.0, ("release", "Succeeded"): 90.0}),
        ({"step_index": 0, "started_at": NOW}, {("step", "Ended"): 30.0}),
        ({"step_index": 2, "started_at": NOW}, {("step", "Ended"): 30.0}),
        ({"phase": Phase.WAITING, "step_index": 0}, {("step", "Ended"): 30.0}),
        ({"phase": Phase.TERMINATING}, {("step", "Ended"): 30.0}),
    ],
    ids=[
        "a failed check", "the gate", "next", "promoted", "rolled back", "reverted", "restarted", "at the same step",
        "restarted, gated", "deleted",
    ],
)  # fmt: skip
def test_a_step_is_measured_from_its_weight_being_in_force(
    after: dict[str, Any], expected: dict[tuple[str, str], float]
) -> None:
    """When it is left, however that happens; a release from its beginning, at its end."""
    assert _told(SECOND, **after) == expected


def test_what_never_began_is_not_measured() -> None:
    """A weight that was never in force has no length, and a failed release does not fail again."""
    waits = SECOND.model_copy(update={"dwell_started_at": None, "started_at": None})
    assert _told(waits, phase=Phase.FAILED) == {}
    assert _told(SECOND.model_copy(update={"phase": Phase.FAILED}), desired_weight=0) == {}
