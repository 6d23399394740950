"""What an object is after a patch of a kind that only says what changes: JSON, merge or strategic merge."""

from __future__ import annotations

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import Refusal, no_such_thing
from rollouts.embedded.asked import Asked
from rollouts.embedded.bodies import APPLY_PATCH, JSON_PATCH, MERGE_PATCH
from rollouts.embedded.schemas import schema_of
from rollouts.embedded.strategic import StrategicPatchInvalid, strategically_merged
from rollouts.testing.json_patch import PatchRefused, patched
from rollouts.testing.memory_apply import merged

_MANAGED = "/metadata/managedFields"


def after_patch(asked: Asked, old: Manifest) -> Manifest:
    """The object after a patch. Raises Refusal."""
    if asked.patch == JSON_PATCH:
        if not isinstance(asked.body, list):
            raise Refusal(
                400, "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
            )
        try:
            return dict(patched(old, asked.body))
        except (PatchRefused, LookupError, TypeError, ValueError) as refused:
            raise Refusal(422, "the server rejected our request due to an error in our request") from refused
    if asked.patch == MERGE_PATCH and not isinstance(asked.body, dict):
        raise _undecoded("array", "map[string]interface {}")
    if asked.patch == MERGE_PATCH:
        return dict(merged(old, asked.manifest))
    if asked.target.kind.custom:
        raise Refusal(
            415, "the body of the request was in an unknown format - accepted media types include: "
            f"{JSON_PATCH}, {MERGE_PATCH}, {APPLY_PATCH}",
        )  # fmt: skip
    schema = schema_of(asked.target.kind.resource.kind)
    if schema is None:
        raise no_such_thing()
    try:
        return strategically_merged(old, asked.manifest, schema)
    except StrategicPatchInvalid as invalid:
        raise Refusal(400, str(invalid)) from invalid


def names_managed_fields(asked: Asked) -> bool:
    """Whether a patch may say where in them something changes: one that merges brings all of them anew."""
    return asked.patch == JSON_PATCH and _MANAGED in str(asked.body)


def _undecoded(found: str, wanted: str) -> Refusal:
    """In the server's words."""
    return Refusal(400, f"error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}")
