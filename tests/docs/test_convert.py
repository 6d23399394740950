from __future__ import annotations

from pathlib import Path
from typing import Any

from rollouts.lint import canary_rules
from tests.convert.goldens import NAMES, sources_of
from tests.lint.test_rules import CASES

DOCS = Path(__file__).resolve().parents[2] / "docs"
INSIDE = frozenset({
    "template", "selector", "metadata", "trafficPolicy", "status", "metricDataQueries", "scopes", "jsonBody", "config",
    "analyses", "templates", "plugins", "plugin", "headers", "corsPolicy", "retries", "match", "targetRef", "args",
    "gatewayRefs", "mirror", "nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix", "antiAffinity",
    "canaryMetadata", "stableMetadata", "activeMetadata", "previewMetadata", "unmanagedMetadata", "templateRef",
    "providerRef", "ingressRef", "upstreamRef", "routeRef", "autoscalerRef", "apex", "primary", "canary", "rangeQuery",
    "authentication", "analysisRunMetadata", "measurementRetention", "dryRun", "job", "datadog", "newRelic",
    "wavefront",
    "kayenta", "cloudWatch", "graphite", "influxdb", "skywalking", "pingPong", "replicaProgressThreshold", "experiment",
    "setHeaderRoute", "setMirrorRoute", "setCanaryScale", "workloadRef", "secretRef",
    "virtualService", "virtualServices", "destinationRule", "managedRoutes", "rollbackWindow",
    "templateVariables", "valueFrom",
})  # fmt: skip
"""What the page speaks of as a whole; what stands below it has no line of its own."""


def test_the_page_names_each_field_of_the_examples() -> None:
    """Which is all that both document."""
    page = (DOCS / "convert.md").read_text(encoding="utf-8")
    fields = {
        name for one in NAMES for source in sources_of(one) if _theirs(source) for name in _names(source.spec.value)
    }
    assert sorted(name for name in fields if name not in page) == []


def test_the_page_of_lint_names_each_rule() -> None:
    """Those that the tests provoke, and those that say that something is not in the files."""
    page = (DOCS / "lint.md").read_text(encoding="utf-8")
    assert [rule for rule in sorted({*canary_rules.ABSENT, *(case[2] for case in CASES)}) if rule not in page] == []


def _theirs(source: Any) -> bool:
    return source.group in {"flagger.app", "argoproj.io"} and source.kind not in {"AnalysisRun", "Experiment"}


def _names(value: Any) -> set[str]:
    found: set[str] = set()
    for name, below in value.items() if isinstance(value, dict) else ():
        found.add(str(name))
        found |= _names(below) if name not in INSIDE else set()
    for below in value if isinstance(value, list) else ():
        found |= _names(below)
    return found
