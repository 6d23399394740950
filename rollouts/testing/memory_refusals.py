"""What a server in memory answers to a write that it will not carry out, in the words of a real one, nearly."""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.resources import DAEMON_SETS, DEPLOYMENTS, SERVICES, Manifest, ObjectKey, Resource
from rollouts.errors import Conflict, NotFound, Rejected

_WORKLOAD = ("selector", "template")
_DEMANDED = {DEPLOYMENTS: _WORKLOAD, DAEMON_SETS: _WORKLOAD, SERVICES: ("ports",)}
"""What the server demands in the spec of a new object of the kinds that are applied in part."""


class ApplyConflict(Conflict):
    """409 of an apply that is not forced: the fields of others that it would change, as JSON causes of a Status."""

    def __init__(self, message: str, *, resource: str, causes: Sequence[Manifest]) -> None:
        super().__init__(message, verb="patch", resource=resource, status=409)
        self.causes = causes


def not_found(verb: str, resource: Resource, key: ObjectKey) -> NotFound:
    """404."""
    return NotFound(f"{verb} {resource}: {key} does not exist", verb=verb, resource=str(resource), status=404)


def conflict(verb: str, resource: Resource, what: str) -> Conflict:
    """409."""
    return Conflict(f"{verb} {resource}: {what}", verb=verb, resource=str(resource), status=409)


def apply_conflict(resource: Resource, against: Sequence[tuple[str, str]]) -> ApplyConflict:
    """409 of an apply that would change these fields, each with its manager, both as written for a person."""
    by_manager: dict[str, list[str]] = {}
    for manager, path in against:
        by_manager.setdefault(manager, []).append(path)
    if len(against) == 1:
        told = f"conflict with {against[0][0]}: {against[0][1]}"
    else:
        told = "\n".join(
            f"conflicts with {manager}:\n" + "\n".join(f"- {path}" for path in paths)
            for manager, paths in by_manager.items()
        )
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in against
    ]
    count = f"{len(against)} conflict{'s' * (len(against) > 1)}"
    return ApplyConflict(f"Apply failed with {count}: {told}", resource=str(resource), causes=causes)


def unfit(resource: Resource, why: Exception) -> Conflict:
    """422 of a JSON patch that does not fit the object."""
    return Conflict(f"patch {resource}: {why}", verb="patch", resource=str(resource), status=422)


def rejected(resource: Resource, what: str) -> Rejected:
    """422 of an object that must not be."""
    return Rejected(f"patch {resource}: {what}", verb="patch", resource=str(resource), status=422)


def check_complete(resource: Resource, intent: Manifest) -> None:
    """An apply of one field makes no whole object of one that was deleted meanwhile. Raises Rejected."""
    absent = [field for field in _DEMANDED.get(resource, ()) if field not in (intent.get("spec") or {})]
    if absent:
        raise rejected(resource, f"spec.{absent[0]}: Required value")
