"""How a metric has Istio's series read: whose count, which answers failed, which quantile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollouts.api.metric import QUANTILE_DEFAULT, Metric, Reporter
from rollouts.core.judge import metric_of
from rollouts.core.measurement import Probe


@dataclass(frozen=True, slots=True)
class Reading:
    """What a metric says of that, or what is so where none says anything."""

    http: tuple[str, ...] = ("5xx",)
    """HTTP statuses that are failures."""
    grpc: tuple[int, ...] = ()
    """gRPC statuses that are."""
    quantile: float = QUANTILE_DEFAULT
    reporter: Reporter = Reporter.DESTINATION

    @property
    def callers(self) -> Reporter:
        """Who counts what reaches no pod."""
        return Reporter.SOURCE if self.reporter is Reporter.DESTINATION else self.reporter

    @property
    def failures(self) -> list[str]:
        """The matchers of failed answers."""
        codes = "|".join(code.replace("xx", "..") for code in self.http)
        return [f'response_code=~"{codes}"', *self.grpc_failures] if codes else self.grpc_failures

    @property
    def grpc_failures(self) -> list[str]:
        """The same of gRPC alone, whose failures are 200 in HTTP."""
        return [f'grpc_response_status=~"{"|".join(map(str, self.grpc))}"'] if self.grpc else []


AS_IT_IS = Reading()


def reading_of(metrics: Sequence[Metric], probe: Probe) -> Reading:
    """As the metric has it that a probe is asked for. One that is asked for none is answered by whoever counts at all:
    in an ambient mesh, whose pods have no proxies, that is the waypoint.
    """
    metric = metric_of(metrics, probe)
    if metric is not None:
        return Reading(metric.failures.http, metric.failures.grpc, metric.quantile, metric.reporter)
    ambient = any(one.reporter is Reporter.WAYPOINT for one in metrics)
    return Reading(reporter=Reporter.WAYPOINT) if ambient else AS_IT_IS
