"""The copy of a Deployment that serves between releases: `<target>-primary`, with the template that was proven last.

Pure: the user's Deployment in, whole manifests for server-side apply out. Never copies what the API server fills in, or
what makes a GitOps tool take the copy for an object of its own. What a Deployment says of itself is read in state.py.
"""

from __future__ import annotations

import copy

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import REVISION_ANNOTATION, Owner
from rollouts.api.resources import DEPLOYMENTS, Manifest
from rollouts.core.revision import without_nulls
from rollouts.core.selector import SELECTOR_LABELS, SelectorLabel, selector_label
from rollouts.errors import SpecInvalid
from rollouts.workloads.pod_affinity import rewrite_self_selection

TRACKING_LABELS = frozenset({"app.kubernetes.io/instance", "argocd.argoproj.io/instance", "helm.sh/chart"})
"""Labels by which Argo CD and Helm know their own objects, and would prune one that is not in Git."""
TRACKING_PREFIXES = ("helm.toolkit.fluxcd.io/", "kustomize.toolkit.fluxcd.io/", "argocd.argoproj.io/")
"""Prefixes of such labels."""
COPIED_FIELDS = ("strategy", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
"""Fields of a Deployment's spec that the copy takes as they are."""


def render_primary(owner: Owner, spec: CanarySpec, target: Manifest, revision: str, replicas: int) -> Manifest:
    """The copy of `target` as it is to be: its template under our label, `replicas` pods, marked with `revision`.

    Raises SpecInvalid if the target has no label by which the two could part.
    """
    label = selector_label(target)
    if label is None:
        raise SpecInvalid(
            f"Deployment {spec.target.name}: spec.selector.matchLabels has none of {', '.join(SELECTOR_LABELS)} "
            "that the pod template carries with the same value; add one, so that the primary's pods can be told apart"
        )
    kept = {field: target["spec"][field] for field in COPIED_FIELDS if target["spec"].get(field) is not None}
    return {
        "apiVersion": DEPLOYMENTS.api_version,
        "kind": DEPLOYMENTS.kind,
        "metadata": {
            "name": spec.primary_name,
            "namespace": owner.namespace,
            "labels": _labels(target, label) | owner.labels(),
            # The target's annotations are not copied: they are orders to other controllers about that one object
            # (last-applied, tracking ids, image updaters), and the copy takes orders from here alone.
            "annotations": {REVISION_ANNOTATION: revision},
        },
        "spec": copy.deepcopy(without_nulls(kept))
        | {
            "replicas": replicas,
            "selector": {"matchLabels": label.primary()},
            "template": _template(target["spec"]["template"], label),
        },
    }


def render_scale(target: Manifest, replicas: int) -> Manifest:
    """What is applied to a Deployment to give it `replicas` pods, and nothing else."""
    metadata = target["metadata"]
    return {
        "apiVersion": DEPLOYMENTS.api_version,
        "kind": DEPLOYMENTS.kind,
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": replicas},
    }


def _labels(target: Manifest, label: SelectorLabel) -> dict[str, str]:
    labels = target["metadata"].get("labels") or {}
    kept = {key: value for key, value in labels.items() if not _tracks(key)}
    return kept | label.primary() if kept.get(label.key) == label.value else kept


def _tracks(key: str) -> bool:
    return key in TRACKING_LABELS or key.startswith(TRACKING_PREFIXES)


def _template(template: Manifest, label: SelectorLabel) -> Manifest:
    copied: Manifest = copy.deepcopy(without_nulls(template))
    copied["metadata"]["labels"] |= label.primary()
    rewrite_self_selection(copied["spec"], label)
    return copied
