"""From what is desired to the writes that are missing: make before break, and nothing where nothing differs.

Pure but for reading the stores. Services and hosts come before the route that names them; the canary is scaled up
before it is given weight and down after, because weights follow `step`, which waits for either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rollouts.api.resources import (
    DESTINATION_RULES,
    SERVICES,
    ObjectKey,
)
from rollouts.core.decision import Desired
from rollouts.core.observed import Observed
from rollouts.core.selector import SelectorLabel, selector_label
from rollouts.engine.autoscaling import copy_writes
from rollouts.engine.belonging import is_ours
from rollouts.engine.companions import COMPANIONS
from rollouts.engine.config_sources import look_at
from rollouts.engine.config_tracking import with_copies
from rollouts.engine.recall import unless_none
from rollouts.engine.routers import look_at_routes, router_of
from rollouts.engine.subject import Subject
from rollouts.engine.versions import at_version_of, whole
from rollouts.ports import Apply, Cluster, Write
from rollouts.traffic.destination_rules import find_inherited, render_destination_rules, service_meant
from rollouts.traffic.services import render_apex_selector, render_services
from rollouts.workloads.kinds import kind_of
from rollouts.workloads.state import parts_from


def missing_writes(cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
    """The writes that make `desired` true, in order; none if it is true already.

    To be carried out one by one: each is worked out from what the store holds after the one before.
    """
    owner, spec = subject.owner, subject.spec
    if desired.routing and look_at_routes(cluster, owner, spec, desired.share).takes_away:
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
        yield from _missing_hosts(cluster, subject, label)
        yield from _copy(cluster, subject, seen, desired)
    for companion in COMPANIONS:
        yield from companion.after(cluster, subject, seen, desired)
    if desired.routing:
        yield from _missing_hosts(cluster, subject, label)
        inputs = (owner, spec, label)
        yield from unless_none(cluster, "writes of the Service", inputs, lambda it: _apex(it, subject, label))
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


def _missing_hosts(cluster: Cluster, subject: Subject, label: SelectorLabel) -> Iterator[Write]:
    """Known to be there for as long as nobody changes them: most looks find that they have not changed."""
    inputs = (subject.owner, subject.spec, label)
    return unless_none(cluster, "writes of hosts", inputs, lambda it: _hosts(it, subject, label))


def _hosts(cluster: Cluster, subject: Subject, label: SelectorLabel) -> Iterator[Write]:
    """What routes name: nobody comes by it before they do."""
    services = render_services(subject.owner, subject.spec, label)
    yield from whole(cluster, SERVICES, services.primary)
    yield from whole(cluster, SERVICES, services.canary)
    meant = (subject.owner.namespace, subject.spec.service_name)
    own = cluster.list_all(DESTINATION_RULES, subject.owner.namespace)
    theirs = find_inherited(
        subject.owner, subject.spec, (one.read() for one in own.known if one.told(service_meant) == meant)
    )
    for rule in render_destination_rules(subject.owner, subject.spec, theirs, label.key):
        yield from whole(cluster, DESTINATION_RULES, rule)


def _apex(cluster: Cluster, subject: Subject, label: SelectorLabel) -> Iterator[Write]:
    owner, spec = subject.owner, subject.spec
    services = render_services(owner, spec, label)
    apex = cluster.read(SERVICES, ObjectKey(owner.namespace, spec.service_name))
    if apex is None or is_ours(cluster, owner, apex):
        yield from whole(cluster, SERVICES, services.apex)
    elif apex["spec"].get("selector") != label.primary():
        # The user's own Service: its selector is the one field of it that becomes ours.
        yield Apply(SERVICES, at_version_of(apex, render_apex_selector(owner, spec, label, apex)))


def _route(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    owner, spec, share = subject.owner, subject.spec, desired.share
    router, inputs = router_of(spec), (owner, spec, share)
    return unless_none(cluster, "writes of routes", inputs, lambda it: router.writes(it, owner, spec, share))
