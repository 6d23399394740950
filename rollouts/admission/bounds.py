"""How long, how many, how much: the limits that a schema sets to texts, lists and numbers."""

from __future__ import annotations

import json
from typing import Any, Literal

from rollouts.admission.complaint import NOWHERE, Complaint, invalid, number, too_long, too_many
from rollouts.admission.expressions import matches
from rollouts.admission.formats import out_of_range
from rollouts.admission.place import Place
from rollouts.api.schema import Schema


def text_complaints(value: str, schema: Schema, place: Place) -> list[Complaint]:
    """Length, counted in characters, and pattern. The server stops at the first."""
    if len(value) > schema.get("maxLength", len(value)):
        return [too_long(place.field, schema["maxLength"])]
    if len(value) < schema.get("minLength", 0):
        return [_short(value, place, f"at least {schema['minLength']} chars long")]
    pattern = schema.get("pattern")
    if pattern and not matches(value, pattern):
        return [invalid(place.field, value, f"{place.named} in body should match '{pattern}'")]
    return []


def number_complaints(value: float, schema: Schema, place: Place) -> list[Complaint]:
    """Bounds; and that an integer is one, which the server says once more here, of no field."""
    found = []
    kind = schema.get("type", "")
    form = schema.get("format") or "default"
    if out_of_range(value, kind, form):
        found.append(invalid(NOWHERE, "", f"Checked value must be of type {kind} ({form} format) in {place.named}"))
    found += _beyond(value, schema, "maximum", place) + _beyond(value, schema, "minimum", place)
    factor = schema.get("multipleOf")
    if factor and not (value / factor).is_integer():
        found.append(invalid(place.field, value, f"{place.named} in body should be a multiple of {_bound(factor)}"))
    return found


def size_complaints(value: list[Any], schema: Schema, place: Place) -> list[Complaint]:
    """Number of items, and whether each stands once."""
    found = []
    count = len(value)
    if count < (least := schema.get("minItems", 0)):
        found.append(_short(count, place, f"have at least {least} items", verb="should"))
    if count > (most := schema.get("maxItems", count)):
        found.append(too_many(place.field, count, most))
    if schema.get("uniqueItems") and len({json.dumps(item, sort_keys=True) for item in value}) < count:
        found.append(invalid(place.field, "", f"{place.named} in body shouldn't contain duplicates"))
    return found


def _beyond(value: float, schema: Schema, limit: Literal["maximum", "minimum"], place: Place) -> list[Complaint]:
    bound = schema.get(limit)
    if bound is None:
        return []
    strict = bool(schema.get(f"exclusive{limit.capitalize()}"))
    if (value < bound if limit == "maximum" else value > bound) or (value == bound and not strict):
        return []
    wanted = ("less than" if limit == "maximum" else "greater than") + ("" if strict else " or equal to")
    return [invalid(place.field, value, f"{place.named} in body should be {wanted} {_bound(bound)}")]


def _short(value: object, place: Place, wanted: str, *, verb: str = "should be") -> Complaint:
    return invalid(place.field, value, f"{place.named} in body {verb} {wanted}")


def _bound(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else number(bound)
