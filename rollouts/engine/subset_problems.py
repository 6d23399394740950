"""Why a Canary with subsets can't be acted on: all that the stores can tell, looked at before anything is touched.

Each answer names the object and the way out. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.resources import (
    DEPLOYMENTS,
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
)
from rollouts.core.observed import Problem
from rollouts.engine.routers import router_of
from rollouts.engine.subject import Subject
from rollouts.engine.subset_roles import roles_of, stable_of, workload_of
from rollouts.engine.user_routes import led_to, seen_of, subsets_of
from rollouts.ports import Cluster

_READ = (DEPLOYMENTS, SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES)


def find_subset_problems(cluster: Cluster, subject: Subject, stable_subset: str) -> Iterator[Problem]:
    """The reasons not to act, the first of them first."""
    for resource in _READ:
        if trouble := cluster.trouble(resource):
            yield Problem("KindUnavailable", trouble)
    owner, spec, stable = subject.owner, subject.spec, stable_of(cluster, subject, stable_subset)
    absent = [*_absent_targets(cluster, subject), *router_of(spec).problems(cluster, owner, spec, stable)]
    yield from absent
    if not absent:
        for host, route in sorted(led_to(seen_of(cluster, owner, spec, stable)).items()):
            yield from _unknown(cluster, host, route)
            yield from _unselected(cluster, subject, host)
            yield from _undefined(cluster, subject, host, roles_of(spec, stable)[1])
    if not stable:
        names = " and ".join(subset.name for subset in subject.spec.subsets)
        tie = f"the subsets {names} have the same weight in {_route_names(subject)}, so it can't be told which serves"
        yield Problem("StableUnknown", f"{tie}: set initialStable, or give the one that serves the larger weight")


def _absent_targets(cluster: Cluster, subject: Subject) -> Iterator[Problem]:
    for subset in subject.spec.subsets:
        key = ObjectKey(subject.owner.namespace, subset.target_ref.name)
        if cluster.read(DEPLOYMENTS, key) is None:
            yield Problem("TargetNotFound", f"Deployment {key} does not exist: create it, or correct spec.subsets")


def _unknown(cluster: Cluster, host: tuple[str, str], route: ObjectKey) -> Iterator[Problem]:
    """A host without namespace is none of a Service: a ServiceEntry may know it."""
    if host[0] and cluster.read(SERVICES, ObjectKey(*host)) is None:
        what = f"VirtualService {route} leads to Service {ObjectKey(*host)}, which does not exist"
        yield Problem("HostNotFound", f"{what}: create it, or correct the host in the rule")


def _unselected(cluster: Cluster, subject: Subject, host: tuple[str, str]) -> Iterator[Problem]:
    service = cluster.read(SERVICES, ObjectKey(*host))
    selector = (service["spec"].get("selector") or {}) if service is not None else {}
    for subset in subject.spec.subsets:
        name = subset.target_ref.name
        if not selector.items() <= _pod_labels(cluster, subject, subset.name).items():
            what = f"Service {ObjectKey(*host)} does not select the pods of Deployment {name}"
            yield Problem("NotSelected", f"{what}: give them the labels {_in_words(selector)}")


def _undefined(cluster: Cluster, subject: Subject, host: tuple[str, str], canary: str) -> Iterator[Problem]:
    """Each subset must be there, and select the pods of its own Deployment and of no other of the two."""
    labels = subsets_of(cluster, host)
    where = f"of host {'.'.join(reversed(host)).rstrip('.')}"
    for subset in subject.spec.subsets:
        selected = labels.get(subset.name)
        if selected is None:
            message = f"no DestinationRule {where} has the subset {subset.name}: add it"
            yield Problem("SubsetNotFound", message, cuts_off=subset.name == canary)
            continue
        for other in subject.spec.subsets:
            selects = selected.items() <= _pod_labels(cluster, subject, other.name).items()
            if selects != (other is subset):
                how = "selects also" if selects else "does not select"
                what = f"subset {subset.name} {where} {how} the pods of Deployment {other.target_ref.name}"
                yield Problem("SubsetMismatch", f"{what}: correct its labels {_in_words(selected)}")


def _pod_labels(cluster: Cluster, subject: Subject, subset: str) -> dict[str, str]:
    deployment = cluster.read(DEPLOYMENTS, ObjectKey(subject.owner.namespace, workload_of(subject.spec, subset)))
    template: Manifest = deployment["spec"]["template"] if deployment is not None else {}
    labels: dict[str, str] = template.get("metadata", {}).get("labels") or {}
    return labels


def _route_names(subject: Subject) -> str:
    return ", ".join(f"VirtualService {ref.name}" for ref in subject.spec.route_refs)


def _in_words(labels: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items())) or "(none)"
