"""From what is desired to the writes that are missing: make before break, and nothing where nothing differs.

Pure but for reading the stores. Services and hosts come before the route that names them; the canary is scaled up
before it is given weight and down after, because weights follow `step`, which waits for either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rollouts.api.resources import (
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed
from rollouts.core.selector import SelectorLabel, selector_label
from rollouts.engine.autoscaling import copy_writes
from rollouts.engine.belonging import is_ours
from rollouts.engine.companions import COMPANIONS
from rollouts.engine.config_sources import look_at
from rollouts.engine.config_tracking import with_copies
from rollouts.engine.subject import Subject
from rollouts.engine.versions import at_version_of
from rollouts.ports import Apply, Cluster, PatchJson, Write
from rollouts.traffic.istio import render_destination_rules, render_virtual_service, route_operations
from rollouts.traffic.istio_exposure import takes_away
from rollouts.traffic.istio_rules import rules_of
from rollouts.traffic.services import render_apex_selector, render_services
from rollouts.workloads.kinds import kind_of
from rollouts.workloads.state import parts_from


def missing_writes(cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
    """The writes that make `desired` true, in order; none if it is true already.

    To be carried out one by one: each is worked out from what the store holds after the one before.
    """
    owner, spec = subject.owner, subject.spec
    known = cluster.read(VIRTUAL_SERVICES, ObjectKey(owner.namespace, spec.service_name))
    if desired.routing and takes_away(owner, spec, known, desired.share):
        # Taking requests away waits for nothing else, whatever the other writes meet.
        yield from _route(cluster, subject, desired)
    kind = kind_of(spec)
    target = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.target.name))
    label = selector_label(target) if target is not None else None
    primary = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.primary_name))
    if target is None or label is None or (primary is not None and not parts_from(label, primary)):
        # By another label the Services would select nothing of the primary, which serves.
        yield from _route(cluster, subject, desired) if desired.routing else ()
        return
    for companion in COMPANIONS:
        yield from companion.before(cluster, subject, seen, desired)
    if desired.copy_to_primary:
        # Before the pods: when these are ready, every proxy has known their Service for a while.
        yield from _hosts(cluster, subject, label)
        yield from _copy(cluster, subject, seen, desired)
    for companion in COMPANIONS:
        yield from companion.after(cluster, subject, seen, desired)
    if desired.routing:
        yield from _hosts(cluster, subject, label)
        yield from _apex(cluster, subject, label)
        yield from _route(cluster, subject, desired)
    if desired.canary_replicas is not None and (resized := kind.resize(target, desired.canary_replicas)):
        if isinstance(resized, Apply):
            resized = replace(resized, manifest=at_version_of(target, resized.manifest))
        yield resized


def _copy(cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
    """The target, or what it reads, may have changed since it was judged: then nothing is copied."""
    owner, spec, kind = subject.owner, subject.spec, kind_of(subject.spec)
    target = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.target.name))
    if target is None or seen.target is None:
        return
    revision = look_at(cluster, subject, kind.template_of(target), seen.secrets).revision
    if seen.target.revision == revision:
        rendered = kind.render_copy(owner, spec, target, revision, desired.primary_replicas)
        yield from copy_writes(cluster, subject, with_copies(cluster, subject, seen, target, rendered))


def _hosts(cluster: Cluster, subject: Subject, label: SelectorLabel) -> Iterator[Write]:
    """What routes name: nobody comes by it before they do."""
    services = render_services(subject.owner, subject.spec, label)
    yield from _whole(cluster, SERVICES, services.primary)
    yield from _whole(cluster, SERVICES, services.canary)
    for rule in render_destination_rules(subject.owner, subject.spec):
        yield from _whole(cluster, DESTINATION_RULES, rule)


def _apex(cluster: Cluster, subject: Subject, label: SelectorLabel) -> Iterator[Write]:
    owner, spec = subject.owner, subject.spec
    services = render_services(owner, spec, label)
    apex = cluster.read(SERVICES, ObjectKey(owner.namespace, spec.service_name))
    if apex is None or is_ours(cluster, owner, apex):
        yield from _whole(cluster, SERVICES, services.apex)
    elif apex["spec"].get("selector") != label.primary():
        # The user's own Service: its selector is the one field of it that becomes ours.
        yield Apply(SERVICES, at_version_of(apex, render_apex_selector(owner, spec, label, apex)))


def _route(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    owner, spec = subject.owner, subject.spec
    rendered = render_virtual_service(owner, spec, desired.share)
    key = ObjectKey.of(rendered)
    known = cluster.read(VIRTUAL_SERVICES, key)
    if known is None or not rules_of(known):
        yield Apply(VIRTUAL_SERVICES, at_version_of(known, rendered))
        return
    if operations := route_operations(owner, spec, known, desired.share):
        # `http` is one value: a rule or weight that was written since this was read must be a conflict, not be lost.
        yield PatchJson(VIRTUAL_SERVICES, key, operations)
        return
    # What others put into the rules of our object stays: only what is ours alone is compared and applied.
    rendered["spec"]["http"] = known["spec"]["http"]
    yield from _whole(cluster, VIRTUAL_SERVICES, rendered)


def _whole(cluster: Cluster, resource: Resource, rendered: Manifest) -> Iterator[Write]:
    known = cluster.read(resource, ObjectKey.of(rendered))
    if known is None or not _contains(known, rendered):
        yield Apply(resource, at_version_of(known, rendered))


def _contains(known: Any, rendered: Any) -> bool:
    """Whether all that was rendered is there already; what the server or others added is no difference."""
    if isinstance(rendered, dict):
        return isinstance(known, dict) and all(
            key in known and _contains(known[key], value) for key, value in rendered.items()
        )
    if isinstance(rendered, list) and isinstance(known, list) and all(isinstance(item, dict) for item in rendered):
        # The ports of a Service: the server tells them apart, so others may add theirs.
        return all(any(_contains(one, item) for one in known) for item in rendered)
    return bool(known == rendered)
