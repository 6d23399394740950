"""Why a Canary with targetRef can't be acted on: all that the stores can tell, looked at before anything is touched.

Each answer names the object and the way out. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import (
    DESTINATION_RULES,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.observed import Problem
from rollouts.core.selector import SELECTOR_LABELS, selector_label
from rollouts.engine.belonging import is_ours
from rollouts.engine.routers import router_of
from rollouts.ports import Cluster
from rollouts.traffic.metadata import canary_service, primary_service
from rollouts.workloads.kinds import kind_of
from rollouts.workloads.state import find_target_port_problem, parts_from

_READ = (SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES)


def find_problems(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Iterator[Problem]:
    """The reasons not to act, the first of them first."""
    kind = kind_of(spec)
    for resource in (kind.resource, *_READ):
        if trouble := cluster.trouble(resource):
            yield Problem("KindUnavailable", trouble)
    target = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.target.name))
    if target is None:
        missing = f"{spec.target.kind} {owner.namespace}/{spec.target.name} does not exist"
        yield Problem("TargetNotFound", f"{missing}: create it, or correct spec.targetRef.name")
        return
    yield from _selector_of_no_use(cluster, owner, spec, target)
    yield from kind.flaws(target)
    if port_problem := find_target_port_problem(spec, target):
        yield Problem("PortNotFound", port_problem)
    yield from _names_taken(cluster, owner, spec)
    yield from router_of(spec).problems(cluster, owner, spec, "")
    yield from _apex_without_port(cluster, owner, spec)
    primary = cluster.read(kind.resource, ObjectKey(owner.namespace, spec.primary_name))
    for workload in (target, primary):
        yield from kind.stuck(workload) if workload is not None else ()


def _selector_of_no_use(cluster: Cluster, owner: Owner, spec: CanarySpec, target: Manifest) -> Iterator[Problem]:
    kind, name, label = spec.target.kind, spec.target.name, selector_label(target)
    if label is None:
        demand = f"spec.selector.matchLabels of {kind} {name} has none of the labels"
        yield Problem("SelectorUnsupported", f"{demand} {', '.join(SELECTOR_LABELS)} that its pods carry: add one")
        return
    primary = cluster.read(kind_of(spec).resource, ObjectKey(owner.namespace, spec.primary_name))
    if primary is not None and is_ours(cluster, owner, primary) and not parts_from(label, primary):
        known = primary["spec"]["selector"].get("matchLabels") or {}
        changed = f"the selector of {kind} {name} is another than when {spec.primary_name} was copied from it"
        way_out = f"give it back the label that goes with {known}, or make a new {kind} with a Canary of its own"
        yield Problem("SelectorChanged", f"{changed}, and a copy keeps its selector: {way_out}")


def _names_taken(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Iterator[Problem]:
    name = spec.service_name
    ours: tuple[tuple[Resource, str], ...] = (
        (kind_of(spec).resource, spec.primary_name),
        (SERVICES, primary_service(name)),
        (SERVICES, canary_service(name)),
        (DESTINATION_RULES, primary_service(name)),
        (DESTINATION_RULES, canary_service(name)),
    )
    for resource, taken in ours:
        manifest = cluster.read(resource, ObjectKey(owner.namespace, taken))
        if manifest is not None and not is_ours(cluster, owner, manifest):
            found = f"{resource.kind} {owner.namespace}/{taken} exists and was not made by this Canary"
            yield Problem("NameTaken", f"{found}: delete or rename it, the controller needs the name")


def _apex_without_port(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Iterator[Problem]:
    apex = cluster.read(SERVICES, ObjectKey(owner.namespace, spec.service_name))
    if apex is None or is_ours(cluster, owner, apex):
        return
    ports = [port.get("port") for port in apex["spec"].get("ports") or ()]
    if spec.exposure.port not in ports:
        found = f"Service {owner.namespace}/{spec.service_name} has no port {spec.exposure.port} (it has {ports})"
        yield Problem("PortNotFound", f"{found}: correct spec.service.port, or add the port to the Service")
