"""The user's own VirtualServices, which `routeRefs` names: their rules share the requests. Pure but for reading the
stores. How one object is changed is traffic/user_routes.py's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.api.subsets import RouteRef
from rollouts.core.measurement import Subject
from rollouts.core.observed import Fault, Problem
from rollouts.core.routing import Routing
from rollouts.ports import Cluster, PatchJson, Write
from rollouts.traffic.destination_rules import service_meant
from rollouts.traffic.istio_faults import faults_in, side_of_weights
from rollouts.traffic.istio_host import service_of
from rollouts.traffic.router import Routed
from rollouts.traffic.user_routes import (
    Seen,
    places_of,
    read_sharing,
    release_operations,
    route_flaw,
    steered_rules,
    steering_operations,
)
from rollouts.traffic.user_rules import Place, host_of, side_in, weights_in
from rollouts.traffic.user_sides import Pair
from rollouts.traffic.user_steering import Steering


class UserRoutes:
    """Implements `TrafficRouter`."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """As the Protocol says."""
        return VIRTUAL_SERVICES, DESTINATION_RULES

    def observe(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Routed:
        """As the Protocol says."""
        seen = seen_of(cluster, owner, spec, share.stable)
        faults = tuple(fault for steering, manifest in seen if manifest for fault in _faults(steering, manifest))
        now = read_sharing(seen, share)
        # Rules with different sums are rounded differently: as near as each can be is what was asked.
        return Routed(share.weight if now.carried else now.weight, now.carried, now.takes_away, faults)

    def problems(self, cluster: Cluster, owner: Owner, spec: CanarySpec, stable: str) -> Iterator[Problem]:
        """As the Protocol says."""
        for steering, manifest in seen_of(cluster, owner, spec, stable):
            name = f"VirtualService {route_key(owner, steering.ref)}"
            if manifest is None:
                yield Problem("RouteNotFound", f"{name} does not exist: create it, or correct spec.routeRefs")
            elif flaw := route_flaw(steering, manifest):
                yield Problem("RouteUnusable", f"{name}: {flaw}")
            elif not spec.swaps:
                yield from _useless_destinations(cluster, steering, manifest, name)

    def writes(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Iterator[Write]:
        """As the Protocol says."""
        return _patches(cluster, seen_of(cluster, owner, spec, share.stable), share, steering_operations)

    def release(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Iterator[Write]:
        """As the Protocol says."""
        return _patches(cluster, seen_of(cluster, owner, spec, share.stable), share, release_operations)


def _patches(
    cluster: Cluster, seen: Seen, share: Routing, operations_of: Callable[[Steering, Manifest, Routing], list[Manifest]]
) -> Iterator[Write]:
    """One patch an object, of each as the store has it when its turn comes: two of them may be about one object."""
    for steering, _ in seen:
        manifest = cluster.read(VIRTUAL_SERVICES, route_key(steering.owner, steering.ref))
        if manifest is not None and (operations := operations_of(steering, manifest, share)):
            yield PatchJson(VIRTUAL_SERVICES, ObjectKey.of(manifest), operations)


def seen_of(cluster: Cluster, owner: Owner, spec: CanarySpec, stable: str) -> Seen:
    """The objects of `routeRefs` in its order, each with how it is steered."""
    seen = []
    for ref in spec.route_refs:
        key = route_key(owner, ref)
        seen.append(
            (Steering(owner, spec, ref, pair_of(owner, spec, stable, key)), cluster.read(VIRTUAL_SERVICES, key))
        )
    return seen


def route_key(owner: Owner, ref: RouteRef) -> ObjectKey:
    """Which object is meant."""
    return ObjectKey(ref.namespace or owner.namespace, ref.name)


def pair_of(owner: Owner, spec: CanarySpec, stable: str, route: ObjectKey) -> Pair:
    """The two sides in their roles; of subsets, in the spec's order where nobody knows their roles yet."""
    if not spec.swaps:
        return Pair.of_service(ObjectKey(owner.namespace, spec.service_name), route.namespace)
    first = spec.subset(stable) or spec.subsets[0]
    other = next(subset.name for subset in spec.subsets if subset is not first)
    return Pair(first.name, other, read_in=route.namespace)


def subsets_of(cluster: Cluster, host: tuple[str, str]) -> dict[str, dict[str, str]]:
    """The subsets that DestinationRules have for one host, given as service_of tells it, with their labels."""
    found: dict[str, dict[str, str]] = {}
    for rule in cluster.list_all(DESTINATION_RULES).known:
        if rule.told(service_meant) == host:
            subsets = (rule.read().get("spec") or {}).get("subsets") or ()
            found |= {subset["name"]: subset.get("labels") or {} for subset in subsets}
    return found


def clients_services(cluster: Cluster, owner: Owner, spec: CanarySpec, stable: str) -> tuple[str, ...]:
    """The Services, in the Canary's namespace, that the rules which share the requests lead to."""
    led = led_to(seen_of(cluster, owner, spec, stable))
    return tuple(name for namespace, name in led if namespace == owner.namespace)


def led_to(seen: Seen) -> dict[tuple[str, str], ObjectKey]:
    """The hosts that steered rules lead to, as service_of tells them, each with the first object that names it."""
    found: dict[tuple[str, str], ObjectKey] = {}
    for steering, manifest in seen:
        for rule in steered_rules(steering, manifest):
            host = service_of(host_of(rule, steering.pair), steering.pair.read_in)
            found.setdefault(host, route_key(steering.owner, steering.ref))
    return found


def _faults(steering: Steering, manifest: Manifest) -> Iterator[Fault]:
    def whose(index: int, rule: Manifest) -> Subject | None:
        # Asked of rules with a fault only. By what a rule is for: at the last step one that shares its requests leads
        # to the canary alone too.
        place, (sharing, testing) = Place("http", index), places_of(steering, manifest)
        if place in sharing or place in testing:
            return Subject.BOTH if place in sharing else Subject.CANARY
        return side_of_weights(*weights_in(rule, steering.pair).values())

    return faults_in(manifest, whose)


def _useless_destinations(cluster: Cluster, steering: Steering, manifest: Manifest, name: str) -> Iterator[Problem]:
    """With targetRef: a subset or a port that the canary's Service would not have."""
    pair, port = steering.pair, steering.spec.exposure.port
    for route in (route for rule in steered_rules(steering, manifest) for route in rule["route"]):
        if not side_in(route, pair):
            continue
        destination = route["destination"]
        subset, number = destination.get("subset"), (destination.get("port") or {}).get("number", port)
        host = service_of(destination["host"], pair.read_in)
        if subset and subset not in subsets_of(cluster, host):
            where = f"no DestinationRule of host {'.'.join(reversed(host))} has the subset {subset}"
            yield Problem("SubsetNotFound", f"{where}, to which {name} leads: add it, or take it out of the rule")
        if number != port:
            what = f"{name} leads to port {number} of Service {pair.service}, and spec.service.port is {port}"
            yield Problem("PortNotFound", f"{what}: the canary's Service has that port only, make them agree")
