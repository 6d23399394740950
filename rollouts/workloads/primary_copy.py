"""The copy of a workload that serves between releases: `<target>-primary`, with the template that was proven last.

Pure: the user's object in, whole manifests for server-side apply out. Never copies what the API server fills in, or
what makes a GitOps tool take the copy for an object of its own. What a Deployment says of itself is read in state.py;
all that is a DaemonSet's alone is in daemon_set.py.
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
    """The copy of a Deployment as it is to be: its template under our label, `replicas` pods, marked with `revision`.

    Raises SpecInvalid if the target has no label by which the two could part.
    """
    return render_copy(owner, spec, target, revision, kept_fields(target, COPIED_FIELDS) | {"replicas": replicas})


def render_copy(owner: Owner, spec: CanarySpec, target: Manifest, revision: str, own: Manifest) -> Manifest:
    """The same of any kind of workload; `own` are the fields of its spec beside selector and template.

    Raises SpecInvalid if the target has no label by which the two could part.
    """
    label = selector_label(target)
    if label is None:
        raise SpecInvalid(
            f"{spec.target.kind} {spec.target.name}: spec.selector.matchLabels has none of "
            f"{', '.join(SELECTOR_LABELS)} that the pod template carries with the same value; add one, so that the "
            "primary's pods can be told apart"
        )
    return {
        "apiVersion": spec.target.api_version,
        "kind": spec.target.kind,
        "metadata": {
            "name": spec.primary_name,
            "namespace": owner.namespace,
            "labels": _labels(target, label) | owner.labels(),
            # The target's annotations are not copied: they are orders to other controllers about that one object
            # (last-applied, tracking ids, image updaters), and the copy takes orders from here alone.
            "annotations": {REVISION_ANNOTATION: revision},
        },
        "spec": own
        | {
            "selector": {"matchLabels": label.primary()},
            "template": _template(target, label),
        },
    }


def kept_fields(target: Manifest, names: tuple[str, ...]) -> Manifest:
    """Those of the named fields of the target's spec that it has, to be copied as they are."""
    kept = {name: target["spec"][name] for name in names if target["spec"].get(name) is not None}
    copied: Manifest = copy.deepcopy(without_nulls(kept))
    return copied


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
    kept = {key: value for key, value in labels.items() if not is_tracking(key)}
    return kept | label.primary() if kept.get(label.key) == label.value else kept


def is_tracking(key: str) -> bool:
    """Whether that label is how a GitOps tool knows its own objects."""
    return key in TRACKING_LABELS or key.startswith(TRACKING_PREFIXES)


def _template(target: Manifest, label: SelectorLabel) -> Manifest:
    copied: Manifest = copy.deepcopy(without_nulls(target["spec"]["template"]))
    copied["metadata"]["labels"] |= label.primary()
    rewrite_self_selection(copied["spec"], label, target["metadata"]["namespace"])
    return copied
