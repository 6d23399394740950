"""What the API server refuses of the kinds that are ours, in its words, and what the controller's models refuse after.

To words that only say what is wrong, what to do is added.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from rollouts.admission.admit import admit
from rollouts.admission.definition import Definition, definitions_of
from rollouts.api import crd
from rollouts.api.alert_provider import AlertProviderSpec
from rollouts.api.canary import CanarySpec
from rollouts.api.resources import GROUP, VERSION
from rollouts.api.schema import Schema
from rollouts.api.template import AnalysisTemplateSpec
from rollouts.errors import Rejected
from rollouts.lint.finding import Finding, Level
from rollouts.lint.item import Item
from rollouts.manifests.document import steps_of

_UNKNOWN = re.compile(r'unknown field "([^"]+)"')
_NOT_ASKED = "some validation rules were not checked because the object was invalid"


@dataclass(frozen=True, slots=True)
class Ours:
    """One kind of ours."""

    definition: Definition
    model: type[BaseModel]


@cache
def kinds_of_ours() -> dict[str, Ours]:
    """By kind."""
    made: tuple[tuple[Callable[[], dict[str, Any]], type[BaseModel]], ...] = (
        (crd.canary_crd, CanarySpec),
        (crd.template_crd, AnalysisTemplateSpec),
        (crd.provider_crd, AlertProviderSpec),
    )
    found = [Ours(definitions_of(make())[0], model) for make, model in made]
    return {one.definition.resource.kind: one for one in found}


def check_schema(item: Item) -> Iterator[Finding]:
    """All that is wrong with one object of ours."""
    ours = kinds_of_ours().get(item.kind)
    if ours is None or item.manifest["apiVersion"] != f"{GROUP}/{VERSION}":
        known = ", ".join(kinds_of_ours())
        said = f'no matches for kind "{item.kind}" in version "{item.manifest["apiVersion"]}"'
        yield item.finding(Level.ERROR, "UnknownKind", f"{said}: {GROUP}/{VERSION} has {known}", "apiVersion")
        return
    try:
        admitted = admit(ours.definition, item.manifest)
    except Rejected as refused:
        yield from _refused(item, refused, ours.definition.schema)
        return
    try:
        ours.model.model_validate(admitted.manifest["spec"])
    except ValidationError as invalid:
        for error in invalid.errors():
            field = _path(("spec", *error["loc"]))
            yield item.finding(Level.ERROR, "Invalid", f"{field}: {error['msg'].removeprefix('Value error, ')}", field)


def valid_spec(item: Item) -> BaseModel | None:
    """The spec in our words; None where it is none, which was told already."""
    ours = kinds_of_ours().get(item.kind)
    if ours is None:
        return None
    try:
        return ours.model.model_validate(admit(ours.definition, item.manifest).manifest["spec"])
    except (Rejected, ValidationError):
        return None


def is_ours(item: Item) -> bool:
    """Whether it is of our group."""
    return item.group == GROUP


def _refused(item: Item, refused: Rejected, schema: Schema) -> Iterator[Finding]:
    """The causes; else each unknown field; else the whole."""
    seen: set[tuple[str, str]] = set()
    for cause in refused.causes:
        field, message = cause["field"], cause["message"]
        if (field, message) in seen or _NOT_ASKED in message:
            continue
        seen.add((field, message))
        way_out = _way_out(cause["reason"], field)
        yield item.finding(Level.ERROR, _RULES.get(cause["reason"], "Invalid"), f"{field}: {message}{way_out}", field)
    if refused.causes:
        return
    unknown = _UNKNOWN.findall(str(refused))
    for field in unknown:
        yield item.finding(Level.ERROR, "UnknownField", f'unknown field "{field}": {_instead_of(field, schema)}', field)
    if not unknown:
        yield item.finding(Level.ERROR, "Invalid", f"{refused}: correct it")


_RULES = {
    "FieldValueRequired": "Required",
    "FieldValueTypeInvalid": "WrongType",
    "FieldValueNotSupported": "Unsupported",
    "FieldValueTooLong": "TooLong",
    "FieldValueTooMany": "TooMany",
    "FieldValueDuplicate": "Duplicate",
    "FieldValueForbidden": "Forbidden",
}


def _way_out(reason: str, field: str) -> str:
    match reason:
        case "FieldValueRequired":
            return f"; add {field.rpartition('.')[2] or field}"
        case "FieldValueTypeInvalid":
            return "; write a value of that type"
        case "FieldValueNotSupported":
            return "; write one of these"
        case "FieldValueTooLong" | "FieldValueTooMany":
            return "; shorten it"
        case "FieldValueDuplicate":
            return "; leave one"
        case _:
            return ""


def _instead_of(field: str, schema: Schema) -> str:
    """What was probably meant, or what there is."""
    known, steps = schema, steps_of(field)
    for step in steps[:-1]:
        known = known.get("items") or {} if isinstance(step, int) else (known.get("properties") or {}).get(step) or {}
    names = list(known.get("properties") or ())
    near = difflib.get_close_matches(str(steps[-1]), names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}? Else remove it" if near else "remove it"


def _path(steps: tuple[str | int, ...]) -> str:
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.lstrip(".")
