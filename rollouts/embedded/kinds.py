"""Which kinds the embedded cluster serves: the built-in ones, and those that stored definitions add.

A kind is what discovery tells of it. Nothing here knows HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rollouts.api.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    EVENTS,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    RULES_REVIEWS,
    SECRETS,
    SERVICES,
    Manifest,
    ObjectKey,
    Resource,
)
from rollouts.embedded.schemas import schema_of, with_metadata
from rollouts.testing.memory_server import MemoryServer

STATUS, SCALE = "status", "scale"
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
DEFINITIONS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview")
REVIEWS = (RULES_REVIEWS, ACCESS_REVIEWS)
"""What is answered and never stored."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `schema` and `columns` are those of a custom kind's definition."""

    resource: Resource
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: frozenset[str] = frozenset()
    columns: tuple[Manifest, ...] = ()
    schema: Manifest | None = field(default=None, repr=False)
    custom: bool = False

    @property
    def verbs(self) -> tuple[str, ...]:
        """As discovery names them."""
        if self.resource in REVIEWS:
            return ("create",)
        return ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

    @property
    def path(self) -> str:
        """Where its group and version are served: `api/v1` or `apis/GROUP/VERSION`."""
        return f"apis/{self.resource.api_version}" if self.resource.group else f"api/{self.resource.version}"


def _kind(group: str, version: str, plural: str, kind: str, *short_names: str, **more: Any) -> Kind:
    return Kind(Resource(group, version, plural, kind), short_names=short_names, **more)


_WORKLOAD: dict[str, Any] = {"categories": ("all",), "subresources": frozenset({STATUS, SCALE})}
_WITH_STATUS: dict[str, Any] = {"subresources": frozenset({STATUS})}

BUILT_IN: tuple[Kind, ...] = (
    Kind(NAMESPACES, namespaced=False, short_names=("ns",), subresources=frozenset({STATUS})),
    Kind(EVENTS, short_names=("ev",)),
    _kind("", "v1", "configmaps", "ConfigMap", "cm"),
    Kind(SECRETS),
    Kind(SERVICES, short_names=("svc",), categories=("all",), subresources=frozenset({STATUS})),
    _kind("", "v1", "serviceaccounts", "ServiceAccount", "sa"),
    _kind("", "v1", "pods", "Pod", "po", categories=("all",), **_WITH_STATUS),
    Kind(DEPLOYMENTS, short_names=("deploy",), **_WORKLOAD),
    _kind("apps", "v1", "replicasets", "ReplicaSet", "rs", **_WORKLOAD),
    Kind(DAEMON_SETS, short_names=("ds",), categories=("all",), **_WITH_STATUS),
    _kind(
        "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa",
        categories=("all",), **_WITH_STATUS,
    ),
    Kind(POD_DISRUPTION_BUDGETS, short_names=("pdb",), **_WITH_STATUS),
    Kind(NETWORK_POLICIES, short_names=("netpol",)),
    _kind("coordination.k8s.io", "v1", "leases", "Lease"),
    Kind(
        DEFINITIONS, namespaced=False, short_names=("crd", "crds"), categories=("api-extensions",),
        subresources=frozenset({STATUS}),
    ),
    Kind(RULES_REVIEWS, namespaced=False),
    Kind(ACCESS_REVIEWS, namespaced=False),
)  # fmt: skip


_SCHEMAS = {kind.resource: schema for kind in BUILT_IN if (schema := schema_of(kind.resource.kind))}


class Kinds:
    """All kinds of one server, as they are now."""

    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    def all(self) -> Sequence[Kind]:
        """Built-in kinds first."""
        return (*BUILT_IN, *(kind for crd in self._server.all_of(DEFINITIONS) for kind in _defined(crd)))

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind that is served there."""
        named = (group, version, plural)
        return next((kind for kind in self.all() if _place(kind.resource) == named), None)

    def schema_of(self, resource: Resource) -> Manifest | None:
        """What is known of its fields: the built-in types, or a custom kind's definition."""
        if resource in _SCHEMAS:
            return _SCHEMAS[resource]
        kind = self.find(*_place(resource))
        return None if kind is None or kind.schema is None else with_metadata(kind.schema)

    def has_namespace(self, name: str) -> bool:
        """Whether that namespace exists."""
        return self._server.stored(NAMESPACES, ObjectKey("", name)) is not None


def _place(resource: Resource) -> tuple[str, str, str]:
    return resource.group, resource.version, resource.plural


def _defined(definition: Manifest) -> list[Kind]:
    """The kinds of one CustomResourceDefinition, a version at a time."""
    spec = definition["spec"]
    names = spec["names"]
    return [
        Kind(
            Resource(spec["group"], version["name"], names["plural"], names["kind"]),
            namespaced=spec["scope"] == "Namespaced",
            short_names=tuple(names.get("shortNames", ())),
            categories=tuple(names.get("categories", ())),
            subresources=frozenset(version.get("subresources", {})),
            columns=tuple(version.get("additionalPrinterColumns", ())),
            schema=(version.get("schema") or {}).get("openAPIV3Schema"),
            custom=True,
        )
        for version in spec["versions"]
        if version.get("served", True)
    ]
