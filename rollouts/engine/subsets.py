"""The mode of `subsets`: two workloads of the user share requests by the weights of the user's own routes.

Nothing is made. Which workload is the canary and which one serves stands in the status, and is turned round by each
promotion. What may be wrong is subset_problems.py's matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rollouts.api.resources import DEPLOYMENTS, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.core.decision import Desired
from rollouts.core.desired import routing_of
from rollouts.core.measurement import Sample
from rollouts.core.measurement import Subject as Side
from rollouts.core.observed import Observed, Problem
from rollouts.core.unreached import own_codes
from rollouts.engine.mode import Sides
from rollouts.engine.release import staying
from rollouts.engine.rights import SUBSETS, Right, rights_elsewhere
from rollouts.engine.routers import look_at_routes, router_of
from rollouts.engine.subject import Subject
from rollouts.engine.subset_problems import find_subset_problems
from rollouts.engine.subset_roles import roles_of, stable_of, workload_of
from rollouts.engine.user_routes import clients_services
from rollouts.metrics.istio import Services
from rollouts.ports import Cluster, PatchJson, Write
from rollouts.workloads.state import observe_deployment, observe_promoted


class Subsets:
    """Implements `Mode`."""

    def rights(self, _cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says."""
        return (*SUBSETS, *rights_elsewhere(subject.owner, subject.spec))

    def observe(
        self,
        cluster: Cluster,
        subject: Subject,
        status: CanaryStatus,
        _samples: Sequence[Sample] = (),
        *,
        deleting: bool,
    ) -> Sides:
        """As the Protocol says."""
        owner, spec = subject.owner, subject.spec
        stable = stable_of(cluster, subject, status.stable_subset)
        share = replace(routing_of(spec, status), stable=stable)
        router = router_of(spec)
        routed = look_at_routes(cluster, owner, spec, share)
        serving, released = roles_of(spec, stable)
        target, primary = (_deployment(cluster, subject, name) for name in (released, serving))
        if deleting:
            target, primary = staying(target), staying(primary)
        made = deleting and any(router.release(cluster, owner, spec, share))
        return Sides(
            target=observe_deployment(target) if target is not None else None,
            primary=observe_promoted(primary) if primary is not None else None,
            route_weight=routed.weight,
            routed=routed.carried,
            stable_subset=stable,
            faults=routed.faults,
            service=", ".join(clients_services(cluster, owner, spec, stable)),
            made=made,
            released=deleting and not made,
        )

    def problems(self, cluster: Cluster, subject: Subject, stable_subset: str) -> Iterator[Problem]:
        """As the Protocol says."""
        return find_subset_problems(cluster, subject, stable_subset)

    def writes(self, cluster: Cluster, subject: Subject, _seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says."""
        if desired.leave is not None:
            return router_of(subject.spec).release(cluster, subject.owner, subject.spec, desired.share)
        return _missing(cluster, subject, desired)

    def workload(self, subject: Subject, status: CanaryStatus, side: Side) -> str:
        """As the Protocol says."""
        stable, canary = roles_of(subject.spec, status.stable_subset)
        return workload_of(subject.spec, canary if side is Side.CANARY else stable)

    def services(self, cluster: Cluster, subject: Subject, status: CanaryStatus, side: Side) -> Services:
        """As the Protocol says: both are called by the same."""
        owner, spec, share = subject.owner, subject.spec, routing_of(subject.spec, status)
        names = clients_services(cluster, owner, spec, status.stable_subset)
        faults = router_of(spec).observe(cluster, owner, spec, share).faults if side is Side.CANARY else ()
        return Services(names, shared=True, codes=own_codes(faults))


def _missing(cluster: Cluster, subject: Subject, desired: Desired) -> Iterator[Write]:
    owner, spec, share = subject.owner, subject.spec, desired.share
    if desired.routing:
        yield from router_of(spec).writes(cluster, owner, spec, share)
    target = _deployment(cluster, subject, roles_of(spec, share.stable)[1])
    if target is not None and desired.canary_replicas not in {None, target["spec"].get("replicas", 1)}:
        yield _scaled(target, desired.canary_replicas)


def _scaled(target: Manifest, replicas: int | None) -> PatchJson:
    """By a patch, so that the field does not become ours: between releases, and for an autoscaler, it is the user's."""
    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "/spec/replicas", "value": replicas},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": target["metadata"]["resourceVersion"]},
    ]
    return PatchJson(DEPLOYMENTS, ObjectKey.of(target), operations)


def _deployment(cluster: Cluster, subject: Subject, subset: str) -> Manifest | None:
    return cluster.read(DEPLOYMENTS, ObjectKey(subject.owner.namespace, workload_of(subject.spec, subset)))
