"""Gathers what `step` is to judge, from the stores alone: no request, no waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rollouts.api.actions import read_actions
from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.desired import routing_of
from rollouts.core.measurement import Sample
from rollouts.core.observed import Observed
from rollouts.core.selector import selector_label
from rollouts.engine.belonging import is_ours
from rollouts.engine.problems import find_problem
from rollouts.ports import Cluster
from rollouts.traffic.istio import carries, observed_weight
from rollouts.workloads.state import observe_deployment


@dataclass(frozen=True, slots=True)
class Subject:
    """One Canary as it was read: the object, and its spec in our words."""

    manifest: Manifest
    owner: Owner
    spec: CanarySpec


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back from outside for one Canary since."""

    samples: tuple[Sample, ...] = ()
    delivered: frozenset[int] = frozenset()
    """Numbers of notices."""


def observe(cluster: Cluster, subject: Subject, status: CanaryStatus, now: datetime, heard: Heard) -> Observed:
    """The world around one Canary at `now`."""
    owner, spec = subject.owner, subject.spec
    target = cluster.read(DEPLOYMENTS, ObjectKey(owner.namespace, spec.target_ref.name))
    primary = cluster.read(DEPLOYMENTS, ObjectKey(owner.namespace, spec.primary_name))
    ours = primary if primary is not None and is_ours(cluster, owner, primary) else None
    route = cluster.read(VIRTUAL_SERVICES, ObjectKey(owner.namespace, spec.service_name))
    return Observed(
        now=now,
        generation=subject.manifest["metadata"].get("generation", 0),
        target=observe_deployment(target) if target is not None else None,
        primary=observe_deployment(ours) if ours is not None else None,
        route_weight=observed_weight(owner, spec, route),
        routed=carries(owner, spec, route, routing_of(spec, status)),
        apex_on_primary=_apex_on_primary(cluster, subject, target),
        problem=find_problem(cluster, owner, spec),
        actions=read_actions(subject.manifest),
        samples=heard.samples,
        delivered=heard.delivered,
    )


def _apex_on_primary(cluster: Cluster, subject: Subject, target: Manifest | None) -> bool:
    apex = cluster.read(SERVICES, ObjectKey(subject.owner.namespace, subject.spec.service_name))
    label = selector_label(target) if target is not None else None
    return apex is not None and label is not None and apex["spec"].get("selector") == label.primary()
