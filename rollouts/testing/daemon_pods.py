"""How a DaemonSet's pods come and go: one on each node that fits, an old one replaced in place, or by a surge.

As kube-controller-manager does it (pkg/controller/daemon/update.go), but that a pod ends at once. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from rollouts.api.resources import Manifest
from rollouts.core.revision import revision_of
from rollouts.testing.pod import Pod

Nodes = Mapping[str, Mapping[str, str]]
"""The labels of each node."""


def rolled(spec: Manifest, pods: Sequence[Pod], nodes: Nodes, now: float, make: Callable[[str], Pod]) -> list[Pod]:
    """The pods after one look of the controller, the oldest first; `make` starts one on a node."""
    revision, after = revision_of(spec["template"]), list[Pod]()
    fit = fitting(spec["template"], nodes)
    surge, room = _limits(spec, len(fit))
    on_nodes = {node: [pod for pod in pods if pod.node == node] for node in fit}
    if surge:
        room = surge - sum(_surged(pods, revision, now) for pods in on_nodes.values())
    else:
        room -= sum(not any(pod.ready_at <= now for pod in pods) for pods in on_nodes.values())
    for node, here in on_nodes.items():
        old, new = _parted(here, revision)
        if old and not new:
            serves = any(pod.ready_at <= now for pod in old)
            if not serves or room > 0:  # one that serves nobody is replaced whatever the limits say
                room -= serves
                old, new = (old, [make(node)]) if surge else ([], [make(node)])
        elif any(pod.ready_at <= now for pod in new):
            old = []
        after += [*old, *(new or ([] if old else [make(node)]))]
    return after


def counted(spec: Manifest, pods: Sequence[Pod], nodes: Nodes, now: float) -> dict[str, int]:
    """The counts of its status: of two pods on one node the older one speaks."""
    revision, fit = revision_of(spec["template"]), fitting(spec["template"], nodes)
    eldest = [next((pod for pod in pods if pod.node == node), None) for node in fit]
    there = [pod for pod in eldest if pod is not None]
    ready = sum(pod.ready_at <= now for pod in there)
    return {
        "desiredNumberScheduled": len(fit),
        "currentNumberScheduled": len(there),
        "updatedNumberScheduled": sum(pod.revision == revision for pod in there),
        "numberReady": ready,
        "numberAvailable": ready,
        "numberUnavailable": len(fit) - ready,
        "numberMisscheduled": 0,
    }


def fitting(template: Manifest, nodes: Nodes) -> list[str]:
    """The nodes on which a pod of that template may run."""
    pod = template["spec"]
    name, wanted = pod.get("nodeName"), (pod.get("nodeSelector") or {}).items()
    return [node for node, labels in nodes.items() if name in {None, "", node} and wanted <= labels.items()]


def _parted(pods: Sequence[Pod], revision: str) -> tuple[list[Pod], list[Pod]]:
    return [pod for pod in pods if pod.revision != revision], [pod for pod in pods if pod.revision == revision]


def _surged(pods: Sequence[Pod], revision: str, now: float) -> bool:
    """Whether a node has a pod more, for which is waited."""
    old, new = _parted(pods, revision)
    return bool(old and new) and not any(pod.ready_at <= now for pod in new)


def _limits(spec: Manifest, nodes: int) -> tuple[int, int]:
    """How many nodes may have a pod more, and how many none."""
    rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate") or {}
    surge, unavailable = (_scaled(rolling.get(name, 0), nodes) for name in ("maxSurge", "maxUnavailable"))
    return surge, unavailable if surge or unavailable else 1


def _scaled(value: int | str, nodes: int) -> int:
    return math.ceil(int(value.removesuffix("%")) * nodes / 100) if isinstance(value, str) else value
