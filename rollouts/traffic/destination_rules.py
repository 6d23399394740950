"""The DestinationRules of the two copies: how connections are made, as the user's rule for the Service says.

Pure. The user's rule is never written. It is about the clients' Service, which a route of ours passes by; without what
is inherited here its connection pools, outlier detection and TLS would be lost on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import DESTINATION_RULES, Manifest
from rollouts.traffic.istio_host import service_of
from rollouts.traffic.metadata import canary_service, primary_service, render_metadata

_INHERITED = ("trafficPolicy", "exportTo", "workloadSelector")


def find_inherited(owner: Owner, spec: CanarySpec, rules: Iterable[Manifest]) -> list[Manifest]:
    """Of the DestinationRules of the Canary's namespace the user's for the clients' Service, the oldest first."""
    meant = (owner.namespace, spec.service_name)
    theirs = [rule for rule in rules if service_meant(rule) == meant and "deletionTimestamp" not in rule["metadata"]]
    return sorted(theirs, key=_age)


def service_meant(rule: Manifest) -> tuple[str, str]:
    """The Service that a DestinationRule is about, as service_of tells it."""
    return service_of((rule.get("spec") or {}).get("host") or "", rule["metadata"]["namespace"])


def render_destination_rules(
    owner: Owner, spec: CanarySpec, theirs: Iterable[Manifest] = (), selector_key: str = ""
) -> tuple[Manifest, Manifest]:
    """The DestinationRules of the primary and of the canary.

    `theirs` are the user's for the clients' Service, the oldest first; `selector_key` is the label by which our pods
    are told from the user's.
    """
    inherited = _inherited(list(theirs), spec)
    name = spec.service_name
    return (
        _rule(owner, primary_service(name), inherited, _subsets(inherited, {selector_key})),
        _rule(owner, canary_service(name), inherited, _subsets(inherited, None)),
    )


def _inherited(theirs: list[Manifest], spec: CanarySpec) -> Manifest:
    """As Istio merges rules for one host: all but the subsets is the oldest's, and a subset's name stands once."""
    first = theirs[0]["spec"] if theirs else {}
    out: Manifest = {key: copy.deepcopy(first[key]) for key in _INHERITED if first.get(key)}
    policy = (out.get("trafficPolicy") or {}) | (spec.exposure.traffic_policy or {})
    subsets: dict[str, Manifest] = {}
    for rule in theirs:
        if rule["spec"].get("workloadSelector") == first.get("workloadSelector"):
            for subset in rule["spec"].get("subsets") or []:
                subsets.setdefault(str(subset.get("name")), copy.deepcopy(subset))
    return (
        out | ({"trafficPolicy": policy} if policy else {}) | ({"subsets": list(subsets.values())} if subsets else {})
    )


def _subsets(inherited: Manifest, dropped: set[str] | None) -> list[Manifest]:
    """Without labels that would select no pod of ours: those of `dropped`, or all.

    The next version's labels may be any, so in the canary a subset means all its pods.
    """
    out = []
    for subset in inherited.get("subsets") or []:
        labels = subset.get("labels") or {}
        kept = {} if dropped is None else {key: value for key, value in labels.items() if key not in dropped}
        rest = {key: value for key, value in subset.items() if key != "labels"}
        out.append(rest | ({"labels": kept} if kept else {}))
    return out


def _rule(owner: Owner, host: str, inherited: Manifest, subsets: list[Manifest]) -> Manifest:
    parts = inherited | ({"subsets": subsets} if subsets else {})
    return {
        "apiVersion": DESTINATION_RULES.api_version,
        "kind": DESTINATION_RULES.kind,
        "metadata": render_metadata(owner, host, parts=parts),
        "spec": {"host": host, **parts},
    }


def _age(rule: Manifest) -> tuple[str, str]:
    return str(rule["metadata"].get("creationTimestamp") or ""), rule["metadata"]["name"]
