"""A custom resource on its way into the cluster: read, pruned, filled in, checked; what the API server would store.

In the order of kube-apiserver: what can't be decoded is refused first (400), then all that is invalid is told at once
(422), and the rules of the schema are asked only if the types are right. Sets no name, uid, version or time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rollouts.admission.complaint import BLOCKING, NOWHERE, Complaint, invalid, summary
from rollouts.admission.correlation import ABSENT, old_entry
from rollouts.admission.decoding import as_read, undecodable
from rollouts.admission.defaults import defaulted
from rollouts.admission.definition import Definition
from rollouts.admission.lists import check_lists
from rollouts.admission.metadata import check_metadata
from rollouts.admission.place import Place
from rollouts.admission.pruning import pruned
from rollouts.admission.rules import check_rules
from rollouts.admission.structural import check
from rollouts.api.resources import Manifest
from rollouts.errors import Rejected

STATUS = "status"
"""The subresource."""

_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete "
    "validation"
)


class FieldValidation(StrEnum):
    """What to do about unknown fields; the values are those of the request's parameter."""

    STRICT = "Strict"
    WARN = "Warn"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is stored, and what the user is warned of."""

    manifest: Manifest
    warnings: tuple[str, ...] = ()


def admit(
    definition: Definition,
    manifest: Manifest,
    old: Manifest | None = None,
    *,
    field_validation: FieldValidation = FieldValidation.STRICT,
    subresource: str = "",
) -> Admitted:
    """The object as the server would store it, after a write of the whole of it; `old` is what is stored now.

    Raises Rejected with the message of the server's answer, and its causes.
    """
    sent = as_read(manifest)
    if wrong := undecodable(sent.get("metadata") or {}):
        raise _undecoded(definition, wrong)
    known, unknown = pruned(sent, definition.schema)
    warnings = tuple(f'unknown field "{path}"' for path in unknown)
    if warnings and field_validation is FieldValidation.STRICT:
        raise _undecoded(definition, f"strict decoding error: {', '.join(warnings)}")
    whole = _without_other_part(definition, defaulted(known, definition.schema), old, subresource)
    if found := list(_complaints(definition, whole, old, subresource)):
        raise _invalid(definition, whole, found)
    return Admitted(whole, warnings if field_validation is FieldValidation.WARN else ())


def _without_other_part(definition: Definition, manifest: Manifest, old: Manifest | None, subresource: str) -> Manifest:
    """A write of the status changes nothing else, and any other write not the status."""
    if subresource == STATUS and old is not None:
        kept = {name: value for name, value in old.items() if name != STATUS}
        return kept | ({STATUS: manifest[STATUS]} if STATUS in manifest else {})
    if not definition.has_status:
        return manifest
    kept = {name: value for name, value in manifest.items() if name != STATUS}
    return kept | ({STATUS: old[STATUS]} if old is not None and STATUS in old else {})


def _complaints(
    definition: Definition, manifest: Manifest, old: Manifest | None, subresource: str
) -> Iterator[Complaint]:
    before: Any = ABSENT if old is None else old
    found = check_metadata(manifest.get("metadata") or {}, old_entry(before, "metadata"))
    if subresource == STATUS:
        within = (definition.schema.get("properties") or {}).get(STATUS) or {}
        value, place = manifest.get(STATUS) or {}, Place(STATUS)
        found += check(value, within, place, old_entry(before, STATUS)).found
    else:
        found += check(manifest, definition.schema, Place(), before).found
    found += check_lists(manifest, definition.schema)
    yield from found
    if any(one.reason in BLOCKING for one in found):
        yield invalid(NOWHERE, None, _UNCHECKED)
    else:
        yield from check_rules(manifest, definition.schema, before)


def _invalid(definition: Definition, manifest: Manifest, found: list[Complaint]) -> Rejected:
    name = (manifest.get("metadata") or {}).get("name") or ""
    error = _rejected(definition, f'{definition.full_kind} "{name}" is invalid: {summary(found)}', 422)
    error.causes = tuple(one.to_wire() for one in found)
    return error


def _undecoded(definition: Definition, why: str) -> Rejected:
    resource = definition.resource
    head = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
    return _rejected(definition, f"{head}: {why}", 400)


def _rejected(definition: Definition, message: str, status: int) -> Rejected:
    return Rejected(message, resource=str(definition.resource), status=status)
