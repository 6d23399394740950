"""Limits of a metric: what passes, and how a value is told."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.metric import Metric, ThresholdRange
from rollouts.core.limits import in_words, verdict_of, within

SUCCESS: dict[str, Any] = {"name": "request-success-rate"}
DURATION: dict[str, Any] = {"name": "request-duration"}
ORDERS: dict[str, Any] = {"name": "orders", "query": "orders"}
BETWEEN = {"successCondition": "result > 1.0", "failureCondition": "result < 0.5"}
GUARDED = {"failureCondition": "result > 5.0 && int(result) % 0 == 0"}


def _metric(**fields: Any) -> Metric:
    return Metric.model_validate(fields)


@pytest.mark.parametrize(
    ("fields", "number", "verdict"),
    [
        ({"thresholdRange": {"min": 1, "max": 2}}, 1.0, "Pass"),
        ({"thresholdRange": {"min": 1, "max": 2}}, 2.0, "Pass"),
        ({"thresholdRange": {"min": 1, "max": 2}}, 2.001, "Fail"),
        ({"successCondition": "result > 1.0"}, 1.5, "Pass"),
        ({"successCondition": "result > 1.0"}, 0.5, "Fail"),
        ({"failureCondition": "result > 1.0"}, 1.5, "Fail"),
        ({"failureCondition": "result > 1.0"}, 0.5, "Pass"),
        (BETWEEN, 2.0, "Pass"),
        (BETWEEN, 0.7, "Inconclusive"),
        (BETWEEN, 0.2, "Fail"),
        # Both true: a failure is never talked away.
        ({"successCondition": "result > 0.0", "failureCondition": "result > 5.0"}, 6.0, "Fail"),
        (GUARDED, 1.0, "Pass"),
        (GUARDED, 6.0, "Error"),
        # What can be told decides, whatever can't be.
        ({"failureCondition": "result > 5.0", "successCondition": GUARDED["failureCondition"]}, 6.0, "Fail"),
        ({"failureCondition": "result > 9.0", "successCondition": GUARDED["failureCondition"]}, 6.0, "Error"),
    ],
)
def test_verdict_of_a_value(fields: dict[str, Any], number: float, verdict: str) -> None:
    """Both ends of a range pass; failureCondition comes first; one condition alone decides both ways."""
    assert verdict_of(_metric(**ORDERS, **fields), number) == verdict


def test_without_limits_every_value_passes() -> None:
    """Admission lets no such metric in but for sequential evaluation, which has an objective."""
    metric = _metric(**SUCCESS, objective=99)

    assert within(-1.0, None)
    assert verdict_of(metric, 1.0) == "Pass"
    assert in_words(metric, 98.0) == "request-success-rate 98.00 %"
    assert within(1.0, ThresholdRange(min=1))


@pytest.mark.parametrize(
    ("fields", "number", "count", "words"),
    [
        ({**SUCCESS, "thresholdRange": {"min": 99}}, 99.556541, 902,
         "request-success-rate 99.56 % (limit at least 99 %), 4 of 902 requests failed"),
        ({**SUCCESS, "thresholdRange": {"min": 99.65}}, 100, 902,
         "request-success-rate 100.00 % (limit at least 99.65 %), 0 of 902 requests failed"),
        # Counts are estimates between scrapes: of those that failed there is one at least, and never more than all.
        ({**SUCCESS, "thresholdRange": {"min": 99}}, 99.99, 900.4,
         "request-success-rate 99.99 % (limit at least 99 %), 1 of 900 requests failed"),
        ({**SUCCESS, "thresholdRange": {"min": 99}}, 0, 0.6,
         "request-success-rate 0.00 % (limit at least 99 %), 1 of 1 requests failed"),
        ({**SUCCESS, "thresholdRange": {"min": 99}}, 99, 0,
         "request-success-rate 99.00 % in 0 requests (limit at least 99 %)"),
        ({**SUCCESS, "thresholdRange": {"max": 50}}, 98, 100,
         "request-success-rate 98.00 % (limit at most 50 %), 2 of 100 requests failed"),
        ({**SUCCESS, "successCondition": "result >= 99"}, 98, 100,
         "request-success-rate 98.00 % (successCondition result >= 99 is false), 2 of 100 requests failed"),
        ({**DURATION, "thresholdRange": {"max": 500}}, 730, 902,
         "request-duration 730.00 ms in 902 requests (limit at most 500 ms)"),
        ({**ORDERS, "thresholdRange": {"min": 0.001, "max": 5}}, 0.0004, None,
         "orders 0.0004 (limit at least 0.001 and at most 5)"),
        ({**ORDERS, **BETWEEN}, 0.7, None,
         "orders 0.7 (failureCondition result < 0.5 is false, successCondition result > 1.0 is false)"),
        ({**ORDERS, **BETWEEN}, 0.2, None, "orders 0.2 (failureCondition result < 0.5 is true)"),
        ({**ORDERS, **BETWEEN}, 2, None, "orders 2 (successCondition result > 1.0 is true)"),
        ({**ORDERS, **GUARDED}, 6, None,
         "orders 6 (failureCondition result > 5.0 && int(result) % 0 == 0 has no answer: modulus by zero)"),
        ({**ORDERS, "successCondition": "result > 1.0 || " + " || ".join(["result > 2.0"] * 9)}, 6, None,
         f"orders 6 (successCondition result > 1.0 || {'result > 2.0 || ' * 4}… is true)".replace(" …", "…")),
    ],
)  # fmt: skip
def test_a_value_in_words(fields: dict[str, Any], number: float, count: float | None, words: str) -> None:
    """Against its limits, with counts where they are known."""
    assert in_words(_metric(**fields), number, count) == words
