"""Which of two subsets serves, and the routes that tell it before the status does. Pure but for reading the stores."""

from __future__ import annotations

from rollouts.api.canary import CanarySpec
from rollouts.engine.subject import Subject
from rollouts.engine.user_routes import seen_of
from rollouts.ports import Cluster
from rollouts.traffic.user_routes import total_weights


def stable_of(cluster: Cluster, subject: Subject, told: str) -> str:
    """The subset that serves: the one that the status told of, else the heavier, else the spec's; or empty."""
    spec = subject.spec
    if spec.subset(told) is not None:
        return told
    seen = seen_of(cluster, subject.owner, spec, "")
    weights = total_weights(seen, seen[0][0].pair)
    one, other = weights
    if weights[one] == weights[other]:
        return spec.initial_stable or ""
    return max(weights, key=lambda name: weights[name])


def roles_of(spec: CanarySpec, stable: str) -> tuple[str, str]:
    """The one that serves and the other; in the spec's order where nobody knows yet."""
    first = spec.subset(stable) or spec.subsets[0]
    return first.name, next(subset.name for subset in spec.subsets if subset is not first)


def workload_of(spec: CanarySpec, subset: str) -> str:
    """The name of a subset's Deployment."""
    return next(one.target_ref.name for one in spec.subsets if one.name == subset)
