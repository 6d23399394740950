"""Which Canaries care about a changed object: the other way round from what a Canary reads. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rollouts.api.resources import CANARIES, Manifest, ObjectKey, Resource
from rollouts.ports import Cluster


def interested(cluster: Cluster, resource: Resource, key: ObjectKey) -> Iterator[ObjectKey]:
    """The Canaries to look at again when `key` of `resource` has changed.

    Two Canaries on one target wake each other, so that the second goes on when the first is deleted.
    """
    if resource == CANARIES:
        changed = cluster.read(CANARIES, key)
        yield key
        names = _names(changed) if changed is not None else None
        for canary in cluster.list_all(CANARIES, key.namespace):
            other = ObjectKey.of(canary)
            if other != key and (names is None or names & _names(canary)):
                yield other
        return
    for canary in cluster.list_all(CANARIES, key.namespace):
        if key.name in _names(canary):
            yield ObjectKey.of(canary)


def _names(canary: Manifest) -> set[str]:
    """The names of all objects that a Canary reads or makes. Tolerates a spec that is invalid."""
    target = name_in(canary, "targetRef")
    service = name_in(canary, "service") or target
    return {f"{name}{suffix}" for name in (target, service) for suffix in ("", "-primary", "-canary")}


def name_in(canary: Manifest, field: str) -> str:
    """`spec.<field>.name` of a Canary as it is stored; empty if there is none. Tolerates a spec of any shape."""
    spec = canary.get("spec")
    part = spec.get(field) if isinstance(spec, dict) else None
    return str(part.get("name") or "") if isinstance(part, dict) else ""
