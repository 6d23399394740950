"""What is seen of Pods and Services."""

from typing import Any

import pytest

from e2e.lab.workload.views import ServiceView, read_pod, read_service


def _pod(**meta: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u", "namespace": "default", "name": "pod-x", **meta}, "spec": {"containers": []}}


def _owner(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"kind": kind, "name": name, "controller": True}]


@pytest.mark.parametrize(
    ("meta", "workload"),
    [
        pytest.param(
            {"ownerReferences": _owner("ReplicaSet", "shop-7d9f"), "labels": {"pod-template-hash": "7d9f"}},
            "shop",
            id="deployment",
        ),
        pytest.param({"ownerReferences": _owner("ReplicaSet", "bare")}, "bare", id="replica set alone"),
        pytest.param({"ownerReferences": _owner("DaemonSet", "agent")}, "agent", id="daemon set"),
        pytest.param({}, "pod-x", id="no owner"),
    ],
)
def test_a_pods_workload_is_the_one_that_users_know(meta: dict[str, Any], workload: str) -> None:
    """The Deployment's name, else the owner's, else the pod's own."""
    assert read_pod(_pod(**meta)).workload == workload


def test_a_pod_without_status_is_not_playable() -> None:
    """A pod that has no address yet is seen, and left alone."""
    assert not read_pod(_pod()).playable


@pytest.mark.parametrize(
    ("containers", "ports"),
    [
        pytest.param([{"name": "a"}], (8080,), id="default"),
        pytest.param([{"name": "a", "ports": [{"containerPort": 81}, {"containerPort": 80}]}], (80, 81), id="two"),
        pytest.param([{"name": "a", "ports": [{"containerPort": 53, "protocol": "UDP"}]}], (8080,), id="udp"),
    ],
)
def test_ports_are_those_declared(containers: list[dict[str, Any]], ports: tuple[int, ...]) -> None:
    """Each TCP port that a container declares, 8080 when none is."""
    assert read_pod({**_pod(), "spec": {"containers": containers}}).ports == ports


def test_a_service_selects_by_all_its_labels_in_its_namespace() -> None:
    """Other namespaces, missing labels and selector-less Services do not match."""
    service = read_service({"metadata": {"namespace": "a", "name": "s"}, "spec": {"selector": {"app": "x", "v": "1"}}})
    assert service.selects("a", {"app": "x", "v": "1", "more": "y"})
    assert not service.selects("a", {"app": "x"})
    assert not service.selects("b", {"app": "x", "v": "1"})
    assert not ServiceView("a", "headless", ()).selects("a", {"app": "x"})
