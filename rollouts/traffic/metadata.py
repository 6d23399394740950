"""What stands on every routing object of ours: whose it is, and a word to GitOps tools to leave it alone.

Never put on an object that a user made.
"""

from __future__ import annotations

from rollouts.api.ownership import Owner
from rollouts.api.resources import Manifest

HANDS_OFF = {
    "helm.toolkit.fluxcd.io/driftDetection": "disabled",
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
}
"""Annotations by which Flux skips an object."""


def render_metadata(owner: Owner, name: str) -> Manifest:
    """The metadata of an object of ours, in the Canary's namespace."""
    return {"name": name, "namespace": owner.namespace, "labels": owner.labels(), "annotations": dict(HANDS_OFF)}


def primary_service(service: str) -> str:
    """The Service that selects the copy that serves between releases."""
    return f"{service}-primary"


def canary_service(service: str) -> str:
    """The Service that selects the version under judgement."""
    return f"{service}-canary"
