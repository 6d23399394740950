"""What becomes of the world when a Canary with targetRef is deleted: what is left of it, and the writes that end it.

Nothing is made here: what is gone is skipped, so that a namespace that is being deleted holds up nobody. The objects
that clients use come first, then what leads to the primary, and the primary last. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rollouts.api.ownership import ON_TARGET_GONE_ANNOTATION, ORIGINAL_SELECTOR_ANNOTATION
from rollouts.api.resources import (
    DESTINATION_RULES,
    SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.decision import Desired, Leave
from rollouts.core.routing import Routing
from rollouts.core.selector import selector_label
from rollouts.engine.autoscaling import let_scale
from rollouts.engine.belonging import is_ours
from rollouts.engine.companions import COMPANIONS
from rollouts.engine.config_tracking import secret_discards
from rollouts.engine.routers import router_of
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, Delete, PatchJson, Write
from rollouts.traffic.metadata import canary_service, primary_service
from rollouts.traffic.release import release_service_operations
from rollouts.workloads.kinds import kind_of


@dataclass(frozen=True, slots=True)
class Left:
    """What a Canary that is deleted has left to do."""

    made: bool
    """There still is something that was made and can be undone, or that leads to it."""
    released: bool
    """Nothing leads to it any more."""
    target: Manifest | None
    """Where clients can be led instead; None if it goes, or if the Service is gone that the routes would name."""
    abandoned: bool
    """It is gone, and by its user's will so is the rest to be."""


def look_back(cluster: Cluster, subject: Subject) -> Left:
    """What there is, as the stores have it."""
    target, apex = _target(cluster, subject), _apex(cluster, subject)
    handing, routed = any(_service(cluster, subject)), any(_routes_past_ours(cluster, subject))
    ours = _primary_labels(cluster, subject)
    leads = apex is not None and ours is not None and apex["spec"].get("selector") == ours
    abandoned = target is None and _annotations(subject.manifest).get(ON_TARGET_GONE_ANNOTATION) == "remove"
    left = any(let_scale(cluster, subject)) or any(True for _ in _removable(cluster, subject, abandoned=abandoned))
    led = target if apex is not None or not routed else None
    return Left(handing or routed or left, not (handing or routed or leads), led, abandoned)


def leaving_writes(cluster: Cluster, subject: Subject, desired: Desired, leave: Leave) -> Iterator[Write]:
    """The writes that are missing, in order, until the finalizer may go."""
    yield from let_scale(cluster, subject)
    if not leave.hand_back:
        # A hand-over that was given up half-way stays as it is: the target may be what it failed for.
        yield from _share(cluster, subject, desired) if desired.weight == 0 else ()
        yield from _grow(cluster, subject, desired)
        return
    abandoned = look_back(cluster, subject).abandoned
    yield from _service(cluster, subject)
    if _apex(cluster, subject) is not None or abandoned:
        # Without the Service the routes would lead from who serves to nobody.
        yield from _routes_past_ours(cluster, subject)
    if leave.remove:
        yield from secret_discards(cluster, subject)
        for resource, manifest in _removable(cluster, subject, abandoned=abandoned):
            yield Delete(resource, ObjectKey.of(manifest), uid=manifest["metadata"]["uid"])


def _share(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    """The weight that the two copies have until the target is whole."""
    owner, spec = subject.owner, subject.spec
    router = router_of(spec)
    seen = router.observe(cluster, owner, spec, desired.share)
    if not spec.route_refs and (seen.weight is None or any(router.problems(cluster, owner, spec, ""))):
        return  # What is made for the Canary is not made again, nor taken from somebody else.
    yield from router.writes(cluster, owner, spec, desired.share)


def _grow(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    target = _target(cluster, subject)
    if target is None or desired.canary_replicas is None:
        return
    if grown := kind_of(subject.spec).give_back(target, desired.canary_replicas):
        yield grown


def _service(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    apex, target = _apex(cluster, subject), _target(cluster, subject)
    selected = _primary_labels(cluster, subject)
    if apex is None or target is None or selected is None:
        return
    held = ORIGINAL_SELECTOR_ANNOTATION in _annotations(apex)
    leads = held or apex["spec"].get("selector") == selected or is_ours(cluster, subject.owner, apex)
    if leads and (operations := release_service_operations(apex, selected, target)):
        yield PatchJson(SERVICES, ObjectKey.of(apex), operations)


def _routes_past_ours(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    return router_of(subject.spec).release(cluster, subject.owner, subject.spec, Routing(0))


def _removable(cluster: Cluster, subject: Subject, *, abandoned: bool) -> Iterator[tuple[Resource, Manifest]]:
    """With the clients' Service where it is ours and leads to nobody else."""
    name = subject.spec.service_name
    both = primary_service(name), canary_service(name)
    places = [(resource, one) for resource in (DESTINATION_RULES, SERVICES) for one in both]
    places += [(SERVICES, name)] if abandoned else []
    for resource, one in [*places, (kind_of(subject.spec).resource, subject.spec.primary_name)]:
        manifest = _ours(cluster, subject, resource, one)
        if manifest is not None and "deletionTimestamp" not in manifest["metadata"]:
            yield resource, manifest
    for companion in COMPANIONS:
        yield from companion.removable(cluster, subject)


def _primary_labels(cluster: Cluster, subject: Subject) -> dict[str, str] | None:
    """By what the clients' Service selects our primary; None if the primary of that name is another's."""
    resource, target = kind_of(subject.spec).resource, _target(cluster, subject)
    primary = cluster.read(resource, _key(subject, subject.spec.primary_name))
    if primary is not None:
        labels: dict[str, str] = primary["spec"]["selector"].get("matchLabels") or {}
        return labels if is_ours(cluster, subject.owner, primary) else None
    label = selector_label(target) if target is not None else None
    return label.primary() if label is not None else None


def _ours(cluster: Cluster, subject: Subject, resource: Resource, name: str) -> Manifest | None:
    found = cluster.read(resource, _key(subject, name))
    return found if found is not None and is_ours(cluster, subject.owner, found) else None


def _target(cluster: Cluster, subject: Subject) -> Manifest | None:
    return staying(cluster.read(kind_of(subject.spec).resource, _key(subject, subject.spec.target.name)))


def staying(workload: Manifest | None) -> Manifest | None:
    """The same, unless it is being deleted: its pods go, in the foreground before itself."""
    return None if workload is None or "deletionTimestamp" in workload["metadata"] else workload


def _apex(cluster: Cluster, subject: Subject) -> Manifest | None:
    return cluster.read(SERVICES, _key(subject, subject.spec.service_name))


def _annotations(manifest: Manifest) -> dict[str, str]:
    return manifest["metadata"].get("annotations") or {}


def _key(subject: Subject, name: str) -> ObjectKey:
    return ObjectKey(subject.owner.namespace, name)
