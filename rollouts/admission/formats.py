"""The formats of OpenAPI that the server checks, and the ranges of its numbers. Any other format means nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address

from rollouts.admission.expressions import is_duration

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}")
_INTEGERS = {"default": 2**63, "int64": 2**63, "int32": 2**31}


def misfits(value: str, form: str) -> bool:
    """Whether a text is not of a format."""
    reader = _READERS.get(form)
    if reader is None:
        return False
    try:
        return not reader(value)
    except ValueError:
        return True


def out_of_range(value: float, kind: str, form: str) -> bool:
    """Whether a number is none of that kind and format: fractions of an integer count too."""
    if kind != "integer" or form not in _INTEGERS:
        return False
    limit = _INTEGERS[form]
    return not float(value).is_integer() or not -limit <= value < limit


def _is_date_time(value: str) -> bool:
    return bool(_DATE_TIME.fullmatch(value)) and bool(datetime.fromisoformat(value.upper().replace(" ", "T")[:19]))


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return False
    return True


_READERS: dict[str, Callable[[str], object]] = {
    "byte": _is_base64,
    "date": lambda value: len(value) == len("2026-01-31") and date.fromisoformat(value),
    "date-time": _is_date_time,
    "duration": is_duration,
    "ipv4": IPv4Address,
    "ipv6": IPv6Address,
    "uuid": _UUID.fullmatch,
}
