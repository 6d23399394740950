"""A DaemonSet: how it is scaled to zero and back, what its copy looks like, and what its object says of its state.

It has no size of its own, its nodes give it one: so its size is a switch, 0 for none and 1 for all. Off is a node in
its template that does not exist. (Not a key in its nodeSelector: that map is one value to server-side apply, so two
managers can't share it; nodeName is a field that no DaemonSet has of itself, and that no `kubectl apply` touches.) The
switch is no part of a version: hashes and copies are made of the template without it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import REVISION_ANNOTATION, Owner
from rollouts.api.resources import Manifest
from rollouts.core.observed import Problem, WorkloadState
from rollouts.core.revision import revision_of
from rollouts.workloads.primary_copy import kept_fields, render_copy

NOWHERE = "scaled-to-zero.rollouts.dev"
"""The node that no cluster has. A published name never changes: it stands in users' objects."""
_SWITCH = "/spec/template/spec/nodeName"
_COPIED_FIELDS = ("minReadySeconds", "revisionHistoryLimit")


def is_off(daemon_set: Manifest) -> bool:
    """Whether it is scaled to zero."""
    return bool(daemon_set["spec"]["template"]["spec"].get("nodeName") == NOWHERE)


def template_of(daemon_set: Manifest) -> Manifest:
    """Its template as its user wrote it: without our switch. Another nodeName is the user's, and stays."""
    template: Manifest = daemon_set["spec"]["template"]
    if not is_off(daemon_set):
        return template
    return {**template, "spec": {key: value for key, value in template["spec"].items() if key != "nodeName"}}


def observe_daemon_set(daemon_set: Manifest) -> WorkloadState:
    """A DaemonSet as far as the judgement cares. Kubernetes never gives its roll-out up: the Canary's deadline does."""
    metadata, status, off = daemon_set["metadata"], daemon_set.get("status") or {}, is_off(daemon_set)
    wanted, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    counts = {available, status.get("updatedNumberScheduled", 0), status.get("currentNumberScheduled", 0)}
    left = status.get("numberMisscheduled", 0) if off else 0
    return WorkloadState(
        revision=revision_of(template_of(daemon_set)),
        source_revision=(metadata.get("annotations") or {}).get(REVISION_ANNOTATION, ""),
        replicas=0 if off else 1,
        available=available,
        ready=_is_current(daemon_set) and counts == {wanted} and left == 0 and (off or wanted > 0),
    )


def render_daemon_set_copy(owner: Owner, spec: CanarySpec, target: Manifest, revision: str) -> Manifest:
    """The copy of `target`, on all nodes that its template fits, marked with `revision`.

    Raises SpecInvalid if the target has no label by which the two could part.
    """
    switched_on = {**target, "spec": {**target["spec"], "template": template_of(target)}}
    own = kept_fields(target, _COPIED_FIELDS) | {"updateStrategy": _without_gap(target)}
    return render_copy(owner, spec, switched_on, revision, own)


def switch_operations(daemon_set: Manifest, size: int) -> list[Manifest]:
    """Operations after which it is scaled to zero, or to all its nodes; none if it is, or if another holds the field.

    None either while pods are still going: its status would count them as available, though nobody reaches them.
    They fail if the object has changed since it was read.
    """
    node, off = daemon_set["spec"]["template"]["spec"].get("nodeName"), is_off(daemon_set)
    if (size == 0) == off or (node and not off) or (off and not _is_empty(daemon_set)):
        return []
    switch = {"op": "remove", "path": _SWITCH} if off else {"op": "add", "path": _SWITCH, "value": NOWHERE}
    version = daemon_set["metadata"]["resourceVersion"]
    return [switch, {"op": "replace", "path": "/metadata/resourceVersion", "value": version}]


def find_flaws(daemon_set: Manifest) -> Iterator[Problem]:
    """Why no copy of it could be made, or rolled without an outage; each names it and the way out."""
    metadata, spec = daemon_set["metadata"], daemon_set["spec"]
    name = f"DaemonSet {metadata['namespace']}/{metadata['name']}"
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        cost = f"{name} has the updateStrategy OnDelete, under which no new version ever comes to its pods by itself"
        yield Problem("StrategyUnsupported", f"{cost}: change it to RollingUpdate")
    pod = spec["template"]["spec"]
    if pod.get("nodeName") and not is_off(daemon_set):
        taken = f"spec.template.spec.nodeName of {name} is the field by which it is scaled to zero"
        yield Problem("NodeNameTaken", f"{taken}: choose the node by the label kubernetes.io/hostname in nodeSelector")
    if place := _place_on_the_node(pod):
        cost = f"pods of {name} take {place} of their node, which pods of a second version beside them can't have"
        way_out = "let clients reach the pods by the Service, without hostNetwork and hostPort"
        yield Problem("HostPortUnsupported", f"{cost}: {way_out}")


def find_no_node(daemon_set: Manifest) -> Iterator[Problem]:
    """That it is meant to run, and no node may have a pod of it."""
    status, metadata = daemon_set.get("status") or {}, daemon_set["metadata"]
    if is_off(daemon_set) or not _is_current(daemon_set) or status.get("desiredNumberScheduled", 0) > 0:
        return
    found = f"no node fits DaemonSet {metadata['namespace']}/{metadata['name']}, so it has no pod"
    way_out = "correct nodeSelector, affinity or tolerations of its template, or label a node so that it fits"
    yield Problem("NoNodeFits", f"{found}: {way_out}")


def _is_current(daemon_set: Manifest) -> bool:
    """Whether the status speaks of the present spec."""
    observed: int = (daemon_set.get("status") or {}).get("observedGeneration", 0)
    return observed > 0 and observed >= daemon_set["metadata"].get("generation", 0)


def _is_empty(daemon_set: Manifest) -> bool:
    """Whether the last pod has gone of one that is scaled to zero."""
    return _is_current(daemon_set) and not (daemon_set.get("status") or {}).get("numberMisscheduled", 0)


def _without_gap(target: Manifest) -> Manifest:
    """How the copy is rolled, at the target's pace: on each node the new pod first, since it has traffic meanwhile."""
    rolling = (target["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    surge = rolling.get("maxSurge")
    if surge in {None, 0, "0%"}:
        surge = rolling.get("maxUnavailable") or 1
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 0}}


def _place_on_the_node(pod: Manifest) -> str:
    """What its pods occupy of their node's network, for a person; empty if nothing."""
    if pod.get("hostNetwork"):
        return "the network (hostNetwork)"
    sidecars = [one for one in pod.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    ports = [port.get("hostPort") for one in [*pod["containers"], *sidecars] for port in one.get("ports") or ()]
    return next((f"port {port} (hostPort)" for port in ports if port), "")
