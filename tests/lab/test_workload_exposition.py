"""What Prometheus reads of a pod's counts."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from e2e.lab.workload.exposition import Source, render_exposition
from e2e.lab.workload.meter import BUCKETS_MS, Meter
from e2e.lab.workload.views import read_pod

NAME = "istio_request_duration_milliseconds"


def _source(meter: Meter, version: str = "2") -> Source:
    meta: dict[str, Any] = {"uid": "u", "namespace": "shop", "name": "web-1", "labels": {"app": "web"}}
    return Source(read_pod({"metadata": meta, "status": {"podIP": "127.0.0.1"}}), version, meter)


def _samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_requests_carry_istios_labels() -> None:
    """A standard Istio query finds them."""
    meter = Meter()
    meter.stand_behind("web")
    meter.count(200, 0.001)
    meter.count(503, 0.001)
    meter.count(200, 0.001)
    samples = _samples(render_exposition([_source(meter)]))["istio_requests_total"]
    assert {labels["response_code"]: value for labels, value in samples} == {"200": 2.0, "503": 1.0}
    assert samples[0][0] == {
        "reporter": "destination",
        "source_workload": "istio-ingressgateway",
        "source_workload_namespace": "istio-system",
        "request_protocol": "http",
        "response_flags": "-",
        "connection_security_policy": "none",
        "destination_workload": "web-1",
        "destination_workload_namespace": "shop",
        "destination_app": "web",
        "destination_version": "2",
        "destination_service": "web.shop.svc.cluster.local",
        "destination_service_name": "web",
        "destination_service_namespace": "shop",
        "pod": "web-1",
        "namespace": "shop",
        "response_code": "200",
    }


def test_durations_fall_into_istios_buckets() -> None:
    """Buckets cumulate, a bound belongs to its bucket, and +Inf holds all."""
    meter = Meter()
    for duration_s in (0.0005, 0.4, 0.5, 0.501, 4000.0):
        meter.count(200, duration_s)
    samples = _samples(render_exposition([_source(meter)]))
    below = {labels["le"]: value for labels, value in samples[f"{NAME}_bucket"]}
    assert list(below) == [*(f"{bound:.15g}" for bound in BUCKETS_MS), "+Inf"]
    assert (below["0.5"], below["250"], below["500"], below["1000"], below["3600000"], below["+Inf"]) == (
        *(1, 1, 3, 4, 4, 5),
    )
    assert samples[f"{NAME}_count"][0][1] == 5
    assert samples[f"{NAME}_sum"][0][1] == 4_001_401.5


def test_a_pod_behind_no_service_is_unknown() -> None:
    """What Istio calls a destination that it can't name."""
    meter = Meter()
    meter.count(200, 0.001)
    [(labels, _)] = _samples(render_exposition([_source(meter, version="")]))["istio_requests_total"]
    assert {labels["destination_service"], labels["destination_version"]} == {"unknown"}


def test_a_request_stays_with_the_service_it_came_for() -> None:
    """When another Service takes the pod over, old counts keep their labels and new ones begin."""
    meter = Meter()
    meter.count(200, 0.001)
    meter.stand_behind("web")
    meter.count(200, 0.001)
    samples = _samples(render_exposition([_source(meter)]))["istio_requests_total"]
    assert [(labels["destination_service_name"], value) for labels, value in samples] == [("unknown", 1), ("web", 1)]


def test_odd_values_are_escaped() -> None:
    """A quote or a backslash in a label's value does not break the text."""
    meter = Meter()
    meter.count(200, 0.001)
    [(labels, _)] = _samples(render_exposition([_source(meter, version='a"b\\c')]))["istio_requests_total"]
    assert labels["destination_version"] == 'a"b\\c'


def test_pods_without_requests_show_nothing() -> None:
    """A series begins with a pod's first answer, as a sidecar's does."""
    assert _samples(render_exposition([_source(Meter())])) == {}
