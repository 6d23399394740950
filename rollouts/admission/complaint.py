"""What a server says of one field, and how it says it: the texts are those of kube-apiserver, to the letter.

Knows how Go writes values. Knows nothing of schemas or rules: who finds something wrong makes a `Complaint` of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

NOWHERE = "<nil>"
"""How Go prints the path of no field."""


class Reason(StrEnum):
    """The kinds of complaints, as the `causes` of a Status name them."""

    REQUIRED = "FieldValueRequired"
    INVALID = "FieldValueInvalid"
    TYPE = "FieldValueTypeInvalid"
    UNSUPPORTED = "FieldValueNotSupported"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    DUPLICATE = "FieldValueDuplicate"
    FORBIDDEN = "FieldValueForbidden"


BLOCKING = frozenset({Reason.REQUIRED, Reason.TYPE, Reason.UNSUPPORTED, Reason.TOO_LONG, Reason.TOO_MANY})
"""After one of these the rules are not asked: they could not rely on the types of what they read."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One field and what is wrong with it; `message` is without the field."""

    field: str
    reason: Reason
    message: str

    def __str__(self) -> str:
        """As it stands in the summary."""
        return f"{self.field}: {self.message}"

    def to_wire(self) -> dict[str, str]:
        """As one of the causes in the details of a Status."""
        return {"reason": self.reason.value, "message": self.message, "field": self.field}


def required(field: str, detail: str = "") -> Complaint:
    """Something is missing."""
    return Complaint(field, Reason.REQUIRED, _joined("Required value", detail))


def invalid(field: str, value: Any, detail: str) -> Complaint:
    """A value that must not be."""
    return Complaint(field, Reason.INVALID, _joined(f"Invalid value: {shown(value)}", detail))


def refused(field: str, detail: str) -> Complaint:
    """As `invalid`, of a value too large to quote."""
    return Complaint(field, Reason.INVALID, f"Invalid value: {detail}")


def mistyped(field: str, value: str, detail: str) -> Complaint:
    """A value of another type; `value` is the name of its own."""
    return Complaint(field, Reason.TYPE, f"Invalid value: {quoted(value)}: {detail}")


def unsupported(field: str, value: Any, allowed: Sequence[Any]) -> Complaint:
    """None of the values that may be."""
    names = ", ".join(quoted(one if isinstance(one, str) else json.dumps(one)) for one in allowed)
    return Complaint(field, Reason.UNSUPPORTED, f"Unsupported value: {shown(value)}: supported values: {names}")


def too_long(field: str, limit: int) -> Complaint:
    """A text above its length, which the server calls bytes though it counts characters."""
    return Complaint(field, Reason.TOO_LONG, f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Complaint:
    """A list or a map above its size."""
    return Complaint(field, Reason.TOO_MANY, f"Too many: {count}: must have at most {limit} items")


def duplicate(field: str, value: Any) -> Complaint:
    """What may stand once stands again."""
    return Complaint(field, Reason.DUPLICATE, f"Duplicate value: {shown(value)}")


def forbidden(field: str, detail: str) -> Complaint:
    """A field that must not be set, or not now."""
    return Complaint(field, Reason.FORBIDDEN, _joined("Forbidden", detail))


def summary(found: Sequence[Complaint]) -> str:
    """All of them in one line, each once."""
    said = list(dict.fromkeys(map(str, found)))
    return said[0] if len(said) == 1 else f"[{', '.join(said)}]"


def below(path: str, name: str) -> str:
    """The path of a field in an object."""
    return f"{path}.{name}" if path else name


def shown(value: Any) -> str:
    """A value as Go's `%v` and the server's quoting write it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def number(value: float) -> str:
    """A float as Go's `%v` writes it: `1`, `0.5`, `1e+06`."""
    if not math.isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
    exact = Decimal(repr(value)).normalize()
    exponent = exact.adjusted()
    if -4 <= exponent < 6 or not value:
        return f"{exact:f}"
    return f"{exact.scaleb(-exponent):f}e{exponent:+03d}"


def quoted(text: str) -> str:
    """A text as Go's `%q` writes it."""
    return '"' + "".join(_escaped(one) for one in text) + '"'


_SHORT = {'"': r"\"", "\\": r"\\"} | {
    chr(point): f"\\{letter}" for point, letter in zip(range(0x07, 0x0E), "abtnvfr", strict=True)
}


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    point = ord(character)
    if point < 0x80:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _joined(head: str, detail: str) -> str:
    return f"{head}: {detail}" if detail else head
