"""What becomes of the world when a Canary with targetRef is deleted: what is left of it, and the writes that end it.

Nothing is made here: what is gone is skipped, so that a namespace that is being deleted holds up nobody. The objects
that clients use come first, then what leads to the primary, and the primary last. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.ownership import ORIGINAL_SELECTOR_ANNOTATION
from rollouts.api.resources import (
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.decision import Desired, Leave
from rollouts.core.selector import selector_label
from rollouts.engine.autoscaling import let_scale
from rollouts.engine.belonging import is_ours
from rollouts.engine.companions import COMPANIONS
from rollouts.engine.config_tracking import secret_discards
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, Delete, PatchJson, Write
from rollouts.traffic.istio import observed_weight, route_operations
from rollouts.traffic.metadata import canary_service, primary_service
from rollouts.traffic.release import release_route_operations, release_service_operations
from rollouts.workloads.kinds import kind_of


def look_back(cluster: Cluster, subject: Subject) -> tuple[bool, bool]:
    """Whether there is still anything that was made, or leads to it; and whether nothing leads to it any more."""
    handing = any(_service(cluster, subject)) or any(_routes_past_ours(cluster, subject))
    left = any(let_scale(cluster, subject)) or any(True for _ in _removable(cluster, subject))
    return handing or left, not handing


def leaving_writes(cluster: Cluster, subject: Subject, desired: Desired, leave: Leave) -> Iterator[Write]:
    """The writes that are missing, in order, until the finalizer may go."""
    yield from let_scale(cluster, subject)
    if not leave.hand_back:
        yield from _share(cluster, subject, desired)
        yield from _grow(cluster, subject, desired)
        return
    yield from _service(cluster, subject)
    yield from _routes_past_ours(cluster, subject)
    if leave.remove:
        yield from secret_discards(cluster, subject)
        for resource, manifest in _removable(cluster, subject):
            yield Delete(resource, ObjectKey.of(manifest), uid=manifest["metadata"]["uid"])


def _share(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    """The weight that the two copies have until the target is whole."""
    owner, spec = subject.owner, subject.spec
    route = _ours(cluster, subject, VIRTUAL_SERVICES, spec.service_name)
    if route is None or observed_weight(owner, spec, route) is None:
        return
    if operations := route_operations(owner, spec, route, desired.share):
        yield PatchJson(VIRTUAL_SERVICES, ObjectKey.of(route), operations)


def _grow(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    target = _target(cluster, subject)
    if target is None or desired.canary_replicas is None:
        return
    if grown := kind_of(subject.spec).give_back(target, desired.canary_replicas):
        yield grown


def _service(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    apex, target = cluster.read(SERVICES, _key(subject, subject.spec.service_name)), _target(cluster, subject)
    selected = _primary_labels(cluster, subject)
    if apex is None or target is None or selected is None:
        return
    held = ORIGINAL_SELECTOR_ANNOTATION in (apex["metadata"].get("annotations") or {})
    leads = held or apex["spec"].get("selector") == selected or is_ours(cluster, subject.owner, apex)
    if leads and (operations := release_service_operations(apex, selected, target)):
        yield PatchJson(SERVICES, ObjectKey.of(apex), operations)


def _routes_past_ours(cluster: Cluster, subject: Subject) -> Iterator[Write]:
    route = _ours(cluster, subject, VIRTUAL_SERVICES, subject.spec.service_name)
    operations = [] if route is None else release_route_operations(subject.owner, subject.spec, route)
    if route is not None and operations:
        yield PatchJson(VIRTUAL_SERVICES, ObjectKey.of(route), operations)


def _removable(cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
    name = subject.spec.service_name
    both = primary_service(name), canary_service(name)
    places = [(resource, one) for resource in (DESTINATION_RULES, SERVICES) for one in both]
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
    return cluster.read(kind_of(subject.spec).resource, _key(subject, subject.spec.target.name))


def _key(subject: Subject, name: str) -> ObjectKey:
    return ObjectKey(subject.owner.namespace, name)
