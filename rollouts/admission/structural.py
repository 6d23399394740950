"""What is wrong with a value by an OpenAPI v3 schema: the part of it that CustomResourceDefinitions may use.

Follows k8s.io/kube-openapi's validator, with its order of checks and its texts. The server visits the fields of an
object in no order at all; here it is the schema's, so that the same object always gives the same message. Values
that an update leaves as they were are not looked at: the server lets old faults be ("validation ratcheting", KEP-4008).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rollouts.admission.bounds import number_complaints, size_complaints, text_complaints
from rollouts.admission.complaint import NOWHERE, Complaint, below, invalid, mistyped, required, too_many, unsupported
from rollouts.admission.correlation import ABSENT, old_entry, old_item, same
from rollouts.admission.formats import misfits
from rollouts.admission.place import Place
from rollouts.admission.verdict import Verdict
from rollouts.api.schema import Schema


def check(value: Any, schema: Schema, place: Place = Place(), old: Any = ABSENT) -> Verdict:  # noqa: B008 (frozen)
    """All that is wrong with `value`, and how many checks it met on the way."""
    if old is not ABSENT and same(value, old):
        return Verdict()
    verdict = Verdict(_type_complaints(value, schema, place), matches=int(_is_typed(schema)))
    if value is None:
        return verdict.plus(_enum_complaints(value, schema, place))
    verdict = verdict.merged(_check_combinations(value, schema, place), matches=1)
    if isinstance(value, str):
        found = [*text_complaints(value, schema, place), *_format_complaints(value, schema, place)]
        verdict = verdict.plus(found)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        verdict = verdict.plus(number_complaints(value, schema, place))
    elif isinstance(value, list):
        verdict = verdict.merged(_check_items(value, schema, place, old), matches=1)
    verdict = verdict.plus(_enum_complaints(value, schema, place))
    return verdict.merged(_check_object(value, schema, place, old), matches=1) if isinstance(value, dict) else verdict


def type_name(value: Any) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    names = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def schema_types(schema: Schema) -> tuple[str, ...]:
    """The types that a value may have; empty if any will do."""
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _is_typed(schema: Schema) -> bool:
    return bool(schema_types(schema) or schema.get("format"))


def _type_complaints(value: Any, schema: Schema, place: Place) -> list[Complaint]:
    types, own = schema_types(schema), type_name(value)
    if not types or own in types or (value is None and schema.get("nullable")):
        return []
    if own == "integer" and "number" in types:
        return []
    if own == "number" and "integer" in types and value.is_integer() and abs(value) < 2**53:
        return []
    named = ",".join(types)
    if schema.get("format") and own not in ("null", "string", "array"):
        named, own = schema["format"], _own_format(value)
    return [mistyped(place.field, own, f"{place.named} in body must be of type {named}: {_quote(own)}")]


def _own_format(value: Any) -> str:
    """What the server takes a number's format for."""
    return {"integer": "int64", "number": "double"}.get(type_name(value), "")


def _quote(name: str) -> str:
    return f'"{name}"'


def _format_complaints(value: str, schema: Schema, place: Place) -> list[Complaint]:
    form = schema.get("format", "")
    if not misfits(value, form):
        return []
    return [mistyped(place.field, value, f"{place.named} in body must be of type {form}: {_quote(value)}")]


def _enum_complaints(value: Any, schema: Schema, place: Place) -> list[Complaint]:
    allowed = schema.get("enum")
    if allowed is None or any(same(value, one) for one in allowed):
        return []
    return [unsupported(place.field, "" if value is None else value, allowed)]


def _check_items(value: list[Any], schema: Schema, place: Place, old: Any) -> Verdict:
    verdict = Verdict()
    if isinstance(items := schema.get("items"), dict):
        for index, item in enumerate(value):
            verdict = verdict.merged(check(item, items, place.at(index), old_item(old, item, schema)), matches=1)
    return verdict.plus(size_complaints(value, schema, place))


def _check_object(value: dict[str, Any], schema: Schema, place: Place, old: Any) -> Verdict:
    size = len(value)
    if size < (least := schema.get("minProperties", 0)):
        return Verdict([invalid(place.field, "", f"{place.named} in body should have at least {least} properties")])
    if size > (most := schema.get("maxProperties", size)):
        return Verdict([too_many(place.field, size, most)])
    verdict = Verdict()
    for name, within in _schemas_of(value, schema):
        verdict = verdict.merged(check(value[name], within, place.of(name), old_entry(old, name)), matches=1)
    properties = schema.get("properties") or {}
    absent = [name for name in schema.get("required", ()) if name not in value]
    return verdict.plus(
        [required(below(place.field, name)) for name in absent if "default" not in properties.get(name, {})]
    )


def _schemas_of(value: dict[str, Any], schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Each field that something is said of: first those of a map, then those with a name in the schema."""
    properties = schema.get("properties") or {}
    if isinstance(others := schema.get("additionalProperties"), dict):
        yield from ((name, others) for name in value if name not in properties)
    yield from ((name, within) for name, within in properties.items() if name in value)


def _check_combinations(value: Any, schema: Schema, place: Place) -> Verdict:
    verdict = Verdict()
    if among := schema.get("anyOf"):
        verdict = verdict.merged(_check_any(value, among, place))
    if among := schema.get("oneOf"):
        verdict = verdict.merged(_check_one(value, among, place))
    for each in schema.get("allOf") or ():
        verdict = verdict.merged(check(value, each, place))
    if (refused := schema.get("not")) is not None and not check(value, refused, place).found:
        verdict = verdict.plus([_of_whole(place, "must not validate the schema (not)")])
    return verdict


def _check_any(value: Any, among: list[Schema], place: Place) -> Verdict:
    tried = [check(value, each, place) for each in among]
    if any(not one.found for one in tried):
        return Verdict()
    return Verdict([_of_whole(place, "must validate at least one schema (anyOf)")]).merged(_nearest(tried))


def _check_one(value: Any, among: list[Schema], place: Place) -> Verdict:
    tried = [check(value, each, place) for each in among]
    fitting = sum(not one.found for one in tried)
    if fitting == 1:
        return Verdict()
    how = f"Found {fitting} valid alternatives" if fitting else "Found none valid"
    verdict = Verdict([_of_whole(place, f"must validate one and only one schema (oneOf). {how}")])
    return verdict if fitting else verdict.merged(_nearest(tried))


def _nearest(tried: list[Verdict]) -> Verdict:
    """What fails, of the schema that the value is nearest to: the first with the most checks met."""
    return max(tried, key=lambda one: one.matches)


def _of_whole(place: Place, what: str) -> Complaint:
    return invalid(NOWHERE, "", f'"{place.named}" {what}')
