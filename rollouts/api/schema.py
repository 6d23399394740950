"""From pydantic's JSON schema to the structural schema that a CustomResourceDefinition demands.

References are inlined, "or null" becomes "optional", constants become enums, a number or a name becomes
`x-kubernetes-int-or-string`. What several fields must fulfil together comes from rules.py. Knows no kind of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_KEPT = (
    "type",
    "format",
    "description",
    "default",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One CEL rule: what must be true, and what to tell the user when it is not."""

    rule: str
    message: str

    def to_wire(self) -> Schema:
        """As `x-kubernetes-validations` lists it."""
        return {"rule": self.rule, "message": self.message}


@dataclass(frozen=True, slots=True)
class Extras:
    """What pydantic's schema can't say, by the name of the model or by `Model.field`."""

    rules: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    map_keys: Mapping[str, str] = field(default_factory=dict)
    """The key by which a list's items are told apart, by `Model.field`."""
    pattern_rules: Mapping[str, Sequence[Rule]] = field(default_factory=dict)
    """Rules that take a pattern's place, since a bare pattern tells nobody what to write."""
    bare: frozenset[str] = frozenset()
    """Models and enumerations, of items of lists, that the server fills nothing into: a list that it fills in differs
    from what its user applied, and counts as changed by another."""


def structural(model: type[BaseModel], extras: Extras, *, defaults: bool) -> Schema:
    """The structural schema of a model; without `defaults`, the server fills nothing in."""
    schema = model.model_json_schema(by_alias=True)
    return _Inliner(schema.get("$defs", {}), extras, defaults).convert(schema, model.__name__)


@dataclass(frozen=True, slots=True)
class _Inliner:
    definitions: Mapping[str, Schema]
    extras: Extras
    defaults: bool

    def convert(self, node: Schema, place: str) -> Schema:
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/$defs/")
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return self.convert({**self.definitions[name], **siblings}, name)
        if "anyOf" in node:
            return self._convert_union(node, place)
        return self._convert_plain(node, place)

    def _convert_union(self, node: Schema, place: str) -> Schema:
        siblings = {key: value for key, value in node.items() if key != "anyOf"}
        members = [member for member in node["anyOf"] if member.get("type") != "null"]
        if len(members) == 1:
            return self.convert({**members[0], **siblings}, place)
        if {member.get("type") for member in members} == {"integer", "string"}:
            return _int_or_string(members, siblings, self.extras.pattern_rules)
        raise TypeError(f"{place}: a structural schema has no union of these: {members}")

    def _convert_plain(self, node: Schema, place: str) -> Schema:
        out = {key: node[key] for key in _KEPT if key in node}
        if "const" in node:
            out["enum"] = [node["const"]]
        if not self.defaults or out.get("default", ...) is None or place.partition(".")[0] in self.extras.bare:
            out.pop("default", None)
        elif "default" in out:
            out["default"] = _without_nulls(out["default"])
        if out.get("pattern") in self.extras.pattern_rules:
            _add_rules(out, self.extras.pattern_rules[out.pop("pattern")])
        if "items" in node:
            out["items"] = self.convert(node["items"], f"{place}[]")
        if "properties" in node:
            out["properties"] = {
                name: self.convert(child, f"{place}.{name}") for name, child in node["properties"].items()
            }
        if isinstance(node.get("additionalProperties"), dict):
            out["additionalProperties"] = self.convert(node["additionalProperties"], f"{place}{{}}")
        if node.get("additionalProperties") is True:
            # Free in its fields: what the server does not know it is to keep.
            out["x-kubernetes-preserve-unknown-fields"] = True
        if place in self.extras.map_keys:
            out["x-kubernetes-list-type"] = "map"
            out["x-kubernetes-list-map-keys"] = [self.extras.map_keys[place]]
        _add_rules(out, self.extras.rules.get(place, ()))
        return out


def _without_nulls(default: Any) -> Any:
    """A default as the API server takes it: a field that is absent is left out."""
    if isinstance(default, dict) and None in default.values():
        return {key: value for key, value in default.items() if value is not None}
    return default


def _int_or_string(members: Sequence[Schema], siblings: Schema, pattern_rules: Mapping[str, Sequence[Rule]]) -> Schema:
    """A port by number or name, a size by number or percentage: typed bounds don't apply to both, so CEL states them.

    A pattern with rules of its own has rules that allow numbers.
    """
    number = next(member for member in members if member["type"] == "integer")
    text = next(member for member in members if member["type"] == "string")
    low, high, longest, pattern = number["minimum"], number["maximum"], text["maxLength"], text["pattern"]
    out: Schema = {"x-kubernetes-int-or-string": True}
    out |= {key: siblings[key] for key in ("description", "default") if siblings.get(key) is not None}
    by_number = Rule(
        f"type(self) == string || (int(self) >= {low} && int(self) <= {high})",
        f"a number must be from {low} to {high}",
    )
    by_name = Rule(
        f"type(self) == int || (size(string(self)) <= {longest} && string(self).matches('{pattern}'))",
        f"a name must have 1 to {longest} lower-case letters, digits and dashes, and start and end without a dash",
    )
    _add_rules(out, (by_number, *pattern_rules.get(pattern, (by_name,))))
    return out


def _add_rules(schema: Schema, rules: Sequence[Rule]) -> None:
    if rules:
        validations = schema.setdefault("x-kubernetes-validations", [])
        validations += [rule.to_wire() for rule in rules]
