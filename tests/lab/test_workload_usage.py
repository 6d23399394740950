"""What autoscalers are told of the played pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.lab.workload.pod_metrics import ROOT, Usage, answer
from e2e.lab.workload.usage import RequestRates
from e2e.lab.workload.views import read_pod

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _usage(name: str, cores: float, **labels: str) -> Usage:
    metadata = {"uid": name, "namespace": "default", "name": name, "labels": labels}
    return Usage(read_pod({"metadata": metadata, "spec": {"containers": [{"name": "app"}, {"name": "log"}]}}), cores)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    """An old load is forgotten, and nothing is said of a pod that was seen once."""
    rates = RequestRates()
    for second in range(10):
        rates.note(second, {"a": 100 * second})
    assert rates.rate("a") == 100
    for second in range(10, 20):
        rates.note(second, {"a": 900, "b": 0} if second < 19 else {"a": 900, "b": 0, "c": 5})
    assert (rates.rate("a"), rates.rate("b"), rates.rate("c"), rates.rate("d")) == (0, 0, None, None)


def test_pods_are_chosen_by_their_labels() -> None:
    """Of one namespace, all labels equal; the whole use is the first container's."""
    usages = [_usage("a", 0.25, app="x", tier="web"), _usage("b", 1.0, app="y")]
    status, body = answer(f"{ROOT}/namespaces/default/pods?labelSelector=app%3Dx%2Ctier%3Dweb", usages, AT)
    assert status == 200
    (item,) = body["items"]
    assert (item["metadata"]["name"], item["timestamp"]) == ("a", "2026-01-02T03:04:05Z")
    assert [one["usage"]["cpu"] for one in item["containers"]] == ["250000000n", "0"]
    assert answer(f"{ROOT}/namespaces/other/pods", usages, AT)[1]["items"] == []


def test_discovery_names_pods() -> None:
    """The API server asks for it before it sends anything on."""
    status, body = answer(ROOT, [], AT)
    assert (status, body["kind"], body["resources"][0]["name"]) == (200, "APIResourceList", "pods")


@pytest.mark.parametrize(
    ("target", "status"),
    [(f"{ROOT}/nodes", 404), ("/", 404), (f"{ROOT}/namespaces/a/pods?labelSelector=app%20in%20(a)", 400)],
)
def test_what_the_lab_does_not_need_is_refused(target: str, status: int) -> None:
    """With a Status, as an API server says it."""
    found, body = answer(target, [], AT)
    told: dict[str, Any] = {"code": status, "kind": "Status"}
    assert found == status
    assert told.items() <= body.items()
