"""Scheduling rules by which pods look for their own kind: spread over nodes and zones, apart from or beside each other.

In a copy they have to look for the copy's pods. Left as they are, the copy would crowd on one node, or wait for ever
beside pods of a canary that is scaled down. Rules about other applications stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.core.selector import SelectorLabel


def rewrite_self_selection(pod_spec: dict[str, Any], label: SelectorLabel) -> None:
    """Make every selector in `pod_spec` that names the target by `label` name the copy. Changes `pod_spec`."""
    for selector in _selectors(pod_spec):
        labels = selector.get("matchLabels") or {}
        if labels.get(label.key) == label.value:
            labels[label.key] = label.primary_value
        for expression in selector.get("matchExpressions") or ():
            if expression.get("key") == label.key:
                values = expression.get("values") or ()
                expression["values"] = [label.primary_value if value == label.value else value for value in values]


def _selectors(pod_spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    affinity = pod_spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        for term in rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ():
            yield term.get("labelSelector") or {}
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            yield weighted["podAffinityTerm"].get("labelSelector") or {}
    for constraint in pod_spec.get("topologySpreadConstraints") or ():
        yield constraint.get("labelSelector") or {}
