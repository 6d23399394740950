"""A past of requests as Prometheus text with timestamps, so that one scrape brings a whole minute of history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

BOUNDS_MS = (25, 100, 500, 1000, 2500)
_STEP_S = 5
_STEPS = 25
_EARLIER = 1_000
"""What the counters stood at before, per series, so that nothing depends on a start from zero."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests a second of one workload, the same all the time."""

    workload: str
    by_code: dict[str, int]
    by_bound_ms: dict[int, int] = field(default_factory=dict)
    """How many a second last at most so long and longer than the bound before."""
    namespace: str = "shop"
    reporter: str = "destination"
    service: str = ""
    """As callers name it; with nothing, as pods count it."""
    flags: str = "-"
    grpc: str = ""
    """The gRPC status; with nothing, it is no gRPC."""
    born: int = 0
    """The step at which it was first scraped, when it had counted for one step already."""

    def lines(self, until: datetime) -> list[str]:
        """The workload's series at every step up to `until`."""
        labels = (
            f'reporter="{self.reporter}",destination_workload="{self.workload}",'
            f'destination_workload_namespace="{self.namespace}"'
        )
        if self.service:
            labels += f',destination_service_name="{self.service}",destination_service_namespace="{self.namespace}"'
            labels += f',response_flags="{self.flags}"'
        if self.grpc:
            labels += f',grpc_response_status="{self.grpc}"'
        rates = [(f'istio_requests_total{{{labels},response_code="{code}"}}', n) for code, n in self.by_code.items()]
        for bound in (*BOUNDS_MS, None):
            below = sum(n for slowest, n in self.by_bound_ms.items() if bound is None or slowest <= bound)
            le = "+Inf" if bound is None else str(bound)
            rates.append((f'istio_request_duration_milliseconds_bucket{{{labels},le="{le}"}}', below))
        return [_sample(name, rate, step, until, self.born) for name, rate in rates for step in self._steps()]

    def _steps(self) -> range:
        return range(self.born, _STEPS)


def _sample(name: str, rate: int, step: int, until: datetime, born: int) -> str:
    ago_s = (_STEPS - 1 - step) * _STEP_S
    counted = rate * (step - born + 1) * _STEP_S if born else _EARLIER + rate * step * _STEP_S
    return f"{name} {counted} {round((until.timestamp() - ago_s) * 1000)}"
