"""Every write over HTTP is checked as a real server does it: by the schema of a custom kind, or by the built-in types.

The built-in types say less than a real server checks: which fields there are, of what type, and which must be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rollouts.admission.admit import FieldValidation, admit
from rollouts.admission.definition import Definition
from rollouts.api.resources import Manifest
from rollouts.api.schema import Schema
from rollouts.embedded.completing import completed
from rollouts.embedded.kinds import STATUS, Kind
from rollouts.embedded.schemas import schema_of
from rollouts.errors import Rejected

_OPEN: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_EVERY = ("apiVersion", "kind", "metadata")
"""What admission looks at whatever the schema says of it."""


class Admit(Protocol):
    """What is checked before an object is stored; `old` is None for a new one."""

    def __call__(
        self, kind: Kind, manifest: Manifest, old: Manifest | None, /, *, field_validation: str, subresource: str
    ) -> tuple[Manifest, Sequence[str]]:
        """The object as it is to be stored, and warnings. Raises KubeError."""
        ...


def by_schema(
    kind: Kind, manifest: Manifest, old: Manifest | None, /, *, field_validation: str, subresource: str
) -> tuple[Manifest, Sequence[str]]:
    """As a real server does it. Raises Rejected."""
    if field_validation not in set(FieldValidation):
        raise Rejected(f"fieldValidation: Unsupported value: {field_validation!r}", status=422)
    definition = Definition(kind.resource, _schema(kind), has_status=STATUS in kind.subresources)
    validation = FieldValidation(field_validation)
    done = admit(definition, manifest, old, field_validation=validation, subresource=subresource)
    return completed(kind.resource, done.manifest, old), done.warnings


def _schema(kind: Kind) -> Schema:
    if kind.schema is not None:
        return kind.schema
    known = schema_of(kind.resource.kind) or _OPEN
    properties = {name: part for name, part in known.get("properties", {}).items() if name not in _EVERY}
    return {**known, "properties": properties}
