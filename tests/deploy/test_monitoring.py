"""The dashboard and the alerts: what they ask for exists, promtool agrees, a real Prometheus evaluates each query."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from rollouts.telemetry.report import Reporter
from tests.deploy.manifests import DEPLOY

FOLDER = DEPLOY / "monitoring"
RULES = yaml.safe_load((FOLDER / "rules.yaml").read_text(encoding="utf-8"))["spec"]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in DASHBOARD["panels"]}
ALERTS = {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}
QUERIES = [query for queries in PANELS.values() for query in queries] + list(ALERTS.values())
OF_HISTOGRAMS = ("_bucket", "_count", "_sum")


def _exported() -> set[str]:
    """Every name that the program can export."""
    registry = CollectorRegistry()
    Reporter(registry)
    return {
        name for metric in registry.collect() for name in (metric.name, f"{metric.name}_total", *_parts(metric.name))
    }


def _parts(name: str) -> list[str]:
    return [name + part for part in OF_HISTOGRAMS]


def test_every_series_that_is_asked_for_is_exported() -> None:
    """A panel or an alert of a name that nobody exports would be silent for ever."""
    asked = {name for query in QUERIES for name in re.findall(r"\brollouts_[a-z_]+", query)}
    assert asked
    assert asked <= _exported()


def test_every_alert_is_tried() -> None:
    """tests.yaml has each by its name, firing."""
    tests = yaml.safe_load((FOLDER / "tests.yaml").read_text(encoding="utf-8"))["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == ALERTS.keys()


@pytest.mark.lab
def test_promtool_agrees(tmp_path: Path) -> None:
    """The rules are well formed, and fire when tests.yaml says so, and no sooner."""
    promtool = shutil.which("promtool")
    assert promtool is not None, "needs the lab: run `make test-lab`"
    (tmp_path / "rules.rendered.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
    shutil.copy(FOLDER / "tests.yaml", tmp_path)

    for words in (("check", "rules", "rules.rendered.yaml"), ("test", "rules", "tests.yaml")):
        done = subprocess.run([promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.lab
@pytest.mark.parametrize("query", QUERIES)
def test_a_real_prometheus_evaluates_it(query: str) -> None:
    """Each panel's and each alert's query, with the dashboard's variables as they are for all."""
    text = query.replace("$namespace", ".*").replace("$name", ".*")
    asked = urllib.parse.urlencode({"query": text})
    with urllib.request.urlopen(f"{os.environ['PROMETHEUS_URL']}/api/v1/query?{asked}", timeout=10) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    assert told["status"] == "success"
    assert not told.get("warnings")


def test_the_service_monitor_finds_the_service() -> None:
    """By its labels and its port; the labels of a series come before those of the pod."""
    monitor, service = (
        yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))
        for path in ("monitoring/service-monitor.yaml", "base/service.yaml")
    )
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["honorLabels"] is True
