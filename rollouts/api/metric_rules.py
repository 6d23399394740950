"""What the API server checks of one metric: the same as metric.py, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rollouts.api import metric
from rollouts.api.schema import Rule

_BUILT_IN = f"self.name in {sorted(metric.BUILT_IN)}"
_CONDITIONS = (
    "(has(self.successCondition) && size(self.successCondition) > 0 || "
    "has(self.failureCondition) && size(self.failureCondition) > 0)"
)
_SEQUENTIAL = "has(self.evaluation) && self.evaluation == 'sequential'"
_WEIGHED = (
    "(!has(self.evaluation) || self.evaluation != 'threshold') && "
    "(has(self.objective) || has(self.threshold) || has(self.counters) || "
    f"has(self.compare) && self.compare == 'primary' || {_SEQUENTIAL})"
)

METRIC_RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType({
    "Metric": (
        Rule(
            "(has(self.templateRef) ? 1 : 0) + (has(self.query) && size(self.query) > 0 ? 1 : 0) + "
            "(has(self.counters) ? 1 : 0) == "
            f"({_BUILT_IN} ? 0 : 1)",
            metric.ONE_QUERY,
        ),
        Rule(f"!has(self.thresholdRange) || !({_CONDITIONS})", metric.ONE_LIMIT),
        Rule(f"has(self.thresholdRange) || {_CONDITIONS} || {_WEIGHED}", metric.NO_LIMIT),
        Rule(f"!({_SEQUENTIAL}) || !({_CONDITIONS})", metric.NOT_OF_EVIDENCE),
        Rule(
            f"self.name == '{metric.SUCCESS_RATE}' || !has(self.failures) || "
            "(!has(self.failures.http) || self.failures.http == ['5xx']) && "
            "(!has(self.failures.grpc) || size(self.failures.grpc) == 0)",
            metric.FAILURES,
        ),
        Rule(
            f"self.name == '{metric.DURATION}' || !has(self.quantile) || self.quantile == {metric.QUANTILE_DEFAULT}",
            metric.QUANTILE,
        ),
        Rule(f"!has(self.reporter) || self.reporter == 'destination' || {_BUILT_IN}", metric.REPORTER),
        Rule(
            "!has(self.templateVariables) || size(self.templateVariables) == 0 || has(self.templateRef)",
            metric.VARIABLES,
        ),
        Rule(f"!has(self.threshold) || self.name == '{metric.DURATION}'", metric.SLOW),
    ),
    "FailureStatus": (
        Rule("!has(self.http) || size(self.http) > 0 || has(self.grpc) && size(self.grpc) > 0", metric.NO_FAILURE),
    ),
})  # fmt: skip
"""By model."""

BARE = frozenset({"Metric", "Tolerance", "FailureStatus", "TemplateRef", "OnNoData", "Compare", "Reporter"})
"""What stands in the list of metrics: its defaults are the model's alone."""
