from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.analysis import Analysis
from rollouts.telemetry.limits import limits_of


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ({"name": "request-success-rate", "thresholdRange": {"min": 99}}, {"min": 99.0}),
        ({"name": "request-duration", "thresholdRange": {"min": 1, "max": 500}}, {"min": 1.0, "max": 500.0}),
        ({"name": "depth", "query": "depth", "failureCondition": "result > 5.0"}, {}),
        (
            {"name": "request-success-rate", "evaluation": "sequential", "thresholdRange": {"min": 99.5}},
            {"min": 99.5},
        ),
        (
            {"name": "request-duration", "evaluation": "sequential", "objective": 95, "threshold": "500ms"},
            {"min": 95.0},
        ),
    ],
    ids=["least", "both", "an expression", "percent", "percent of the quick ones"],
)
def test_a_limit_is_in_the_unit_of_what_is_measured(metric: dict[str, Any], expected: dict[str, float]) -> None:
    """Milliseconds for a threshold, percent of good requests where those are counted; nothing where it is no number."""
    analysis = Analysis.model_validate({"interval": "1m", "stepWeight": 10, "maxWeight": 50, "metrics": [metric]})
    assert limits_of(analysis) == {metric["name"]: expected}
