"""What an answer of a web source means, whoever fetched it.

Pure and total: a status, a body and a JSONPath in, an Outcome out; only one finite number becomes a Value. What is
half, or several, is no value. Nothing of the body is told but what kind of thing is there: whoever writes a path must
not be able to read by it what the controller can reach.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value
from rollouts.metrics.json_path import PathInvalidError, select
from rollouts.metrics.prometheus_answer import bounded

BODY_MAX = 256 * 1024
"""Bytes of an answer."""
_MAY_MEND = frozenset({407, 408, 421, 425, 429})
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?inf(inity)?|nan", re.IGNORECASE)


def read_web_answer(status: int, body: bytes, json_path: str) -> Outcome:
    """The meaning of an HTTP status and body."""
    if not 200 <= status < 300:
        return _refusal(status)
    if status in {204, 205}:
        return NoData()
    if status == 206:
        return Unreachable("HTTP 206: it sent a part of the answer")
    if len(body) > BODY_MAX:
        return Rejected(f"the answer is larger than {BODY_MAX // 1024} KiB: ask for less")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Unreachable(f"HTTP {status}, but the answer is no JSON, or only a part of one")
    return read_document(document, json_path)


def read_document(document: Any, json_path: str) -> Outcome:
    """The one number that the path selects."""
    try:
        selected = select(json_path, document)
    except PathInvalidError as error:
        return Rejected(bounded(str(error)))
    match selected:
        case []:
            return NoData()
        case [one]:
            return _read_value(one)
        case _:
            return Rejected("the JSONPath selects several values instead of one: select fewer, or let the server sum")


def _read_value(value: Any) -> Outcome:
    match value:
        case None | []:
            return NoData()
        case [bool() | int() | float() | str() | None as only]:
            return _read_value(only)
        case bool() | int() | float():
            return _read_number(value)
        case str():
            text = value.strip()
            if not _NUMBER.fullmatch(text):
                return Rejected("the JSONPath selects a text that is no number")
            return _read_number(text)
        case [_, _, *_]:
            return Rejected(f"the JSONPath selects a list of {len(value)} values instead of one")
        case _:
            return Rejected("the JSONPath selects an object or a list of them, no number")


def _read_number(value: float | str) -> Outcome:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isnan(number):
        return NoData()
    if math.isinf(number):
        return Rejected("the answer is infinite, which no limit can judge: it divides by zero, or is too large")
    return Value(number)


def _refusal(status: int) -> Outcome:
    if status in {401, 403}:
        return Rejected(f"the credentials are refused (HTTP {status}): check secretRef and headers")
    if 300 <= status < 400:
        return Rejected(f"HTTP {status}: redirects are not followed: write the address that this one leads to")
    if 400 <= status < 500 and status not in _MAY_MEND:
        return Rejected(f"HTTP {status}: check the address and the path of the question")
    return Unreachable(f"HTTP {status}")
