"""What stands on every routing object of ours: whose it is, and a word to GitOps tools to leave it alone.

Never put on an object that a user made.
"""

from __future__ import annotations

from typing import Any

from rollouts.api.exposure import ExtraMetadata
from rollouts.api.ownership import APPLIED_ANNOTATION, Owner
from rollouts.api.resources import Manifest
from rollouts.core.revision import digest_of

HANDS_OFF = {
    "helm.toolkit.fluxcd.io/driftDetection": "disabled",
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
}
"""Annotations by which Flux skips an object."""


def render_metadata(
    owner: Owner, name: str, extra: ExtraMetadata | None = None, *, parts: dict[str, Any] | None = None
) -> Manifest:
    """The metadata of an object of ours, in the Canary's namespace.

    `parts` is what else in the object comes and goes with the user's wishes. Of it and of `extra` the object bears a
    digest: what was wished before and is no more is to be seen although it lies in nothing that is rendered.
    """
    labels, annotations = (dict(extra.labels), dict(extra.annotations)) if extra is not None else ({}, {})
    wished = {"labels": labels, "annotations": annotations, **(parts or {})}
    present = {key: value for key, value in wished.items() if value}
    said = {APPLIED_ANNOTATION: digest_of(present)} if present else {}
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": labels | owner.labels(),
        "annotations": annotations | HANDS_OFF | said,
    }


def primary_service(service: str) -> str:
    """The Service that selects the copy that serves between releases."""
    return f"{service}-primary"


def canary_service(service: str) -> str:
    """The Service that selects the version under judgement."""
    return f"{service}-canary"
