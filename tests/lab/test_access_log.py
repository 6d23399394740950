"""What is counted of an Envoy's access log."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from e2e.lab.access_log.line import Reporter
from e2e.lab.access_log.tally import Directory, Tally
from e2e.lab.layout import CONFIG
from e2e.lab.workload.exposition import render_series
from e2e.lab.workload.views import PodView, read_pod

CLUSTER = "outbound|80|v1|shop.default.svc.cluster.local;"
GATEWAY = Reporter("istio-ingressgateway", "istio-system", trusts_host=False)
CLIENT = Reporter("client", "default", trusts_host=True)
UNKNOWN = "unknown"


def _pod(uid: str = "u1", workload: str = "shop-v1", address: str = "10.244.0.7") -> PodView:
    labels = {"app": "shop", "version": "v1"}
    owner = [{"kind": "StatefulSet", "name": workload, "controller": True}]
    meta: dict[str, Any] = {"uid": uid, "namespace": "default", "name": uid, "labels": labels, "ownerReferences": owner}
    return read_pod({"metadata": meta, "status": {"podIP": address}})


def _tally(reporter: Reporter = GATEWAY) -> tuple[Tally, Directory]:
    directory = Directory()
    directory.put(_pod())
    return Tally(reporter, directory), directory


def _line(code: int = 200, flags: str = "-", host: str = "10.244.0.7:8080", cluster: str = CLUSTER) -> bytes:
    return f"12 HTTP/1.1 {code} {flags} {host} {cluster} shop.example\n".encode()


def _requests(tally: Tally) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(render_series(tally.series()))
    return [(one.labels, one.value) for family in families for one in family.samples if one.name.endswith("s_total")]


def test_a_request_that_a_pod_answered_carries_istios_labels_and_no_others() -> None:
    """The workload comes from the pod's address, the Service from the cluster; a subset is no label of Istio's."""
    tally, _ = _tally()
    tally.feed(_line() * 3)
    labels = {
        "reporter": "source",
        "source_workload": "istio-ingressgateway",
        "source_workload_namespace": "istio-system",
        "destination_workload": "shop-v1",
        "destination_workload_namespace": "default",
        "destination_app": "shop",
        "destination_version": "v1",
        "destination_service": "shop.default.svc.cluster.local",
        "destination_service_name": "shop",
        "destination_service_namespace": "default",
        "request_protocol": "http",
        "response_code": "200",
        "response_flags": "-",
        "connection_security_policy": "unknown",
    }
    assert _requests(tally) == [(labels, 3.0)]


@pytest.mark.parametrize(
    ("code", "flags", "host", "workload"),
    [
        pytest.param(503, "UH", "-", UNKNOWN, id="no healthy upstream"),
        pytest.param(500, "FI", "-", UNKNOWN, id="abort injected"),
        pytest.param(200, "DI", "10.244.0.7:8080", "shop-v1", id="delay injected"),
        pytest.param(503, "UF,URX", "10.244.0.7:8080", "shop-v1", id="connection failed"),
        pytest.param(504, "UT", "10.244.0.7:8080", "shop-v1", id="timeout"),
        pytest.param(0, "DC", "10.244.0.99:8080", UNKNOWN, id="client gone, pod not known"),
    ],
)
def test_a_request_that_failed_on_its_way_counts_for_the_service(
    code: int, flags: str, host: str, workload: str
) -> None:
    """And for the workload whose pod was chosen, if one was."""
    tally, _ = _tally()
    tally.feed(_line(code, flags, host))
    [(labels, value)] = _requests(tally)
    assert value == 1
    assert (labels["response_code"], labels["response_flags"]) == (str(code), flags)
    assert (labels["destination_workload"], labels["destination_service_name"]) == (workload, "shop")


@pytest.mark.parametrize(
    ("reporter", "name"),
    [pytest.param(GATEWAY, UNKNOWN, id="gateway"), pytest.param(CLIENT, "shop.example", id="client")],
)
def test_without_a_route_a_sidecar_names_the_host_that_was_asked_for(reporter: Reporter, name: str) -> None:
    """A gateway does not: anybody may send any host to it."""
    tally, _ = _tally(reporter)
    tally.feed(_line(404, "NR", "-", "-"))
    [(labels, _)] = _requests(tally)
    assert {labels["destination_service"], labels["destination_service_name"]} == {name}
    assert labels["destination_service_namespace"] == UNKNOWN


def test_torn_lines_are_put_together() -> None:
    """A pipe gives bytes, not lines."""
    tally, _ = _tally()
    for at in range(len(_line())):
        tally.feed(_line()[at : at + 1])
    assert [value for _, value in _requests(tally)] == [1.0]


def test_an_address_that_another_pod_got_counts_for_that_one() -> None:
    """What was counted before stays with the first; a pod that goes is remembered for its last lines."""
    tally, directory = _tally()
    tally.feed(_line())
    directory.put(_pod("u2", "shop-v2"))
    tally.feed(_line())
    assert [labels["destination_workload"] for labels, _ in _requests(tally)] == ["shop-v1", "shop-v2"]


def test_what_is_no_http_request_is_not_counted() -> None:
    """TCP connections have lines too; a line that can't be read is noted, not fatal."""
    tally, _ = _tally()
    tally.feed(b"12 - 0 - 10.244.0.7:5432 outbound|5432||db.default.svc.cluster.local; -\nstrange\n" + _line())
    assert [value for _, value in _requests(tally)] == [1.0]
    assert tally.strange == 1


def test_the_format_in_the_mesh_has_the_fields_that_are_read() -> None:
    """One blank between two of them, the duration first, and a line end."""
    text = yaml.safe_load((CONFIG / "mesh.yaml").read_text())["accessLogFormat"]
    assert text.endswith("\n")
    assert text.startswith("%DURATION% %PROTOCOL% ")
    assert len(shlex.split(text)) == len(_line().split())
