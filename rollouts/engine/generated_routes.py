"""A VirtualService that is made for the Canary, beside its Services. Pure but for reading the stores."""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import VIRTUAL_SERVICES, Manifest, ObjectKey, Resource
from rollouts.api.wire import WEIGHT_TOTAL_MAX
from rollouts.core.measurement import Subject
from rollouts.core.observed import Fault, Problem
from rollouts.core.routing import Routing
from rollouts.engine.belonging import is_ours
from rollouts.engine.versions import at_version_of, whole
from rollouts.ports import Apply, Cluster, PatchJson, Write
from rollouts.traffic.istio import (
    carries,
    has_rules,
    observed_weight,
    render_around_rules,
    render_virtual_service,
    route_operations,
)
from rollouts.traffic.istio_exposure import takes_away
from rollouts.traffic.istio_faults import faults_in, side_of_weights
from rollouts.traffic.istio_rule import Hosts, canary_part
from rollouts.traffic.istio_shape import match_flaw, match_rule_name, rule_name
from rollouts.traffic.release import release_route_operations
from rollouts.traffic.router import Routed

_RULES = ("http", "tcp")


class GeneratedRoutes:
    """Implements `TrafficRouter`."""

    @property
    def kinds(self) -> tuple[Resource, ...]:
        """As the Protocol says."""
        return (VIRTUAL_SERVICES,)

    def observe(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Routed:
        """As the Protocol says."""
        route = _read(cluster, owner, spec)
        carried = carries(owner, spec, route, share)
        return Routed(
            observed_weight(owner, spec, route),
            carried,
            not carried and takes_away(owner, spec, route, share),
            _faults(owner, spec, route),
        )

    def problems(self, cluster: Cluster, owner: Owner, spec: CanarySpec, _stable: str = "") -> Iterator[Problem]:
        """As the Protocol says."""
        known = _read(cluster, owner, spec)
        if known is not None and not is_ours(cluster, owner, known):
            taken = f"VirtualService {owner.namespace}/{spec.service_name} exists and was not made by this Canary"
            way_out = "name it in spec.routeRefs, so that its own rules share the requests, or delete or rename it"
            yield Problem("NameTaken", f"{taken}: {way_out}")
        if flaw := match_flaw(spec):
            yield Problem("RouteUnusable", f"Canary {owner.namespace}/{owner.name}: {flaw}")

    def writes(self, cluster: Cluster, owner: Owner, spec: CanarySpec, share: Routing) -> Iterator[Write]:
        """As the Protocol says."""
        known = _read(cluster, owner, spec)
        if known is None or not has_rules(known):
            yield Apply(VIRTUAL_SERVICES, at_version_of(known, render_virtual_service(owner, spec, share)))
            return
        if operations := route_operations(owner, spec, known, share):
            # `http` is one value: a rule or weight that was written since this was read must be a conflict.
            yield PatchJson(VIRTUAL_SERVICES, ObjectKey.of(known), operations)
            return
        # What others put into the rules of our object stays: only what is ours alone is compared and applied.
        rendered = render_around_rules(owner, spec)
        rendered["spec"] |= {key: known["spec"][key] for key in _RULES if key in known["spec"]}
        yield from whole(cluster, VIRTUAL_SERVICES, rendered)

    def release(self, cluster: Cluster, owner: Owner, spec: CanarySpec, _share: Routing) -> Iterator[Write]:
        """As the Protocol says."""
        known = _read(cluster, owner, spec)
        if known is None or not is_ours(cluster, owner, known):
            return
        if operations := release_route_operations(owner, spec, known):
            yield PatchJson(VIRTUAL_SERVICES, ObjectKey.of(known), operations)


def _read(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Manifest | None:
    return cluster.read(VIRTUAL_SERVICES, ObjectKey(owner.namespace, spec.service_name))


def _faults(owner: Owner, spec: CanarySpec, route: Manifest | None) -> tuple[Fault, ...]:
    hosts = Hosts.of(owner, spec)
    # At the last step the rule that shares the requests leads to the canary alone, and is both sides' all the same.
    matched = match_rule_name(owner) if spec.analysis.iterations is None else ""
    sharing = matched if spec.analysis.match else rule_name(owner)

    def whose(_index: int, rule: Manifest) -> Subject | None:
        part = canary_part(rule, hosts, WEIGHT_TOTAL_MAX)
        if part is None or rule.get("name") == sharing:
            return None if part is None else Subject.BOTH
        return side_of_weights(WEIGHT_TOTAL_MAX - part, part)

    return () if route is None else tuple(faults_in(route, whose))
