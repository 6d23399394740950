"""Which rights a Canary needs, and which of them a review says are missing.

Looked at once, before anything is touched, so that a missing right can't leave things half made. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.resources import (
    CANARIES,
    DEPLOYMENTS,
    DESTINATION_RULES,
    EVENTS,
    RULES_REVIEWS,
    SERVICES,
    VIRTUAL_SERVICES,
    Manifest,
    Resource,
)
from rollouts.core.measurement import Outcome, Rejected, Value
from rollouts.ports import Create


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one kind, as a Role grants it."""

    verb: str
    resource: Resource
    subresource: str = ""
    namespace: str = ""
    """Where it is needed, if not in the Canary's own."""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'/' + self.subresource if self.subresource else ''}"


_WRITTEN = (SERVICES, VIRTUAL_SERVICES, DESTINATION_RULES)
_DELETED = (SERVICES, DESTINATION_RULES)
OF_EVERY_MODE = (Right("patch", CANARIES), Right("patch", CANARIES, "status"))
"""What the controller needs for the Canary itself."""


def to_copy(resource: Resource) -> tuple[Right, ...]:
    """What it needs to read and copy configuration of that kind."""
    return tuple(Right(verb, resource) for verb in ("get", "create", "patch", "delete"))


SUBSETS = (
    *OF_EVERY_MODE,
    Right("patch", DEPLOYMENTS),
    Right("patch", VIRTUAL_SERVICES),
    Right("create", EVENTS),
)
"""What it needs where both workloads and all that leads to them are the user's."""


def rights_to_copy(workloads: Resource) -> tuple[Right, ...]:
    """What it needs where it makes a copy of the target, which is one of `workloads`, and all that leads to it."""
    return (
        *OF_EVERY_MODE,
        *(Right(verb, resource) for resource in (workloads, *_WRITTEN) for verb in ("create", "patch")),
        *(Right("delete", resource) for resource in (workloads, *_DELETED)),
        Right("create", EVENTS),
    )


def rights_elsewhere(owner: Owner, spec: CanarySpec) -> tuple[Right, ...]:
    """What it needs in the namespaces of the user's own routes."""
    places = {ref.namespace for ref in spec.route_refs if ref.namespace not in {None, owner.namespace}}
    return tuple(Right("patch", VIRTUAL_SERVICES, namespace=place) for place in sorted(filter(None, places)))


def render_review(namespace: str) -> Create:
    """The question to the API server: what may I do in this namespace?"""
    manifest = {
        "apiVersion": RULES_REVIEWS.api_version,
        "kind": RULES_REVIEWS.kind,
        "spec": {"namespace": namespace},
    }
    return Create(RULES_REVIEWS, manifest)


def judge_rights(review: Manifest, namespace: str, needed: Iterable[Right]) -> Outcome:
    """Value(1) if all that is needed is granted; else Rejected, naming each verb and resource that is not.

    An authorizer that can't list its rules (a webhook) says `incomplete`: then nothing can be told beforehand.
    """
    status = review.get("status") or {}
    rules = status.get("resourceRules") or []
    missing = [str(right) for right in needed if not _granted(rules, right)]
    if not missing or status.get("incomplete"):
        return Value(1.0)
    lacks = f"the controller's account may not {', '.join(missing)} in namespace {namespace}"
    return Rejected(f"{lacks}: grant it, see deploy/base/rbac.yaml")


def _granted(rules: Sequence[Manifest], right: Right) -> bool:
    plural = right.resource.plural
    return any(
        _covers(rule.get("verbs"), right.verb)
        and _covers(rule.get("apiGroups"), right.resource.group)
        and _covers(rule.get("resources"), f"{plural}/{right.subresource}" if right.subresource else plural)
        and not rule.get("resourceNames")
        for rule in rules
    )


def _covers(granted: Sequence[str] | None, wanted: str) -> bool:
    return granted is not None and ("*" in granted or wanted in granted)
