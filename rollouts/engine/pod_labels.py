"""The labels of the target's pods and of its copy's, by which other objects mean the one, the other, or both.

Pure but for reading the stores. What a label selector means is core/label_selector.py's matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.known import Known
from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, Manifest, ObjectKey, Resource
from rollouts.api.status import ConditionType
from rollouts.core.label_selector import Selector, selects
from rollouts.core.selector import SelectorLabel, selector_label
from rollouts.engine.subject import Subject
from rollouts.ports import Cluster


@dataclass(frozen=True, slots=True)
class PodLabels:
    """Two sets of labels that differ in one."""

    kind: str
    """Of the target."""
    name: str
    label: SelectorLabel
    target: dict[str, str]

    @property
    def target_words(self) -> str:
        """What a person calls the target."""
        return f"{self.kind} {self.name}"

    @property
    def copy(self) -> dict[str, str]:
        """The labels that the next copy's pods get."""
        return self.target | self.label.primary()

    @property
    def owned_by_target(self) -> str:
        """The label by which the two part, on the target's pods."""
        return f"{self.label.key}={self.label.value}"

    @property
    def owned_by_copy(self) -> str:
        """The same on the copy's."""
        return f"{self.label.key}={self.label.primary_value}"

    @property
    def shared(self) -> str:
        """What to select both by, for a person."""
        common = sorted(f"{key}={value}" for key, value in self.target.items() if key != self.label.key)
        return f"a label that both have, such as {common[0]}" if common else "a label that both have (give them one)"

    def parted(self, selector: Selector | None) -> bool:
        """Whether the target's pods are selected and the copy's are not."""
        return selects(selector, self.target) and not selects(selector, self.copy)

    def touched(self, selector: Selector | None) -> bool:
        """Whether any of them is selected."""
        return selects(selector, self.target) or selects(selector, self.copy)


def pod_labels(cluster: Cluster, namespace: str, kind: str, target: str) -> PodLabels | None:
    """Both sets; None while there is no such workload, or no label by which its copy could part from it."""
    resource = workloads_of(kind)
    manifest = cluster.read(resource, ObjectKey(namespace, target))
    label = selector_label(manifest) if manifest is not None else None
    if manifest is None or label is None:
        return None
    return PodLabels(resource.kind, target, label, manifest["spec"]["template"]["metadata"]["labels"])


def workloads_of(kind: str) -> Resource:
    """Where the targets of that kind are."""
    return DAEMON_SETS if kind == DAEMON_SETS.kind else DEPLOYMENTS


def pod_labels_for(cluster: Cluster, subject: Subject) -> PodLabels | None:
    """The same of a Canary's target."""
    target = subject.spec.target
    return pod_labels(cluster, subject.owner.namespace, target.kind, target.name)


def pod_labels_of(cluster: Cluster, canary: Known) -> PodLabels | None:
    """The same for a Canary as it is stored; None for one with subsets, or with a spec of any other shape."""
    target = canary.told(target_of)
    return None if target is None else pod_labels(cluster, canary.key.namespace, *target)


def target_of(canary: Manifest) -> tuple[str, str] | None:
    """Kind and name of the target of a Canary as it is stored; None if it has subsets, or a spec of any other shape."""
    spec = canary.get("spec")
    ref = spec.get("targetRef") if isinstance(spec, dict) else None
    name = ref.get("name") if isinstance(ref, dict) else None
    if not (isinstance(ref, dict) and isinstance(name, str)):
        return None
    return str(ref.get("kind", DEPLOYMENTS.kind)), name


def is_blocked_by(canary: Known, reasons: frozenset[str]) -> bool:
    """Whether the Canary is not Ready for one of these reasons: then what has gone matters as much as what is there."""
    return canary.told(_readiness) in reasons


def _readiness(canary: Manifest) -> str:
    """The reason of its condition Ready, whatever that says; empty while there is none."""
    conditions = (canary.get("status") or {}).get("conditions") or ()
    return next((str(told["reason"]) for told in conditions if told["type"] == ConditionType.READY), "")
