"""What parsers are fed with: values that are odd, bytes that are torn, and good documents with a part that is wrong."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

SECRET = "s3cr3t-of-the-shop-7f1c"
"""Stands wherever a secret may stand; no message may hold it."""
EXOTIC = (
    "\x00", "\r\n", "\u2028", "\ufeff", "\u202egpj.exe", "a\u0300" * 40, "\U0001f469\u200d\U0001f4bb",
    "²", "١٢٣", "ﬁ", "İ",
    "\ud800", "%00", "../../etc/passwd", "<script>alert(1)</script>", "' OR 1=1 --", "{{ x }}", "${x}", "a" * 100_000,
)  # fmt: skip
NUMBERS = ("NaN", "+Inf", "-Inf", "Infinity", "1e400", "-0", "1_000", "0x10", "1" * 5000, "١", "", " 1", "1 ", "1e-400")
TIMES = (
    "2026-05-04T12:00:00Z", "2026-05-04T12:00:00", "2026-05-04T12:00:00+99:99", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2026-05-04T12:00:00x5z", "2026-W01-1", "20260504", "now", "1e9",
)  # fmt: skip
texts = st.one_of(st.sampled_from([*EXOTIC, *NUMBERS, *TIMES, "", "app", "x" * 300, SECRET]), st.text(max_size=20))
scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts,
    st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1.5, 1e308]),
)  # fmt: skip


def deep(levels: int, inner: Any = None, *, of_lists: bool = True) -> Any:
    """Nested as deep as that."""
    value = inner
    for _ in range(levels):
        value = [value] if of_lists else {"a": value}
    return value


values: st.SearchStrategy[Any] = st.one_of(
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(texts.filter(lambda t: len(t) < 99), inner)
        ),
        max_leaves=6,
    ),
    # Copied, since they are changed.
    st.sampled_from([[], {}, [[]], [{}], [None], {"name": None}, deep(90), deep(90, of_lists=False), [0] * 2000]).map(
        copy.deepcopy
    ),
)


@st.composite
def spoilt(draw: st.DrawFn, whole: Any, most: int = 3) -> Any:
    """A good document of which one to three parts are something else, gone, or there twice."""
    changed = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, most))):
        places = [*_places(changed)]
        if not places:
            return draw(values)
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["odd", "odd", "odd", "gone", "twice", "more"])):
            case "odd":
                holder[key] = draw(values)
            case "gone":
                del holder[key]
            case "twice" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _ if isinstance(holder, dict):
                holder[draw(texts)] = draw(values)
            case _:
                holder.append(draw(values))
    return changed


def _places(value: Any) -> Any:
    """All parts, as what holds them and where."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(items):
        yield value, key
        yield from _places(part)


def stored(value: Any) -> Any:
    """A value as an API server gives it: no half of a character, no number that JSON has none of, no huge one."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case float() if not math.isfinite(value):
            return None
        case int() if abs(value) >= 2**63:
            return 1e19
        case dict():
            return {stored(key): stored(one) for key, one in value.items()}
        case list():
            return [stored(one) for one in value]
        case _:
            return value


class _Bytes(bytes):
    """Shown short where a test fails."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{bytes(self[:60])!r} and {max(0, len(self) - 60)} more"


_TORN = tuple(_Bytes(one) for one in (
    b"", b"\x00", b"\xff\xfe", b"\xc3\x28", b"[" * 20_000, b'{"a":' * 20_000, b"9" * 5000, b"NaN", b"-Infinity",
    b"1e999",
    b'"\\ud800"', b"null", b"true", b"{}", b"[]", b'""', b"\n", b",", b":", b"&a [*a]", b"<<: *a", b"!!binary ", b"- ",
))  # fmt: skip


@st.composite
def torn(draw: st.DrawFn, whole: bytes) -> bytes:
    """Good bytes that are cut, doubled, and have others in them."""
    changed = whole
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(changed)))
        last = draw(st.integers(first, min(len(changed), first + 40)))
        middle = draw(st.one_of(st.sampled_from([*_TORN, changed[first:last] * 2]), st.binary(max_size=8)))
        changed = changed[:first] + middle + changed[last:]
    return changed


def bodies(good: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """What a server may answer: good JSON, JSON with parts that are wrong, torn JSON, anything."""
    encoded = st.sampled_from(good).map(lambda one: json.dumps(one).encode())
    wrong = st.sampled_from(good).flatmap(spoilt).map(lambda one: json.dumps(one).encode())
    return st.one_of(encoded, wrong, wrong, encoded.flatmap(torn), st.sampled_from(_TORN), st.binary(max_size=60))
