"""An hour and more of what exporters count of two releases of `cart`, as Prometheus text with timestamps.

In namespace `well` the canary is well, in `ill` it is not; its primary, beside it, is always the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

STEP_S = 15
STEPS = 300
BOUNDS_MS = (100, 250, 500, 1000, 2500)
PODS = {
    "cart": ("cart-6bcdf75c9d-x2v4z", "cart-6bcdf75c9d-b4k8w"),
    "cart-primary": ("cart-primary-7c8b9d5d4f-q2w4z",),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One series: where it starts, and how it grows each second."""

    name: str
    labels: dict[str, str]
    per_s: float = 0.0
    start: float = 1000.0

    def lines(self, until: datetime) -> Iterator[str]:
        """Its samples, the last one at `until`."""
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        end_ms = round(until.timestamp() * 1000)
        for step in range(STEPS + 1):
            value = self.start + self.per_s * step * STEP_S
            yield f"{self.name}{{{labels}}} {value} {end_ms - (STEPS - step) * STEP_S * 1000}"


def past() -> Iterator[Series]:
    """Everything."""
    for namespace in ("well", "ill"):
        for workload in PODS:
            good = (namespace == "well") == (workload == "cart")
            yield from _mesh(namespace, workload, good=good)
            yield from _gateway(namespace, workload, good=good)
            yield from _nodes(namespace, workload, good=good)
            yield from _application(namespace, workload, good=good)
        yield from _queue(namespace)


def _mesh(namespace: str, workload: str, *, good: bool) -> Iterator[Series]:
    of = {"destination_workload_namespace": namespace, "destination_workload": workload}
    http = of | {"reporter": "destination", "request_protocol": "http"}
    for code, per_s in ({"200": 99.0, "404": 0.5, "500": 0.5} if good else {"200": 90.0, "500": 10.0}).items():
        yield Series("istio_requests_total", http | {"response_code": code}, per_s)
    slow = {100: 95, 250: 4, 500: 1} if good else {100: 50, 2500: 40}
    yield from _buckets("istio_request_duration_milliseconds_bucket", http | {"response_code": "200"}, slow)
    if not good:
        yield from _buckets("istio_request_duration_milliseconds_bucket", http | {"response_code": "500"}, {100: 10})
    # Another workload, that answers gRPC alone.
    calls = of | {"destination_workload": workload.replace("cart", "rpc")}
    grpc = calls | {"reporter": "destination", "request_protocol": "grpc", "response_code": "200"}
    for status, per_s in ({"0": 99.0, "5": 0.6, "14": 0.4} if good else {"0": 60.0, "13": 40.0}).items():
        yield Series("istio_requests_total", grpc | {"grpc_response_status": status}, per_s)


def _gateway(namespace: str, workload: str, *, good: bool) -> Iterator[Series]:
    service = "cart-canary" if workload == "cart" else workload
    to = {"reporter": "source", "destination_service_namespace": namespace, "destination_service_name": service}
    for code, per_s in ({"200": 100.0} if good else {"200": 80.0, "503": 15.0, "0": 5.0}).items():
        whose = workload if code == "200" else "unknown"
        yield Series("istio_requests_total", to | {"destination_workload": whose, "response_code": code}, per_s)
    slow = {100: 95, 250: 4, 500: 1} if good else {100: 60, 2500: 40}
    yield from _buckets("istio_request_duration_milliseconds_bucket", to | {"response_code": "200"}, slow)
    cluster = {"envoy_cluster_name": f"httproute/{namespace}/cart/rule/0/backend/{int(workload == 'cart')}"}
    for status, per_s in ({"2": 100.0} if good else {"2": 75.0, "5": 25.0}).items():
        yield Series("envoy_cluster_upstream_rq_xx", cluster | {"envoy_response_code_class": status}, per_s)
    yield from _buckets("envoy_cluster_upstream_rq_time_bucket", cluster, slow)


def _buckets(name: str, labels: dict[str, str], by_bound_ms: dict[int, int]) -> Iterator[Series]:
    for bound in (*BOUNDS_MS, None):
        below = sum(per_s for slowest, per_s in by_bound_ms.items() if bound is None or slowest <= bound)
        yield Series(name, labels | {"le": "+Inf" if bound is None else str(bound)}, below)


def _nodes(namespace: str, workload: str, *, good: bool) -> Iterator[Series]:
    for index, pod in enumerate(PODS[workload]):
        one = {"namespace": namespace, "pod": pod, "container": "app"}
        yield Series("container_cpu_cfs_periods_total", one, 10)
        yield Series("container_cpu_cfs_throttled_periods_total", one, 0.1 if good else 6)
        used = (400 if good else 490) if index == 0 else 10
        yield Series("container_memory_working_set_bytes", one | {"node": "a"}, start=used * 2**20)
        yield Series("container_memory_working_set_bytes", one | {"container": ""}, start=2**40)
        limit = one | {"resource": "memory", "unit": "byte", "node": "a"}
        yield Series("kube_pod_container_resource_limits", limit, start=500 * 2**20)
        yield Series("kube_pod_container_status_restarts_total", one, start=0 if good or index else 3)


def _application(namespace: str, workload: str, *, good: bool) -> Iterator[Series]:
    for pod in PODS[workload]:
        one = {"namespace": namespace, "pod": pod}
        for level, per_s in ({"INFO": 99.9, "ERROR": 0.1} if good else {"INFO": 75.0, "ERROR": 25.0}).items():
            yield Series("log_messages_total", one | {"level": level}, per_s)
        yield Series("orders_total", one, start=500)
        yield Series("orders_failed_total", one, start=1 if good else 50)


def _queue(namespace: str) -> Iterator[Series]:
    for partition in ("0", "1"):
        of = {"consumergroup": namespace, "topic": "orders", "partition": partition}
        yield Series("kafka_consumergroup_lag", of, 0 if namespace == "well" else 3, start=6)
