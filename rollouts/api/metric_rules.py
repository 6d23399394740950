"""What the API server checks of one metric: the same as metric.py, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rollouts.api import metric
from rollouts.api.schema import Rule

_BUILT_IN = f"self.name in {sorted(metric.BUILT_IN)}"
_CONDITIONS = "(size(self.successCondition) + size(self.failureCondition) > 0)"
_SEQUENTIAL = "has(self.evaluation) && self.evaluation == 'sequential'"
_WEIGHED = (
    "(!has(self.evaluation) || self.evaluation != 'threshold') && "
    "(has(self.objective) || has(self.threshold) || has(self.counters) || "
    f"self.compare == 'primary' || {_SEQUENTIAL})"
)

METRIC_RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType({
    "Metric": (
        Rule(
            "(has(self.templateRef) ? 1 : 0) + (size(self.query) > 0 ? 1 : 0) + (has(self.counters) ? 1 : 0) == "
            f"({_BUILT_IN} ? 0 : 1)",
            metric.ONE_QUERY,
        ),
        Rule(f"!has(self.thresholdRange) || !({_CONDITIONS})", metric.ONE_LIMIT),
        Rule(f"has(self.thresholdRange) || {_CONDITIONS} || {_WEIGHED}", metric.NO_LIMIT),
        Rule(f"!({_SEQUENTIAL}) || !({_CONDITIONS})", metric.NOT_OF_EVIDENCE),
        Rule(
            f"self.name == '{metric.SUCCESS_RATE}' || "
            "self.failures.http == ['5xx'] && size(self.failures.grpc) == 0",
            metric.FAILURES,
        ),
        Rule(f"self.name == '{metric.DURATION}' || self.quantile == {metric.QUANTILE_DEFAULT}", metric.QUANTILE),
        Rule(f"self.reporter == 'destination' || {_BUILT_IN}", metric.REPORTER),
        Rule("size(self.templateVariables) == 0 || has(self.templateRef)", metric.VARIABLES),
        Rule(f"!has(self.threshold) || self.name == '{metric.DURATION}'", metric.SLOW),
    ),
    "FailureStatus": (Rule("size(self.http) + size(self.grpc) > 0", metric.NO_FAILURE),),
})  # fmt: skip
"""By model."""
