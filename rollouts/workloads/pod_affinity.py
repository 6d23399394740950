"""Scheduling rules by which pods look for their own kind: spread over nodes and zones, apart from or beside each other.

In a copy they have to look for the copy's pods. Left as they are, the copy would crowd on one node, or wait for ever
beside pods of a canary that is scaled down. Rules about other applications stay as they are, and so do rules about
other namespaces: there the label is another's. Keys whose values each pod brings along (matchLabelKeys, as
pod-template-hash) follow the copy's own labels by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.core.selector import SelectorLabel

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label of every namespace with its own name."""


def rewrite_self_selection(pod_spec: dict[str, Any], label: SelectorLabel, namespace: str) -> None:
    """Make every selector in `pod_spec` that names the target by `label` name the copy. Changes `pod_spec`."""
    for selector in _selectors(pod_spec, namespace):
        labels = selector.get("matchLabels") or {}
        if labels.get(label.key) == label.value:
            labels[label.key] = label.primary_value
        for expression in selector.get("matchExpressions") or ():
            if expression.get("key") == label.key:
                expression["values"] = list(_rewritten(expression, label))
    for term in _terms(pod_spec):
        if label.key in (term.get("mismatchLabelKeys") or ()) and _is_about(term, namespace):
            _spare_the_target(term, label)


def _rewritten(expression: dict[str, Any], label: SelectorLabel) -> Iterator[str]:
    """The copy in place of the target; where all but some are meant, neither of the two is another application."""
    for value in expression.get("values") or ():
        if value != label.value or expression.get("operator") == "NotIn":
            yield value
        if value == label.value:
            yield label.primary_value


def _spare_the_target(term: dict[str, Any], label: SelectorLabel) -> None:
    """`mismatchLabelKeys` means all pods with another value of that label than the pod's own: the target's, in a copy.

    Both values are excepted by name instead.
    """
    term["mismatchLabelKeys"] = [key for key in term["mismatchLabelKeys"] if key != label.key]
    if not term["mismatchLabelKeys"]:
        del term["mismatchLabelKeys"]
    known = (term.get("labelSelector") or {}).get("matchExpressions") or []
    others = {"key": label.key, "operator": "NotIn", "values": [label.value, label.primary_value]}
    term["labelSelector"] = {**(term.get("labelSelector") or {}), "matchExpressions": [*known, others]}


def _selectors(pod_spec: dict[str, Any], namespace: str) -> Iterator[dict[str, Any]]:
    for term in _terms(pod_spec):
        if _is_about(term, namespace):
            yield term.get("labelSelector") or {}
    for constraint in pod_spec.get("topologySpreadConstraints") or ():
        yield constraint.get("labelSelector") or {}


def _terms(pod_spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    affinity = pod_spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted["podAffinityTerm"]


def _is_about(term: dict[str, Any], namespace: str) -> bool:
    """Whether a term looks at pods of the target's namespace; of one that selects namespaces by labels, if it may."""
    listed, selector = term.get("namespaces") or (), term.get("namespaceSelector")
    if selector is None:
        return not listed or namespace in listed
    labels = selector.get("matchLabels") or {}
    named = [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]
    by_name = [one for one in (*named, *(selector.get("matchExpressions") or ())) if one["key"] == _NAMESPACE_NAME]
    selected = all(
        (namespace in (one.get("values") or ())) == (one["operator"] == "In")
        for one in by_name
        if one["operator"] in {"In", "NotIn"}
    )
    return namespace in listed or selected
