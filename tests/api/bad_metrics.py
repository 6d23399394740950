"""Metrics that both the models and the API server must refuse: what is wrong, the metric, where, and in which words."""

from __future__ import annotations

from typing import Any

from rollouts.api import metric

SUCCESS_RATE = {"name": "request-success-rate", "thresholdRange": {"min": 99}}
DURATION = {"name": "request-duration", "thresholdRange": {"max": 500}}
_LIMITED = {"thresholdRange": {"max": 5}}
_OWN = {"name": "orders", "query": "orders", **_LIMITED}
BAD_METRICS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    ("a name without a query", {"name": "latency", **_LIMITED}, "", metric.ONE_QUERY),
    ("a query and a template", {**_OWN, "templateRef": {"name": "orders"}}, "", metric.ONE_QUERY),
    ("a query for what the mesh measures", {**SUCCESS_RATE, "query": "up"}, "", metric.ONE_QUERY),
    ("a range and a condition", {**SUCCESS_RATE, "successCondition": "result > 99.0"}, "", metric.ONE_LIMIT),
    ("no limit", {"name": "request-duration"}, "", metric.NO_LIMIT),
    (
        "an objective for a threshold",
        {"name": "request-success-rate", "evaluation": "threshold", "objective": 99},
        "",
        metric.NO_LIMIT,
    ),
    (
        "a condition for evidence",
        {"name": "request-success-rate", "evaluation": "sequential", "failureCondition": "result < 99.0"},
        "",
        metric.NOT_OF_EVIDENCE,
    ),
    ("failures of a duration", {**DURATION, "failures": {"http": ["5xx", "429"]}}, "", metric.FAILURES),
    ("no failure at all", {**SUCCESS_RATE, "failures": {"http": []}}, ".failures", metric.NO_FAILURE),
    ("a quantile of a rate", {**SUCCESS_RATE, "quantile": 0.5}, "", metric.QUANTILE),
    ("a reporter of a query", {**_OWN, "reporter": "source"}, "", metric.REPORTER),
    ("variables without a template", {**_OWN, "templateVariables": {"queue": "orders"}}, "", metric.VARIABLES),
    ("a slowest answer of a rate", {**SUCCESS_RATE, "threshold": "500ms"}, "", metric.SLOW),
)
