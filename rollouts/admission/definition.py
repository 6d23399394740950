"""What admission needs to know of a kind, from its CustomResourceDefinition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rollouts.api.resources import Manifest, Resource
from rollouts.api.schema import Schema


@dataclass(frozen=True, slots=True)
class Definition:
    """One served version of a kind. `has_status`: its status is written through a subresource of its own."""

    resource: Resource
    schema: Schema
    has_status: bool

    @property
    def full_kind(self) -> str:
        """As messages name it: `Canary.rollouts.dev`."""
        return f"{self.resource.kind}.{self.resource.group}" if self.resource.group else self.resource.kind


def definitions_of(crd: Manifest) -> list[Definition]:
    """Each served version of a CustomResourceDefinition, in its order."""
    return [_definition(crd["spec"], version) for version in crd["spec"]["versions"] if version.get("served")]


def _definition(spec: dict[str, Any], version: dict[str, Any]) -> Definition:
    names = spec["names"]
    return Definition(
        Resource(spec["group"], version["name"], names["plural"], names["kind"]),
        (version.get("schema") or {}).get("openAPIV3Schema") or {"x-kubernetes-preserve-unknown-fields": True},
        has_status="status" in (version.get("subresources") or {}),
    )
