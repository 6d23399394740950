"""Copies of ConfigMaps and Secrets for the workload that serves: what they are called, and all but what is in them.

A copy is for one Canary and one content, and never changes: the pods of the version before keep theirs, and a template
that names another copy rolls out as any other. Pure; content is never seen here.
"""

from __future__ import annotations

import hashlib

from rollouts.api.ownership import COPY_OF_ANNOTATION, Owner
from rollouts.api.resources import Manifest
from rollouts.workloads.config_refs import ConfigRef

_NAME_MAX = 253
_DIGITS = 10


def copy_name(name: str, primary: str, digest: str) -> str:
    """The name of the copy of `name` with that content for the workload `primary`. One that is too long is cut."""
    identity = hashlib.sha256(f"{name}\n{primary}\n{digest}".encode()).hexdigest()[:_DIGITS]
    # Cut where a dot or a dash stands, the name would have an empty label.
    about = f"{name}-{primary}"[: _NAME_MAX - _DIGITS - 1].rstrip("-.")
    return f"{about}-{identity}"


def render_copy(owner: Owner, ref: ConfigRef, primary: str, digest: str) -> Manifest:
    """The copy without its content. No ownerReference: what the pods that serve read must outlive the Canary."""
    return {
        "apiVersion": ref.resource.api_version,
        "kind": ref.kind,
        "metadata": {
            "name": copy_name(ref.name, primary, digest),
            "namespace": owner.namespace,
            "labels": owner.labels(),
            "annotations": {COPY_OF_ANNOTATION: ref.name},
        },
        "immutable": True,
    }
