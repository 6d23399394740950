from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rollouts.api.resources import Manifest
from rollouts.embedded.ages import age, age_of
from rollouts.embedded.json_path import found
from rollouts.embedded.table import columns_of, table_of

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
MADE = "2026-01-02T11:57:30Z"


def cells(kind: str, manifest: Manifest) -> dict[str, Any]:
    """The only row, by the names of the columns."""
    table = table_of(columns_of(kind), [{"metadata": {"name": "web", "creationTimestamp": MADE}, **manifest}], NOW)
    names = [column["name"] for column in table["columnDefinitions"]]
    return dict(zip(names, table["rows"][0]["cells"], strict=True))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (3 * 3600 + 61, "3h1m"),
        (8 * 3600 + 61, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (49 * 3600, "2d1h"),
        (8 * 86400 + 3600, "8d"),
        (729 * 86400, "729d"),
        (731 * 86400, "2y1d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_ages(seconds: float, written: str) -> None:
    """Two units at most, and one as soon as the finer says little."""
    assert age(seconds) == written
    assert age_of((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == written


def test_an_age_without_a_stamp() -> None:
    """An object that somebody else made may have none."""
    assert age_of(None, NOW) == "<unknown>"
    assert age_of("yesterday", NOW) == "<invalid>"


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (".a.b", [1]),
        (".a['b']", [1]),
        (".missing.b", []),
        (".list[0].name", ["x"]),
        (".list[-1].name", ["y"]),
        (".list[*].name", ["x", "y"]),
        ('.list[?(@.name=="y")].value', [2]),
        ('.list[?(@.name == "z")].value', []),
        (r".labels.example\.com/team", ["blue"]),
        (".a[", []),
    ],
)
def test_json_paths(path: str, values: list[Any]) -> None:
    """What printer columns write."""
    manifest = {
        "a": {"b": 1},
        "list": [{"name": "x", "value": 1}, {"name": "y", "value": 2}],
        "labels": {"example.com/team": "blue"},
    }
    assert found(path, manifest) == values


def test_a_deployment() -> None:
    """Its pods first, what it runs with -o wide."""
    pod = {"containers": [{"name": "app", "image": "app:1"}, {"name": "side", "image": "side:2"}]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"b": "2", "a": "1"}}, "template": {"spec": pod}}
    status = {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    assert cells("Deployment", {"spec": spec, "status": status}) == {
        "Name": "web",
        "Ready": "1/3",
        "Up-to-date": 2,
        "Available": 1,
        "Age": "2m30s",
        "Containers": "app,side",
        "Images": "app:1,side:2",
        "Selector": "a=1,b=2",
    }


def test_a_daemon_set() -> None:
    """The nodes that it is for, and how far it is on them."""
    spec = {"template": {"spec": {"nodeSelector": {"disk": "ssd"}, "containers": []}}}
    status = {"desiredNumberScheduled": 3, "currentNumberScheduled": 2, "numberAvailable": 1}
    seen = cells("DaemonSet", {"spec": spec, "status": status})
    assert [seen[name] for name in ("Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector")] == [
        3, 2, 0, 0, 1, "disk=ssd",
    ]  # fmt: skip


def test_a_service() -> None:
    """Where it is reached."""
    ports = [{"port": 80}, {"port": 53, "protocol": "UDP", "nodePort": 30053}]
    row = cells("Service", {"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "ports": ports}})
    assert row["Cluster-IP"] == "10.0.0.1"
    assert row["External-IP"] == "<pending>"
    assert row["Port(s)"] == "80/TCP,53:30053/UDP"
    assert row["Selector"] == "<none>"


def test_an_event() -> None:
    """When, what, of whom."""
    event = {
        "involvedObject": {"kind": "Canary", "name": "web"},
        "reason": "Promoted",
        "message": "all is well\n",
        "type": "Normal",
        "count": 3,
        "source": {"component": "rollouts"},
        "firstTimestamp": "2026-01-02T11:00:00Z",
        "lastTimestamp": "2026-01-02T11:59:00Z",
    }
    row = cells("Event", event)
    assert (row["Last Seen"], row["First Seen"], row["Count"]) == ("60s", "60m", 3)
    assert (row["Object"], row["Source"], row["Message"]) == ("canary/web", "rollouts", "all is well")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Running"}, "Running"),
        ({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "Pull"}}}]}, "Pull"),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 3}}}]}, "ExitCode:3"),
        ({}, "Unknown"),
    ],
)
def test_a_pod_in_one_word(status: Manifest, word: str) -> None:
    """The reason before the phase."""
    assert cells("Pod", {"spec": {"containers": [{}]}, "status": status})["Status"] == word


def test_an_autoscaler() -> None:
    """What it sees, and what it is for."""
    target = {"type": "Utilization", "averageUtilization": 50}
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    assert cells("HorizontalPodAutoscaler", {"spec": spec})["Targets"] == "cpu: <unknown>/50%"
    current = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 20}}}]
    seen = cells("HorizontalPodAutoscaler", {"spec": spec, "status": {"currentMetrics": current}})
    assert (seen["Targets"], seen["Reference"], seen["MinPods"]) == ("cpu: 20%/50%", "Deployment/web", "<unset>")


def test_the_columns_of_a_custom_kind() -> None:
    """Of their types; what is absent is empty, what is of another type too."""
    printed: list[Manifest] = [
        {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
        {"name": "Weight", "type": "integer", "jsonPath": ".status.weight", "priority": 1},
        {"name": "Wrong", "type": "integer", "jsonPath": ".status.phase"},
        {"name": "Since", "type": "date", "jsonPath": ".status.since"},
        {"name": "Gone", "type": "date", "jsonPath": ".status.gone"},
    ]
    manifest = {"metadata": {"name": "x"}, "status": {"phase": "Waiting", "weight": 20, "since": MADE}}
    table = table_of(columns_of("Thing", printed), [manifest], NOW)
    assert table["rows"][0]["cells"] == ["x", "Waiting", 20, None, "2m30s", None]
    assert [column["priority"] for column in table["columnDefinitions"]] == [0, 0, 1, 0, 0, 0]


def test_what_a_row_carries_of_its_object() -> None:
    """Names for kubectl's own use; all of it, or nothing, if asked."""
    manifest = {"kind": "Thing", "metadata": {"name": "x"}, "spec": {"a": 1}}
    rows = {how: table_of(columns_of("Thing"), [manifest], NOW, include=how)["rows"][0] for how in
            ("None", "Metadata", "Object")}  # fmt: skip
    assert "object" not in rows["None"]
    assert rows["Metadata"]["object"]["kind"] == "PartialObjectMetadata"
    assert "spec" not in rows["Metadata"]["object"]
    assert rows["Object"]["object"] == manifest
