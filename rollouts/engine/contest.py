"""Two Canaries that want the same: the older one has it. Pure but for reading the stores."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from rollouts.api.canary import CanarySpec
from rollouts.api.known import Known, Listing
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.core.observed import Problem
from rollouts.engine.interest import route_keys, target_names
from rollouts.engine.user_routes import pair_of, route_key
from rollouts.ports import Cluster
from rollouts.traffic.user_routes import places_of
from rollouts.traffic.user_rules import Place
from rollouts.traffic.user_steering import Steering


def find_contest(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Iterator[Problem]:
    """The Canary that releases one of this one's workloads, or steers one of its rules, and is older."""
    targets = {spec.target_ref.name} if spec.target_ref is not None else {one.target_ref.name for one in spec.subsets}
    wants = targets | {route_key(owner, ref) for ref in spec.route_refs}
    for canary in _older(cluster.list_all(CANARIES, "" if spec.route_refs else owner.namespace), owner, wants):
        rival = f"Canary {canary.key}, which is older,"
        near = canary.key.namespace == owner.namespace
        if near and (names := targets.intersection(canary.told(target_names))):
            same = f"releases the same target {', '.join(sorted(names))}"
            yield Problem("TargetContested", f"{rival} {same}: delete one of the two")
        elif route := _same_route(cluster, canary.read(), owner, spec):
            same = f"shares the requests of VirtualService {route} by the same rules"
            way_out = "name different rules in the routeRefs of both, or delete one of the two"
            yield Problem("TargetContested", f"{rival} {same}: {way_out}")


def _older(canaries: Listing, owner: Owner, wants: set[str | ObjectKey]) -> list[Known]:
    """Of those that want one of the same, those before the one with this uid; all, where it is not among them.

    Each look asks it of all Canaries, and most want nothing of the same.
    """
    rivals = [one for one in canaries.known if not wants.isdisjoint(one.told(_wants))]
    own = next((one.told(_seniority) for one in rivals if one.told(_seniority)[1] == owner.uid), None)
    older = (one for one in rivals if own is None or one.told(_seniority) < own)
    return sorted(older, key=lambda one: one.told(_seniority))


def _wants(canary: Manifest) -> tuple[str | ObjectKey, ...]:
    """Targets, by name, and routes. Tolerates a spec that is invalid."""
    return (*target_names(canary), *route_keys(canary))


def _same_route(cluster: Cluster, canary: Manifest, owner: Owner, spec: CanarySpec) -> str:
    """An object in which both steer one rule; empty if there is none."""
    ours = {route_key(owner, ref) for ref in spec.route_refs}
    if not ours & route_keys(canary):
        return ""
    try:
        other = CanarySpec.model_validate(canary.get("spec") or {})
    except ValidationError:
        return ""  # It steers nothing.
    rival = Owner.of(canary)
    for key in sorted(ours, key=str):
        manifest = cluster.read(VIRTUAL_SERVICES, key)
        if _places(rival, other, key, manifest) & _places(owner, spec, key, manifest):
            return str(key)
    return ""


def _places(owner: Owner, spec: CanarySpec, key: ObjectKey, manifest: Manifest | None) -> set[Place]:
    """Of all rules of the object that the Canary steers."""
    if manifest is None:
        return set()
    pair = pair_of(owner, spec, "", key)
    steerings = (Steering(owner, spec, ref, pair) for ref in spec.route_refs if route_key(owner, ref) == key)
    return {place for one in steerings for places in places_of(one, manifest) for place in places}


def _seniority(canary: Manifest) -> tuple[str, str]:
    metadata = canary["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["uid"]
