"""The autoscaler beside the target: the primary gets one of its own, and the target's never works against the Canary.

Implements `Companion`. What the two kinds look like is workloads/autoscaler.py's and scaled_object.py's matter; what is
wrong with them scaler_problems.py's.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.known import Known
from rollouts.api.ownership import REVISION_ANNOTATION
from rollouts.api.resources import AUTOSCALERS, DEPLOYMENTS, SCALED_OBJECTS, Manifest, ObjectKey, Resource
from rollouts.api.scaling import AutoscalerRef
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed, Problem
from rollouts.engine.belonging import is_ours
from rollouts.engine.pod_labels import target_of
from rollouts.engine.rights import Right
from rollouts.engine.scaler_problems import find_scaler_problems
from rollouts.engine.subject import Subject
from rollouts.engine.versions import at_version_of
from rollouts.ports import Apply, Cluster, Delete, Write
from rollouts.workloads.autoscaler import bounds_of, render_autoscaler, scales, without_bounds
from rollouts.workloads.kinds import kind_of
from rollouts.workloads.primary_copy import render_scale
from rollouts.workloads.scaled_object import (
    is_at_rest,
    is_paused_by_others,
    is_paused_by_us,
    render_pause,
    render_scaled_object,
    scaled_bounds_of,
    scales_object,
)

PAUSER = "rollouts-pause"
"""Field manager of the pause alone: what it no longer names is taken away, and nothing else."""
SIZER = "rollouts-size"
"""Field manager that keeps a size for whoever scales next, while our own apply lets go of it."""


class Autoscaling:
    """HorizontalPodAutoscalers and ScaledObjects."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """As the Protocol says. ScaledObjects are only read for a Canary that names one."""
        return (AUTOSCALERS, SCALED_OBJECTS)

    def rights(self, _cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says."""
        ref = subject.spec.autoscaler_ref
        return () if ref is None else tuple(Right(verb, _kind(ref)) for verb in ("create", "patch", "delete"))

    def concerns(self, _cluster: Cluster, canary: Known, _resource: Resource, _key: ObjectKey) -> bool:
        """As the Protocol says: any may begin or cease to scale the target, and their specs change seldom."""
        return canary.told(target_of) is not None

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """As the Protocol says."""
        return find_scaler_problems(cluster, subject)

    def before(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says: the primary's least is raised before anything takes its load away."""
        if not (desired.routing or desired.copy_to_primary):
            return
        if seen.problem is None:
            for resource, stale in _copies(cluster, subject):
                if not _is_wanted(subject, resource, stale):
                    yield Delete(resource, ObjectKey.of(stale), uid=stale["metadata"]["uid"])
        yield from _copy(cluster, subject, desired)
        yield from _pause(cluster, subject, desired)

    def after(self, cluster: Cluster, subject: Subject, _seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says: a copy that is just made is scaled from now on."""
        if desired.routing or desired.copy_to_primary:
            yield from _copy(cluster, subject, desired)

    def removable(self, cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """As the Protocol says."""
        return _copies(cluster, subject)


def let_scale(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    """The write that gives the target back to its ScaledObject: before a deleted Canary's target gets its pods."""
    source = _source(cluster, subject)
    if source is not None and is_paused_by_us(source):
        yield Apply(SCALED_OBJECTS, render_pause(source, paused=False), PAUSER)


def replicas_max(cluster: Cluster, subject: Subject) -> int | None:
    """The most that the target's autoscaler leaves it; None if nothing is known of one."""
    ref, source = subject.spec.autoscaler_ref, _source(cluster, subject)
    if ref is None or source is None:
        return None
    return (scaled_bounds_of if ref.is_keda else bounds_of)(without_bounds(ref), source)[1]


def copy_writes(cluster: Cluster, subject: Subject, rendered: Manifest) -> Iterator[Write]:
    """The writes that make the primary what was rendered; its size only where no autoscaler has it.

    A field that one apply names and the next one does not is reset by the server, unless somebody else owns it too. So
    the size that is there is first taken over by another manager, from whom the autoscaler may take it.
    """
    key, resource = ObjectKey.of(rendered), kind_of(subject.spec).resource
    primary = cluster.read(resource, key)
    if subject.spec.autoscaler_ref is not None and primary is not None and primary["spec"].get("replicas", 1) > 0:
        yield Apply(
            DEPLOYMENTS, at_version_of(primary, render_scale(primary, primary["spec"].get("replicas", 1))), SIZER
        )
        primary = cluster.read(resource, key)
        spec = {field: value for field, value in rendered["spec"].items() if field != "replicas"}
        rendered = {**rendered, "spec": spec}
    yield Apply(resource, at_version_of(primary, rendered))


def _copy(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    ref, source = subject.spec.autoscaler_ref, _source(cluster, subject)
    primary = cluster.read(DEPLOYMENTS, ObjectKey(subject.owner.namespace, subject.spec.primary_name))
    if ref is None or source is None or primary is None or not is_ours(cluster, subject.owner, primary):
        return
    render = render_scaled_object if ref.is_keda else render_autoscaler
    rendered = render(subject.owner, subject.spec, ref, source, desired.stable_floor)
    known = cluster.read(_kind(ref), ObjectKey.of(rendered))
    if known is None:
        yield Apply(_kind(ref), rendered)
    elif is_ours(cluster, subject.owner, known) and _differs(known, rendered):
        yield Apply(_kind(ref), at_version_of(known, rendered))


def _pause(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    ref, source = subject.spec.autoscaler_ref, _source(cluster, subject)
    if ref is None or source is None or not ref.is_keda or is_paused_by_others(source):
        return
    if (is_at_rest if desired.rests else is_paused_by_us)(source) != desired.rests:
        yield Apply(SCALED_OBJECTS, at_version_of(source, render_pause(source, paused=desired.rests)), PAUSER)


def _source(cluster: Cluster, subject: Subject) -> Manifest | None:
    """The user's autoscaler, if it is about the target."""
    ref = subject.spec.autoscaler_ref
    if ref is None:
        return None
    found = cluster.read(_kind(ref), ObjectKey(subject.owner.namespace, ref.name))
    fits = scales_object if ref.is_keda else scales
    return found if found is not None and fits(found, subject.spec.target.name) else None


def _copies(cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
    """Those that were made for this Canary. ScaledObjects are looked for where it names one, or has made one."""
    ref = subject.spec.autoscaler_ref
    for resource in (AUTOSCALERS, SCALED_OBJECTS) if ref is not None and ref.is_keda else (AUTOSCALERS,):
        for manifest in cluster.list_all(resource, subject.owner.namespace):
            if subject.owner.owns(manifest) and "deletionTimestamp" not in manifest["metadata"]:
                yield resource, manifest


def _is_wanted(subject: Subject, resource: Resource, manifest: Manifest) -> bool:
    ref = subject.spec.autoscaler_ref
    return ref is not None and (resource, manifest["metadata"]["name"]) == (_kind(ref), ref.copy_name)


def _differs(known: Manifest, rendered: Manifest) -> bool:
    """Whether it was made from something else, or somebody has changed it since."""
    metadata, wanted = known["metadata"], rendered["metadata"]
    marked = (metadata.get("annotations") or {}).get(REVISION_ANNOTATION) == wanted["annotations"][REVISION_ANNOTATION]
    labelled = wanted["labels"].items() <= (metadata.get("labels") or {}).items()
    return not (marked and labelled and _holds(known["spec"], rendered["spec"]))


def _holds(known: object, rendered: object) -> bool:
    """Whether all that was rendered is there; what the server adds by default is no difference."""
    if isinstance(known, dict) and isinstance(rendered, dict):
        return all(name in known and _holds(known[name], value) for name, value in rendered.items())
    if isinstance(known, list) and isinstance(rendered, list):
        return len(known) == len(rendered) and all(map(_holds, known, rendered))
    return known == rendered


def _kind(ref: AutoscalerRef) -> Resource:
    return SCALED_OBJECTS if ref.is_keda else AUTOSCALERS
