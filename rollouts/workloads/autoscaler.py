"""The HorizontalPodAutoscaler of the primary: the target's own, told to scale the copy.

Pure: the user's autoscaler in, a whole manifest for server-side apply out. It is followed as it is now, since an
autoscaler belongs to the load and not to a revision; only its least is ours to raise while a run lasts.
"""

from __future__ import annotations

import copy

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import REVISION_ANNOTATION, Owner
from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS, Manifest, Resource
from rollouts.api.scaling import AutoscalerRef
from rollouts.core.revision import revision_of, without_nulls
from rollouts.workloads.primary_copy import is_tracking

LEAST = 1
"""Kubernetes' own default of minReplicas."""


def render_autoscaler(owner: Owner, spec: CanarySpec, ref: AutoscalerRef, source: Manifest, floor: int) -> Manifest:
    """The primary's autoscaler; it leaves the primary at least `floor` pods, but never more than its most."""
    copied = copy.deepcopy(without_nulls(source["spec"]))
    least, most = bounds_of(ref, source)
    copied["scaleTargetRef"]["name"] = spec.primary_name
    copied |= {"minReplicas": max(least, min(floor, most)), "maxReplicas": most}
    for metric in copied.get("metrics") or ():
        described = (metric.get("object") or {}).get("describedObject") or {}
        if is_deployment(described, spec.target.name):
            described["name"] = spec.primary_name
    return whole_copy(owner, ref, AUTOSCALERS, source, copied)


def bounds_of(ref: AutoscalerRef, source: Manifest) -> tuple[int, int]:
    """The copy's least and most between releases."""
    known, bounds = source["spec"], ref.bounds
    least = bounds.min_replicas if bounds.min_replicas is not None else known.get("minReplicas", LEAST)
    most = bounds.max_replicas if bounds.max_replicas is not None else known["maxReplicas"]
    return int(least), int(most)


def without_bounds(ref: AutoscalerRef) -> AutoscalerRef:
    """The same without what is said of the copy: by it the bounds are the target's own."""
    return ref.model_copy(update={"primary_scaler_replicas": None})


def whole_copy(owner: Owner, ref: AutoscalerRef, resource: Resource, source: Manifest, copied: Manifest) -> Manifest:
    """The copy with that spec, marked with what it was made from: a field that is gone differs in that alone."""
    labels = source["metadata"].get("labels") or {}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": ref.copy_name,
            "namespace": owner.namespace,
            "labels": {key: value for key, value in labels.items() if not is_tracking(key)} | owner.labels(),
            # The user's annotations are orders to others about that one object; see primary_copy.py.
            "annotations": {REVISION_ANNOTATION: revision_of(copied)},
        },
        "spec": copied,
    }


def scales(autoscaler: Manifest, name: str) -> bool:
    """Whether that HorizontalPodAutoscaler is about the Deployment of that name."""
    return is_deployment(autoscaler["spec"].get("scaleTargetRef") or {}, name)


def scaled_object_behind(autoscaler: Manifest) -> str:
    """The ScaledObject that KEDA made it for; empty if nobody's program did."""
    owners = autoscaler["metadata"].get("ownerReferences") or ()
    return next((str(one["name"]) for one in owners if one.get("kind") == "ScaledObject"), "")


def is_deployment(reference: Manifest, name: str) -> bool:
    """Whether a reference names that Deployment, in whichever version."""
    group = str(reference.get("apiVersion") or "apps/v1").partition("/")[0]
    kind = reference.get("kind") or DEPLOYMENTS.kind
    return (group, kind, reference.get("name")) == (DEPLOYMENTS.group, DEPLOYMENTS.kind, name)
