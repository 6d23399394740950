"""Whether an object is a Canary's to write: made for it, or left behind by another one that is gone.

A Canary that takes over from a deleted one goes on with what that one made: its copy serves the traffic. Pure but for
reading the stores.
"""

from __future__ import annotations

from rollouts.api.ownership import CANARY_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Owner
from rollouts.api.resources import CANARIES, Manifest
from rollouts.ports import Cluster


def is_ours(cluster: Cluster, owner: Owner, manifest: Manifest) -> bool:
    """Whether `owner` may write the whole object."""
    return owner.owns(manifest) or _is_left_behind(cluster, manifest)


def _is_left_behind(cluster: Cluster, manifest: Manifest) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    if labels.get(MANAGED_BY_LABEL) != MANAGED_BY or CANARY_LABEL not in labels:
        return False
    canaries = cluster.list_all(CANARIES, manifest["metadata"]["namespace"])
    return all(canary.told(_label) != labels[CANARY_LABEL] for canary in canaries.known)


def _label(canary: Manifest) -> str:
    return Owner.of(canary).labels()[CANARY_LABEL]
