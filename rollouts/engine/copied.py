"""The mode of `targetRef`: the user's workload is the canary, and a copy of ours serves between releases.

Puts together what is seen (here), what may be wrong (problems.py), what is written (converge.py) and how it is given
back (release.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from rollouts.api.resources import SERVICES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Desired
from rollouts.core.desired import routing_of
from rollouts.core.measurement import Sample
from rollouts.core.measurement import Subject as Side
from rollouts.core.observed import Observed, Problem, SecretSeen, WorkloadState
from rollouts.core.selector import selector_label
from rollouts.engine.autoscaling import replicas_max
from rollouts.engine.belonging import is_ours
from rollouts.engine.companion import Companion
from rollouts.engine.companions import COMPANIONS
from rollouts.engine.config_sources import look_at, look_at_secrets, tracked_refs
from rollouts.engine.converge import missing_writes
from rollouts.engine.mode import Sides
from rollouts.engine.problems import find_problems
from rollouts.engine.recall import recalled, unless_none
from rollouts.engine.release import leaving_writes, look_back, staying
from rollouts.engine.rights import Right, rights_elsewhere, rights_to_copy
from rollouts.engine.routers import look_at_routes
from rollouts.engine.subject import Subject
from rollouts.metrics.istio import Services
from rollouts.ports import Cluster, Write
from rollouts.traffic.metadata import canary_service, primary_service
from rollouts.workloads.kinds import kind_of


class Copied:
    """Implements `Mode`."""

    def rights(self, cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says."""
        resource = kind_of(subject.spec).resource
        needed = (
            *rights_to_copy(resource),
            *rights_elsewhere(subject.owner, subject.spec),
            *(right for companion in COMPANIONS for right in companion.rights(cluster, subject)),
        )
        return tuple(dict.fromkeys(needed))

    def observe(
        self,
        cluster: Cluster,
        subject: Subject,
        status: CanaryStatus,
        samples: Sequence[Sample] = (),
        *,
        deleting: bool,
    ) -> Sides:
        """As the Protocol says."""
        owner, spec, kind = subject.owner, subject.spec, kind_of(subject.spec)
        target = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.target.name))
        routed = look_at_routes(cluster, owner, spec, routing_of(spec, status))
        most = replicas_max(cluster, subject)
        left = None
        if deleting:
            left = look_back(cluster, subject)
            target = left.target
        secrets = look_at_secrets(subject, status, target, samples)
        state = _state_of(cluster, subject, secrets)
        return Sides(
            target=replace(state, replicas_max=most) if target is not None and state is not None else None,
            primary=_state_of_copy(cluster, subject, deleting=deleting),
            route_weight=routed.weight,
            routed=routed.carried,
            apex_on_primary=_apex_on_primary(cluster, subject, target),
            secrets=secrets,
            made=left is not None and left.made,
            released=left is not None and left.released,
            abandoned=left is not None and left.abandoned,
            faults=routed.faults,
            service=spec.service_name,
        )

    def problems(self, cluster: Cluster, subject: Subject, _stable_subset: str) -> Iterator[Problem]:
        """As the Protocol says."""
        owner, spec = subject.owner, subject.spec
        yield from unless_none(cluster, "problems", (owner, spec), lambda it: find_problems(it, owner, spec))
        for companion in COMPANIONS:
            question = f"problems of {type(companion).__name__}"
            yield from unless_none(cluster, question, (owner, spec), partial(_problems_of, companion, subject))

    def writes(self, cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says."""
        if desired.leave is not None:
            return leaving_writes(cluster, subject, desired, desired.leave)
        return missing_writes(cluster, subject, seen, desired)

    def workload(self, subject: Subject, _status: CanaryStatus, side: Side) -> str:
        """As the Protocol says."""
        return subject.spec.target.name if side is Side.CANARY else subject.spec.primary_name

    def services(self, _cluster: Cluster, subject: Subject, _status: CanaryStatus, side: Side) -> Services:
        """As the Protocol says: the canary has one of its own."""
        name = subject.spec.service_name
        own = canary_service(name)
        return Services((own,) if side is Side.CANARY else (name, primary_service(name), own))


def _problems_of(companion: Companion, subject: Subject, cluster: Cluster) -> Iterator[Problem]:
    return companion.problems(cluster, subject)


def _state_of(cluster: Cluster, subject: Subject, secrets: tuple[SecretSeen, ...]) -> WorkloadState | None:
    """Worked out for each target that there is: its template is hashed, and searched for what it refers to."""
    kind, key = kind_of(subject.spec), ObjectKey(subject.owner.namespace, subject.spec.target.name)

    def look(reading: Cluster) -> WorkloadState | None:
        target = reading.read(kind.resource, key)
        return _with_config(reading, subject, target, secrets) if target is not None else None

    return recalled(cluster, "target", (subject.owner, subject.spec, secrets), look)


def _state_of_copy(cluster: Cluster, subject: Subject, *, deleting: bool) -> WorkloadState | None:
    """The same of what serves; while the Canary is being deleted, only of one that stays."""
    owner, spec, kind = subject.owner, subject.spec, kind_of(subject.spec)

    def look(reading: Cluster) -> WorkloadState | None:
        primary = reading.read(kind.resource, ObjectKey(owner.namespace, spec.primary_name))
        ours = primary if primary is not None and is_ours(reading, owner, primary) else None
        ours = staying(ours) if deleting else ours
        return kind.observe(ours) if ours is not None else None

    return recalled(cluster, "primary", (owner, spec, deleting), look)


def _with_config(cluster: Cluster, subject: Subject, target: Manifest, secrets: Sequence[SecretSeen]) -> WorkloadState:
    kind = kind_of(subject.spec)
    state, template = kind.observe(target), kind.template_of(target)
    if not tracked_refs(subject.spec, template):
        return state
    tracked = look_at(cluster, subject, template, secrets)
    if tracked.revision == state.revision:
        return state
    return replace(state, revision=tracked.revision, template=tracked.template)


def _apex_on_primary(cluster: Cluster, subject: Subject, target: Manifest | None) -> bool:
    apex = cluster.read(SERVICES, ObjectKey(subject.owner.namespace, subject.spec.service_name))
    label = selector_label(target) if target is not None else None
    return apex is not None and label is not None and apex["spec"].get("selector") == label.primary()
