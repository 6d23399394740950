"""Two Canaries that want the same: the older one has it. Pure but for reading the stores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import CANARIES, Manifest
from rollouts.core.observed import Problem
from rollouts.engine.interest import entries_in, target_names
from rollouts.ports import Cluster


def find_contest(cluster: Cluster, owner: Owner, spec: CanarySpec) -> Iterator[Problem]:
    """The Canary that releases one of this one's workloads, or steers one of its rules, and is older."""
    canaries = sorted(cluster.list_all(CANARIES, owner.namespace), key=_seniority)
    targets = {spec.target_ref.name} if spec.target_ref is not None else {one.target_ref.name for one in spec.subsets}
    older = takewhile(lambda canary: canary["metadata"]["uid"] != owner.uid, canaries)
    for canary in older:
        rival = f"Canary {owner.namespace}/{canary['metadata']['name']}, which is older,"
        if names := targets & target_names(canary):
            same = f"releases the same target {', '.join(sorted(names))}"
            yield Problem("TargetContested", f"{rival} {same}: delete one of the two")
        elif route := _same_route(canary, spec):
            same = f"shares the requests of VirtualService {route} between the same subsets"
            way_out = "name different http rules in the routeRefs of both, or delete one of the two"
            yield Problem("TargetContested", f"{rival} {same}: {way_out}")


def _same_route(canary: Manifest, spec: CanarySpec) -> str:
    """The name of an object in which both steer the same subsets in the same rules; empty if there is none."""
    if not {subset.name for subset in spec.subsets} & {one.get("name") for one in entries_in(canary, "subsets")}:
        return ""
    for ref in spec.route_refs:
        for other in entries_in(canary, "routeRefs"):
            rules = other.get("rules") or ()
            if other.get("name") == ref.name and not (ref.rules and rules and set(ref.rules).isdisjoint(rules)):
                return ref.name
    return ""


def _seniority(canary: Manifest) -> tuple[str, str]:
    metadata = canary["metadata"]
    return metadata.get("creationTimestamp", ""), metadata["uid"]
