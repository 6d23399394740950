"""Values that a structural schema admits, and fields that it does not know yet, as hypothesis draws them.

Bounded: an object gets a few of its optional fields only, a list a few elements. Knows nothing of Istio.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

OPTIONAL_MAX = 3
ELEMENTS_MAX = 2
UNKNOWN = "xFromTheFuture"
"""Fields of this name stand for what a newer version of the kind may have."""
_TEXTS = st.sampled_from(["", "a", "b", "/x~y/z", "default", "Ü", "*.example.com"])
_DURATIONS = st.sampled_from(["1ms", "0.5s", "3s", "1m30s", "2h"])
_NEW: st.SearchStrategy[Any] = st.sampled_from([True, 0, "new", [], {}, [{"name": "a", "weight": 1}], {"weight": 5}])


@st.composite
def values(draw: st.DrawFn, schema: Schema) -> Any:
    """A value of that schema; some of its objects have a field that it does not know."""
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    match schema.get("type"):
        case "object" if "properties" in schema:
            return draw(_objects(schema))
        case "object":
            inner = values(schema.get("additionalProperties", {}))
            return draw(st.dictionaries(st.sampled_from(["a", "x-b", "c/d~e"]), inner, max_size=ELEMENTS_MAX))
        case "array":
            return draw(st.lists(values(schema["items"]), max_size=ELEMENTS_MAX))
        case "integer":
            return draw(st.integers(schema.get("minimum", -1), min(schema.get("maximum", 100), 100)))
        case "number":
            return draw(st.sampled_from([0, 0.5, 33, 100]))
        case "boolean":
            return draw(st.booleans())
        case "string":
            timed = any("duration" in one["rule"] for one in schema.get("x-kubernetes-validations", ()))
            return draw(_DURATIONS if timed else _TEXTS)
        case _:
            return draw(_NEW)


@st.composite
def _objects(draw: st.DrawFn, schema: Schema) -> dict[str, Any]:
    names = list(schema["properties"])
    chosen = set(draw(st.lists(st.sampled_from(names), max_size=OPTIONAL_MAX, unique=True))) if names else set()
    chosen |= set(schema.get("required", ()))
    for alternatives in _alternatives(schema):
        only = draw(st.sampled_from([*alternatives, ""]))
        chosen = (chosen - alternatives) | ({only} - {""})
    drawn = {name: draw(values(schema["properties"][name])) for name in names if name in chosen}
    if draw(st.integers(0, 7)) == 0:
        drawn[UNKNOWN] = draw(_NEW)
    return drawn


def _alternatives(schema: Schema) -> list[set[str]]:
    """Fields of which at most one may be there."""
    sets = [schema.get("oneOf", ()), *(one.get("oneOf", ()) for one in schema.get("allOf", ()))]
    return [names for choices in sets if (names := {name for choice in choices for name in choice.get("required", ())})]
