"""What an answer of Prometheus's query API means, whoever fetched it.

Pure: a status and a body in, an Outcome out. Total: any body whatever has a meaning, and only one finite number becomes
a Value. An answer that is not Prometheus's own (a login page, half a body) says nothing about the query, so it counts
as unreachable; only Prometheus itself can reject a query.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value

REASON_MAX = 256
"""The most characters of a reason: it goes into a status with a budget."""
_QUERY_REFUSED = frozenset({400, 422})
_CREDENTIALS_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, and what Prometheus warned of: with warnings, the value may rest on part of the data only."""

    outcome: Outcome
    warnings: tuple[str, ...] = ()


def read_answer(status: int, body: bytes) -> Answer:
    """The meaning of an HTTP status and body of `/api/v1/query`."""
    payload = _payload(body)
    if status in _CREDENTIALS_REFUSED:
        return Answer(Rejected(f"the credentials for Prometheus are refused (HTTP {status}): check token or password"))
    if status in _QUERY_REFUSED and "error" in payload:
        return Answer(Rejected(bounded(f"Prometheus rejects the query: {payload['error']}")))
    if status != 200:
        said = payload.get("error", "")
        return Answer(Unreachable(bounded(f"HTTP {status}: {said}" if said else f"HTTP {status}")))
    data = payload.get("data")
    if payload.get("status") != "success" or not isinstance(data, dict):
        return Answer(_not_prometheus())
    warnings = payload.get("warnings")
    texts = tuple(bounded(str(text)) for text in warnings[:8]) if isinstance(warnings, list) else ()
    return Answer(_read_result(data.get("resultType"), data.get("result")), texts)


def bounded(text: str) -> str:
    """Text from outside on one line, without control characters, at most REASON_MAX long."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= REASON_MAX else line[: REASON_MAX - 1] + "…"


def _payload(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty if there is none."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _read_result(kind: Any, result: Any) -> Outcome:
    match kind, result:
        case ("scalar", [_, str(text)]) | ("vector", [{"value": [_, str(text)]}]):
            return _read_number(text)
        case "vector", []:
            return NoData()
        case "vector", [{"histogram": _}]:
            return Rejected("the query gives a histogram, not a number: take a quantile or a rate of it")
        case "vector", [_, _, *_]:
            return Rejected(f"the query gives {len(result)} series instead of one: aggregate them, say with sum()")
        case (("matrix" | "string"), _):
            return Rejected(f"the query gives a {kind} instead of one number at one instant")
        case _:
            return _not_prometheus()


def _read_number(text: str) -> Outcome:
    try:
        number = float(text)
    except ValueError:
        return _not_prometheus()
    if math.isnan(number):
        return NoData()
    if math.isinf(number):
        return Rejected(f"the query gives {text}, which no limit can judge: it divides by zero")
    return Value(number)


def _not_prometheus() -> Unreachable:
    return Unreachable("HTTP 200, but not a query result: check that the URL is that of a Prometheus")
