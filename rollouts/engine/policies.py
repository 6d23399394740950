"""Policies that select pods by labels: one that covers the target's pods and would miss the copy's is a problem.

The copy serves all requests between releases. Without the policy it would be open to everybody, or cut off, and nobody
would be told. Policies by Service (`targetRefs`), of Istio's root namespace, or for whole namespaces are not looked at:
they don't tell the two apart, or can't be seen from here. Pure but for reading the stores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from rollouts.api.known import Known
from rollouts.api.resources import (
    AUTHORIZATION_POLICIES,
    ENVOY_FILTERS,
    NETWORK_POLICIES,
    PEER_AUTHENTICATIONS,
    REQUEST_AUTHENTICATIONS,
    SIDECARS,
    WASM_PLUGINS,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.core.decision import Desired
from rollouts.core.label_selector import Selector, selects
from rollouts.core.observed import Observed, Problem
from rollouts.engine.pod_labels import PodLabels, is_blocked_by, pod_labels_for, pod_labels_of
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster, Write

CONSENT = "set spec.allowUncovered: true"
_REASONS = frozenset({"PolicyNotCovering", "KindUnavailable"})
_DIRECTIONS = (("ingress", "from", "lets in"), ("egress", "to", "lets out to"))


def _pod_selector(spec: Manifest) -> Selector | None:
    return spec.get("podSelector") or {}


def _by_labels(field: str, labels: str) -> Callable[[Manifest], Selector | None]:
    """A selector of Istio's: equalities alone, and everything in the namespace where it is absent."""

    def found(spec: Manifest) -> Selector | None:
        if spec.get("targetRefs") or spec.get("targetRef"):
            return None
        return {"matchLabels": (spec.get(field) or {}).get(labels) or {}}

    return found


SELECTORS: Mapping[Resource, Callable[[Manifest], Selector | None]] = MappingProxyType(
    {
        NETWORK_POLICIES: _pod_selector,
        AUTHORIZATION_POLICIES: _by_labels("selector", "matchLabels"),
        PEER_AUTHENTICATIONS: _by_labels("selector", "matchLabels"),
        REQUEST_AUTHENTICATIONS: _by_labels("selector", "matchLabels"),
        WASM_PLUGINS: _by_labels("selector", "matchLabels"),
        SIDECARS: _by_labels("workloadSelector", "labels"),
        ENVOY_FILTERS: _by_labels("workloadSelector", "labels"),
    }
)
"""Which pods a policy of each kind is for; None for one that is not by labels.

Telemetry is not among them: without it a pod is as reachable and as safe as with it.
"""


class Policies:
    """Implements `Companion`. Writes nothing: policies are the user's."""

    kinds: tuple[Resource, ...] = tuple(SELECTORS)

    def rights(self, _cluster: Cluster, _subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says."""
        return ()

    def concerns(self, cluster: Cluster, canary: Known, resource: Resource, key: ObjectKey) -> bool:
        """As the Protocol says."""
        labels, policy = pod_labels_of(cluster, canary), cluster.read(resource, key)
        if labels is None:
            return False
        touched = policy is not None and any(labels.touched(selector) for selector in _all_selectors(resource, policy))
        return touched or is_blocked_by(canary, _REASONS)

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """As the Protocol says."""
        labels = pod_labels_for(cluster, subject)
        if labels is None or subject.spec.allow_uncovered:
            return
        for resource in self.kinds:
            if trouble := cluster.trouble(resource):
                blind = "so it can't be told whether its objects cover the copy"
                yield Problem("KindUnavailable", f"{trouble}; {blind}: mend that, or {CONSENT}")
            policies = [*cluster.list_all(resource, subject.owner.namespace)]
            for policy in sorted(policies, key=lambda policy: str(policy["metadata"]["name"])):
                if flaw := _flaw(resource, policy, policies, labels):
                    name = f"{resource.kind} {subject.owner.namespace}/{policy['metadata']['name']}"
                    yield Problem("PolicyNotCovering", f"{name} {flaw}")

    def before(self, _cluster: Cluster, _subject: Subject, _seen: Observed, _desired: Desired) -> Iterator[Write]:
        """Nothing."""
        yield from ()

    def after(self, _cluster: Cluster, _subject: Subject, _seen: Observed, _desired: Desired) -> Iterator[Write]:
        """Nothing."""
        yield from ()

    def removable(self, _cluster: Cluster, _subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """Nothing."""
        yield from ()


def _flaw(resource: Resource, policy: Manifest, others: Sequence[Manifest], labels: PodLabels) -> str:
    """What is wrong with it, and the way out; empty if nothing is."""
    copy = f"those of the copy {labels.name}-primary ({labels.owned_by_copy})"
    if labels.parted(_selector(resource, policy)) and not _has_twin(resource, policy, others, labels):
        covers = f"covers the pods of {labels.target_words} by {labels.owned_by_target}, and would not cover {copy}"
        return f"{covers}: let it select {labels.shared}, add one like it for {labels.owned_by_copy}, or {CONSENT}"
    for direction, peers, does in _DIRECTIONS if resource == NETWORK_POLICIES else ():
        if _leaves_out((policy.get("spec") or {}).get(direction) or (), peers, labels):
            opens = f"{does} the pods of {labels.target_words} by {labels.owned_by_target}, and not {copy}"
            way_out = f"name {labels.shared}, or {labels.owned_by_copy} too, in spec.{direction}, or {CONSENT}"
            return f"{opens}: {way_out}"
    return ""


def _has_twin(resource: Resource, policy: Manifest, others: Sequence[Manifest], labels: PodLabels) -> bool:
    """Whether the user has made the same policy for the copy."""
    same = [other for other in others if _content(other) == _content(policy)]
    return any(selects(_selector(resource, other), labels.copy) for other in same)


def _content(policy: Manifest) -> Manifest:
    spec: Manifest = policy.get("spec") or {}
    return {key: value for key, value in spec.items() if key not in {"podSelector", "selector", "workloadSelector"}}


def _leaves_out(rules: Sequence[Manifest], peers: str, labels: PodLabels) -> bool:
    """Whether a rule is for the target's pods as peers in their own namespace, and no rule like it for the copy's."""
    for rule in rules:
        ports = [one for one in rules if one.get("ports") == rule.get("ports")]
        named = any(labels.parted(selector) for selector in _peer_selectors(rule, peers))
        reached = [selector for one in ports for selector in _peer_selectors(one, peers)]
        if named and not any(selects(selector, labels.copy) for selector in reached):
            return True
    return False


def _peer_selectors(rule: Manifest, peers: str) -> list[Selector]:
    found = rule.get(peers) or ()
    return [peer["podSelector"] for peer in found if "podSelector" in peer and "namespaceSelector" not in peer]


def _selector(resource: Resource, policy: Manifest) -> Selector | None:
    return SELECTORS[resource](policy.get("spec") or {})


def _all_selectors(resource: Resource, policy: Manifest) -> Iterator[Selector | None]:
    yield _selector(resource, policy)
    for direction, peers, _ in _DIRECTIONS if resource == NETWORK_POLICIES else ():
        for rule in (policy.get("spec") or {}).get(direction) or ():
            yield from _peer_selectors(rule, peers)
