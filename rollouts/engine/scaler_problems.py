"""What is wrong about the autoscalers around a target, each with the object and the way out.

Two that scale the same Deployment fight for ever, and one that the Canary does not know of fights with the Canary.
Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.resources import AUTOSCALERS, SCALED_OBJECTS, Manifest, ObjectKey
from rollouts.api.scaling import AutoscalerRef
from rollouts.core.observed import Problem
from rollouts.engine.belonging import is_ours
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster
from rollouts.workloads.autoscaler import bounds_of, scaled_object_behind, scales, without_bounds
from rollouts.workloads.scaled_object import PAUSED, is_paused_by_others, scaled_bounds_of, scales_object


def find_scaler_problems(cluster: Cluster, subject: Subject) -> Iterator[Problem]:
    """The reasons not to act."""
    ref = subject.spec.autoscaler_ref
    for resource in (AUTOSCALERS, SCALED_OBJECTS) if ref is not None and ref.is_keda else (AUTOSCALERS,):
        if trouble := cluster.trouble(resource):
            yield Problem("KindUnavailable", trouble)
    if ref is not None:
        yield from _named(cluster, subject, ref)
    for autoscaler in cluster.list_all(AUTOSCALERS, subject.owner.namespace):
        if problem := _unnamed(cluster, subject, autoscaler):
            yield problem


def _named(cluster: Cluster, subject: Subject, ref: AutoscalerRef) -> Iterator[Problem]:
    namespace, target = subject.owner.namespace, subject.spec.target.name
    resource = SCALED_OBJECTS if ref.is_keda else AUTOSCALERS
    known, who = cluster.read(resource, ObjectKey(namespace, ref.name)), f"{ref.kind} {namespace}/{ref.name}"
    if known is None:
        missing = f"{who} does not exist: create it, or correct spec.autoscalerRef"
        yield Problem("AutoscalerNotFound", missing)
        return
    if not (scales_object if ref.is_keda else scales)(known, target):
        other = (known["spec"].get("scaleTargetRef") or {}).get("name")
        wrong = f"{who} scales {other}, not Deployment {target}: correct its scaleTargetRef or spec.autoscalerRef"
        yield Problem("AutoscalerElsewhere", wrong)
    least, most = (scaled_bounds_of if ref.is_keda else bounds_of)(ref, known)
    if least > most:
        wrong = f"the copy of {who} would have a least of {least} and a most of {most}"
        yield Problem("AutoscalerBounds", f"{wrong}: set both of spec.autoscalerRef.primaryScalerReplicas")
    own_least, _ = (scaled_bounds_of if ref.is_keda else bounds_of)(without_bounds(ref), known)
    if own_least < 1 or known["spec"].get("idleReplicaCount") == 0:
        field = "minReplicaCount" if ref.is_keda else "minReplicas"
        wrong = f"{who} may scale to zero, and would take the canary's last pod before its first request"
        yield Problem("AutoscalerBounds", f"{wrong}: set its {field} to 1 or more, and no idleReplicaCount")
    if ref.is_keda and is_paused_by_others(known):
        held = f"{who} has the annotation {PAUSED}, so that KEDA would keep the canary at that size"
        yield Problem("AutoscalerPaused", f"{held}: remove it, the controller pauses it itself between releases")
    copied = cluster.read(resource, ObjectKey(namespace, ref.copy_name))
    if copied is not None and not is_ours(cluster, subject.owner, copied):
        found = f"{ref.kind} {namespace}/{ref.copy_name} exists and was not made by this Canary"
        yield Problem("NameTaken", f"{found}: delete or rename it, the controller needs the name")


def _unnamed(cluster: Cluster, subject: Subject, autoscaler: Manifest) -> Problem | None:
    """What is wrong with one that scales one of the two Deployments. KEDA's own ones follow their ScaledObject."""
    spec, ref, metadata = subject.spec, subject.spec.autoscaler_ref, autoscaler["metadata"]
    behind = scaled_object_behind(autoscaler)
    who = f"HorizontalPodAutoscaler {metadata['namespace']}/{metadata['name']}"
    if scales(autoscaler, spec.target.name):
        kind, name = ("ScaledObject", behind) if behind else ("HorizontalPodAutoscaler", metadata["name"])
        if ref is not None and (ref.kind, ref.name) == (kind, name):
            return None
        found = f"{who} scales Deployment {spec.target.name}, and would fight with the Canary over its size"
        wanted = f"set spec.autoscalerRef to {kind} {name}" if ref is None else "delete it: one autoscaler is enough"
        return Problem("AutoscalerNotNamed", f"{found}: {wanted}")
    if ref is not None and scales(autoscaler, spec.primary_name) and not is_ours(cluster, subject.owner, autoscaler):
        if ref.is_keda and behind == ref.copy_name:
            return None
        found = f"{who} scales Deployment {spec.primary_name}, which the copy of {ref.kind} {ref.name} is to scale"
        return Problem("AutoscalerOnPrimary", f"{found}: delete it")
    return None
