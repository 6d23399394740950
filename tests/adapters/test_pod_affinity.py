"""Scheduling rules in a copy: what looks for the target's own kind looks for the copy's, and nothing else changes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rollouts.core.selector import SelectorLabel
from rollouts.workloads.pod_affinity import rewrite_self_selection

LABEL = SelectorLabel("app", "checkout")
BOTH = {"key": "app", "operator": "NotIn", "values": ["checkout", "checkout-primary"]}
ITSELF, COPY = {"matchLabels": {"app": "checkout"}}, {"matchLabels": {"app": "checkout-primary"}}
BY_NAME = "kubernetes.io/metadata.name"


def _expression(operator: str, *values: str) -> dict[str, Any]:
    return {"key": "app", "operator": operator, "values": list(values)}


def _selecting(**expression: Any) -> dict[str, Any]:
    return {"labelSelector": {"matchExpressions": [expression]}}


TERMS = [
    pytest.param({"labelSelector": ITSELF}, {"labelSelector": COPY}, id="its own pods"),
    pytest.param({"labelSelector": {"matchLabels": {"app": "cache"}}}, None, id="another application's"),
    pytest.param({"labelSelector": {"matchLabels": {"tier": "checkout"}}}, None, id="another label"),
    pytest.param({}, None, id="no selector"),
    pytest.param({"labelSelector": {}}, None, id="all pods"),
    pytest.param(_selecting(**_expression("In", "checkout", "cache")),
                 _selecting(**_expression("In", "checkout-primary", "cache")), id="one of several"),
    pytest.param(_selecting(**_expression("NotIn", "cache")), None, id="all but another's"),
    pytest.param(_selecting(**_expression("NotIn", "checkout")), _selecting(**BOTH), id="all but its own"),
    pytest.param({"labelSelector": ITSELF, "matchLabelKeys": ["pod-template-hash"]},
                 {"labelSelector": COPY, "matchLabelKeys": ["pod-template-hash"]}, id="of the same version"),
    pytest.param({"labelSelector": {"matchLabels": {"tier": "web"}}, "matchLabelKeys": ["app"]}, None,
                 id="by the pod's own label"),
    pytest.param({"labelSelector": ITSELF, "mismatchLabelKeys": ["pod-template-hash"]},
                 {"labelSelector": COPY, "mismatchLabelKeys": ["pod-template-hash"]}, id="of another version"),
    pytest.param({"labelSelector": {"matchLabels": {"tier": "web"}}, "mismatchLabelKeys": ["app", "zone"]},
                 {"labelSelector": {"matchLabels": {"tier": "web"}, "matchExpressions": [BOTH]},
                  "mismatchLabelKeys": ["zone"]}, id="of other applications, by the pod's own label"),
    pytest.param({"labelSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
                  "mismatchLabelKeys": ["app"]},
                 {"labelSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}, BOTH]}},
                 id="that key alone"),
    pytest.param({"labelSelector": ITSELF, "namespaces": ["staging"]}, None, id="in another namespace"),
    pytest.param({"labelSelector": {}, "mismatchLabelKeys": ["app"], "namespaces": ["staging"]}, None,
                 id="other applications of another namespace"),
    pytest.param({"labelSelector": ITSELF, "namespaces": ["staging", "shop"]},
                 {"labelSelector": COPY, "namespaces": ["staging", "shop"]}, id="in several namespaces, its own too"),
    pytest.param({"labelSelector": ITSELF, "namespaceSelector": {}},
                 {"labelSelector": COPY, "namespaceSelector": {}}, id="in all namespaces"),
    pytest.param({"labelSelector": ITSELF, "namespaceSelector": {"matchLabels": {"team": "web"}}},
                 {"labelSelector": COPY, "namespaceSelector": {"matchLabels": {"team": "web"}}},
                 id="in namespaces of a team"),
    pytest.param({"labelSelector": ITSELF, "namespaceSelector": {"matchLabels": {BY_NAME: "staging"}}}, None,
                 id="in another namespace by its label"),
    pytest.param({"labelSelector": ITSELF, "namespaces": ["shop"],
                  "namespaceSelector": {"matchLabels": {BY_NAME: "staging"}}},
                 {"labelSelector": COPY, "namespaces": ["shop"],
                  "namespaceSelector": {"matchLabels": {BY_NAME: "staging"}}}, id="in both"),
    pytest.param({"labelSelector": ITSELF, "namespaceSelector": {
                  "matchExpressions": [{"key": BY_NAME, "operator": "NotIn", "values": ["shop"]}]}}, None,
                 id="everywhere else"),
    pytest.param({"labelSelector": ITSELF, "namespaceSelector": {
                  "matchExpressions": [{"key": BY_NAME, "operator": "Exists"}]}},
                 {"labelSelector": COPY, "namespaceSelector": {
                  "matchExpressions": [{"key": BY_NAME, "operator": "Exists"}]}}, id="in every namespace with a name"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["podAffinity", "podAntiAffinity"])
@pytest.mark.parametrize("strength", ["required", "preferred"])
@pytest.mark.parametrize(("term", "expected"), TERMS)
def test_an_affinity_is_the_copys(kind: str, strength: str, term: dict[str, Any], expected: Any) -> None:
    """Beside or apart, as a demand or a wish; None is said of what stays as it is."""

    def pod(of: dict[str, Any]) -> dict[str, Any]:
        rule = {"topologyKey": "kubernetes.io/hostname", **copy.deepcopy(of)}
        whole = rule if strength == "required" else {"weight": 1, "podAffinityTerm": rule}
        return {"affinity": {kind: {f"{strength}DuringSchedulingIgnoredDuringExecution": [whole]}}}

    given = pod(term)
    rewrite_self_selection(given, LABEL, "shop")
    assert given == pod(term if expected is None else expected)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        pytest.param({"labelSelector": ITSELF}, {"labelSelector": COPY}, id="its own pods"),
        pytest.param({"labelSelector": ITSELF, "matchLabelKeys": ["pod-template-hash"]},
                     {"labelSelector": COPY, "matchLabelKeys": ["pod-template-hash"]}, id="of the same version"),
        pytest.param({"labelSelector": {"matchLabels": {"tier": "web"}}, "matchLabelKeys": ["app"]},
                     {"labelSelector": {"matchLabels": {"tier": "web"}}, "matchLabelKeys": ["app"]},
                     id="by the pod's own label"),
        pytest.param({}, {}, id="no selector"),
    ],
)  # fmt: skip
def test_a_spread_is_the_copys(constraint: dict[str, Any], expected: dict[str, Any]) -> None:
    """Pods of the two are not counted together; keys whose values each pod brings along need no change."""
    given = {"topologySpreadConstraints": [copy.deepcopy(constraint)]}
    rewrite_self_selection(given, LABEL, "shop")
    assert given == {"topologySpreadConstraints": [expected]}


def test_a_pod_without_rules_has_none_afterwards() -> None:
    """Nothing is invented."""
    given: dict[str, Any] = {"containers": [], "affinity": {"podAffinity": {}, "nodeAffinity": {"x": 1}}}
    rewrite_self_selection(given, LABEL, "shop")
    assert given == {"containers": [], "affinity": {"podAffinity": {}, "nodeAffinity": {"x": 1}}}
