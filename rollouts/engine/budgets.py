"""Disruption budgets: each one that guards the target's pods alone gets a copy that guards those of the copy.

A pod under two budgets can't be evicted at all, which blocks the drain of its node. So nothing is copied where a budget
of the user's guards the copy already, and two that would both be copied are a problem. A copy follows its original.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from rollouts.api.known import Known
from rollouts.api.ownership import CANARY_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Owner
from rollouts.api.resources import POD_DISRUPTION_BUDGETS, Manifest, ObjectKey, Resource
from rollouts.core.decision import Desired
from rollouts.core.label_selector import selects
from rollouts.core.observed import Observed, Problem
from rollouts.engine.belonging import is_ours
from rollouts.engine.pod_labels import PodLabels, is_blocked_by, pod_labels_for, pod_labels_of
from rollouts.engine.rights import Right
from rollouts.engine.subject import Subject
from rollouts.engine.versions import at_version_of
from rollouts.ports import Apply, Cluster, Delete, Write

FOLLOWED = ("minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy")
"""Fields of a budget that the copy has too."""
_NAME_MAX = 253
_REASONS = frozenset({"BudgetsOverlap", "NameTaken", "KindUnavailable"})


class Budgets:
    """Implements `Companion`."""

    kinds: tuple[Resource, ...] = (POD_DISRUPTION_BUDGETS,)

    def rights(self, cluster: Cluster, subject: Subject) -> tuple[Right, ...]:
        """As the Protocol says: only where there is a budget to copy."""
        labels = pod_labels_for(cluster, subject)
        if labels is None or not _to_be_copied(cluster, subject.owner, labels):
            return ()
        return tuple(Right(verb, POD_DISRUPTION_BUDGETS) for verb in ("create", "patch", "delete"))

    def concerns(self, cluster: Cluster, canary: Known, _resource: Resource, key: ObjectKey) -> bool:
        """As the Protocol says."""
        labels, budget = pod_labels_of(cluster, canary), cluster.read(POD_DISRUPTION_BUDGETS, key)
        if labels is None:
            return False
        copy = cluster.read(POD_DISRUPTION_BUDGETS, ObjectKey(key.namespace, copy_name(key.name, labels.name)))
        # A copy of ours that has gone is known by its name alone, unless that had to be cut.
        ours = key.name.endswith(f"-{labels.name}-primary") or len(key.name) + 1 >= _NAME_MAX
        touched = budget is not None and _touches(labels, budget)
        return ours or copy is not None or touched or is_blocked_by(canary, _REASONS)

    def problems(self, cluster: Cluster, subject: Subject) -> Iterator[Problem]:
        """As the Protocol says."""
        if trouble := cluster.trouble(POD_DISRUPTION_BUDGETS):
            yield Problem("KindUnavailable", trouble)
        labels = pod_labels_for(cluster, subject)
        copied = [] if labels is None else _to_be_copied(cluster, subject.owner, labels)
        if len(copied) > 1:
            names = " and ".join(f"{subject.owner.namespace}/{budget['metadata']['name']}" for budget in copied)
            both = f"the PodDisruptionBudgets {names} guard the same pods of {subject.spec.target}"
            yield Problem("BudgetsOverlap", f"{both}, and a pod under two can't be evicted: delete one of them")
        for budget in copied:
            name = copy_name(budget["metadata"]["name"], subject.spec.target.name)
            taken = cluster.read(POD_DISRUPTION_BUDGETS, ObjectKey(subject.owner.namespace, name))
            if taken is not None and not is_ours(cluster, subject.owner, taken):
                found = f"PodDisruptionBudget {subject.owner.namespace}/{name} exists and was not made by this Canary"
                yield Problem("NameTaken", f"{found}: delete or rename it, the controller needs the name")

    def before(self, _cluster: Cluster, _subject: Subject, _seen: Observed, _desired: Desired) -> Iterator[Write]:
        """Nothing: a budget of pods that are not there yet guards nobody."""
        yield from ()

    def after(self, cluster: Cluster, subject: Subject, _seen: Observed, desired: Desired) -> Iterator[Write]:
        """As the Protocol says: with the Services, once the copy is up."""
        labels = pod_labels_for(cluster, subject)
        if labels is None or not desired.routing:
            return
        # Of two, which is a problem, neither is touched: whichever there is already goes on guarding.
        originals = _to_be_copied(cluster, subject.owner, labels)
        wanted = {render_budget(subject.owner, labels, one)["metadata"]["name"]: one for one in originals}
        for name, original in wanted.items() if len(wanted) == 1 else ():
            known = cluster.read(POD_DISRUPTION_BUDGETS, ObjectKey(subject.owner.namespace, name))
            rendered = render_budget(subject.owner, labels, original)
            if known is None or (is_ours(cluster, subject.owner, known) and not _is_same(known, rendered)):
                yield Apply(POD_DISRUPTION_BUDGETS, at_version_of(known, rendered))
        for resource, manifest in self.removable(cluster, subject):
            if manifest["metadata"]["name"] not in wanted:
                yield Delete(resource, ObjectKey.of(manifest), uid=manifest["metadata"]["uid"])

    def removable(self, cluster: Cluster, subject: Subject) -> Iterator[tuple[Resource, Manifest]]:
        """As the Protocol says."""
        for budget in cluster.list_all(POD_DISRUPTION_BUDGETS, subject.owner.namespace):
            if subject.owner.owns(budget) and "deletionTimestamp" not in budget["metadata"]:
                yield POD_DISRUPTION_BUDGETS, budget


def copy_name(budget: str, target: str) -> str:
    """`<budget>-<target>-primary`, a long one shortened by a hash."""
    whole, suffix = f"{budget}-{target}", "-primary"
    if len(whole) + len(suffix) <= _NAME_MAX:
        return whole + suffix
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    kept = whole[: _NAME_MAX - len(suffix) - len(digest) - 1].rstrip("-.")
    return f"{kept}-{digest}{suffix}"


def render_budget(owner: Owner, labels: PodLabels, original: Manifest) -> Manifest:
    """The copy of a budget as it is to be.

    It selects the copy's pods and no others, whatever else the original guards: those have their budget already.
    """
    kept = {field: original["spec"][field] for field in FOLLOWED if original["spec"].get(field) is not None}
    name = copy_name(original["metadata"]["name"], labels.name)
    return {
        "apiVersion": POD_DISRUPTION_BUDGETS.api_version,
        "kind": POD_DISRUPTION_BUDGETS.kind,
        "metadata": {"name": name, "namespace": owner.namespace, "labels": owner.labels()},
        "spec": {"selector": {"matchLabels": labels.label.primary()}, **kept},
    }


def _to_be_copied(cluster: Cluster, owner: Owner, labels: PodLabels) -> list[Manifest]:
    """The budgets of the user's that guard the target; none if one of theirs guards the copy already."""
    budgets = [
        budget for budget in cluster.list_all(POD_DISRUPTION_BUDGETS, owner.namespace)
        if not _is_a_copy(budget) and _touches(labels, budget)
    ]  # fmt: skip
    guarded = any(selects(_selector(budget), labels.copy) for budget in budgets)
    return [] if guarded else sorted(budgets, key=lambda budget: str(budget["metadata"]["name"]))


def _is_a_copy(budget: Manifest) -> bool:
    labels = budget["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY_LABEL) == MANAGED_BY and CANARY_LABEL in labels


def _touches(labels: PodLabels, budget: Manifest) -> bool:
    return labels.touched(_selector(budget))


def _selector(budget: Manifest) -> Manifest | None:
    selector: Manifest | None = (budget.get("spec") or {}).get("selector")
    return selector


def _is_same(known: Manifest, rendered: Manifest) -> bool:
    labels = rendered["metadata"]["labels"].items() <= (known["metadata"].get("labels") or {}).items()
    return labels and _spec(known) == _spec(rendered)


def _spec(budget: Manifest) -> dict[str, Any]:
    """What of it matters here, absent as null."""
    return {field: budget["spec"].get(field) for field in ("selector", *FOLLOWED)}
