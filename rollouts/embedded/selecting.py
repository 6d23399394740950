"""Label and field selectors as clients write them in a query. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rollouts.api.resources import Manifest
from rollouts.embedded.answers import Refusal

Selects = Callable[[Manifest], bool]

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)")
_PAIR = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<how>==|!=|=)\s*(?P<value>[^,()]*)")
_PRESENCE = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)")
_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")


def by_labels(text: str) -> Selects:
    """A label selector: `a=b,c!=d,e in (f,g),h,!i`. Raises Refusal."""
    terms = [_label_term(term.strip()) for term in _BETWEEN_TERMS.split(text) if term.strip()]
    return lambda manifest: all(term(manifest["metadata"].get("labels") or {}) for term in terms)


def by_fields(text: str, known: Sequence[str]) -> Selects:
    """A field selector of `known` fields: `metadata.name=a,involvedObject.kind!=Pod`. Raises Refusal."""
    terms: list[Selects] = []
    for term in filter(None, (part.strip() for part in text.split(","))):
        found = _PAIR.fullmatch(term)
        if found is None:
            raise Refusal(400, f"invalid field selector {text!r}")
        if found["key"] not in known:
            raise Refusal(400, f"field label not supported: {found['key']}")
        terms.append(_field_term(found["key"].split("."), found["value"], equal=found["how"] != "!="))
    return lambda manifest: all(term(manifest) for term in terms)


def _label_term(text: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.fullmatch(text):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        wanted = found["how"] == "in"
        return lambda labels: (labels.get(key) in values) if wanted else (labels.get(key) not in values)
    if found := _PAIR.fullmatch(text):
        key, value, equal = found["key"], found["value"].strip(), found["how"] != "!="
        return lambda labels: (labels.get(key) == value) is equal
    if found := _PRESENCE.fullmatch(text):
        key, present = found["key"], not found["absent"]
        return lambda labels: (key in labels) is present
    raise Refusal(400, f"unable to parse requirement: {text!r}")


def _field_term(path: list[str], value: str, *, equal: bool) -> Selects:
    def selects(manifest: Manifest) -> bool:
        found: Any = manifest
        for name in path:
            found = found.get(name, "") if isinstance(found, dict) else ""
        return (str(found) == value) is equal

    return selects
