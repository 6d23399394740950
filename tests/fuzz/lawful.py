"""A good object of which a part is another value of the same type: what a user can really apply."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from tests.adapters.structural_values import values
from tests.fuzz.matter import EXOTIC, stored

Schema = Mapping[str, Any]
_FIXED = frozenset({"apiVersion", "kind", "name", "namespace", "status", "managedFields", "uid", "resourceVersion"})
_ODD_TEXTS = st.sampled_from(
    [stored(text) for text in EXOTIC] + ["", "0", "app", "app-primary", "app-canary", "5%", "-1"]
)


@st.composite
def lawful(draw: st.DrawFn, whole: Any, schema: Schema, kept: frozenset[str] = frozenset()) -> Any:
    """One to three parts are others, gone where they need not be there, or there twice. `kept` are names of fields that
    the API server demands or fills in, beyond what the schema says.
    """
    changed = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        holder, key, inner = draw(st.sampled_from([*_places(changed, schema)]))
        match draw(st.sampled_from(["other", "other", "gone", "twice"])):
            case _ if key in kept:
                continue
            case "gone":
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[key] = draw(_other(inner, holder[key] if key in holder or isinstance(holder, list) else None))
    return changed


def _other(schema: Schema, now: Any) -> st.SearchStrategy[Any]:
    if schema.get("type") == "string" and "enum" not in schema and "format" not in schema:
        return _ODD_TEXTS
    if schema.get("type") == "integer":
        return st.sampled_from([0, 1, 2, 100, 101, 2**31 - 1])
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([0, 8080, "http", "100%", "x", "1Gi"])
    return values(schema) if schema else st.just(now)


def _places(value: Any, schema: Schema) -> Iterator[tuple[Any, Any, Schema]]:
    """What may be changed, as what holds it, where, and what it may be. Also what is not there, but may be."""
    if isinstance(value, dict):
        named: Mapping[str, Schema] = schema.get("properties") or {}
        rest: Schema = schema.get("additionalProperties") or {}
        required = set(schema.get("required", ()))
        for key in list(value):
            inner = named.get(key, rest)
            if key not in _FIXED | required:
                yield value, key, inner
            yield from _places(value[key], inner)
        for key in named.keys() - value.keys() - _FIXED:
            yield _Absent(value), key, named[key]
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield value, index, schema.get("items") or {}
            yield from _places(one, schema.get("items") or {})


class _Absent:
    """A field that is not there yet: to take it away changes nothing."""

    def __init__(self, holder: dict[str, Any]) -> None:
        self._holder = holder

    def __contains__(self, key: str) -> bool:
        return key in self._holder

    def __getitem__(self, key: str) -> Any:
        return self._holder[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._holder[key] = value

    def __delitem__(self, key: str) -> None:
        self._holder.pop(key, None)
