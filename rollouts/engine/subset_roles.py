"""Which of two subsets serves, and the routes that tell it before the status does. Pure but for reading the stores."""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster
from rollouts.traffic.subset_rules import Pair
from rollouts.traffic.subsets import total_weights


def stable_of(cluster: Cluster, subject: Subject, status: CanaryStatus) -> str:
    """The subset that serves: the status's, else the one with the larger weight, else the spec's; else empty."""
    spec = subject.spec
    if spec.subset(status.stable_subset) is not None:
        return status.stable_subset
    weights = total_weights(routes_of(cluster, subject), spec.route_refs, pair_of(spec, ""))
    one, other = weights
    if weights[one] == weights[other]:
        return spec.initial_stable or ""
    return max(weights, key=lambda name: weights[name])


def pair_of(spec: CanarySpec, stable: str) -> Pair:
    """The two in their roles; in the spec's order where nobody knows them yet."""
    first = spec.subset(stable) or spec.subsets[0]
    return Pair(first.name, next(subset.name for subset in spec.subsets if subset is not first))


def workload_of(spec: CanarySpec, subset: str) -> str:
    """The name of a subset's Deployment."""
    return next(one.target_ref.name for one in spec.subsets if one.name == subset)


def routes_of(cluster: Cluster, subject: Subject) -> Sequence[Manifest | None]:
    """The objects of `routeRefs`, in its order."""
    namespace = subject.owner.namespace
    return [cluster.read(VIRTUAL_SERVICES, ObjectKey(namespace, ref.name)) for ref in subject.spec.route_refs]
