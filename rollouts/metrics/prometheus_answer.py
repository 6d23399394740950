"""What an answer of Prometheus's query API means, whoever fetched it.

Pure: a status and a body in, an Outcome out, or the rows of a grouped query. Total: any body whatever has a meaning,
and only one finite number becomes a Value. An answer that is not Prometheus's own (a login page, half a body) says
nothing about the query, so it counts as unreachable; only Prometheus itself can reject a query. What rests on part of
the data (Thanos and Mimir warn of that, with 200) is no answer either: the errors may be in the other part.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from rollouts.core.counting import Scraped, Series
from rollouts.core.measurement import NoData, Outcome, Rejected, Unreachable, Value

REASON_MAX = 256
"""The most characters of a reason: it goes into a status with a budget."""
_QUERY_REFUSED = frozenset({400, 422})
_CREDENTIALS_REFUSED = frozenset({401, 403})
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[Ii]nf|NaN")
"""As Go writes and reads one."""
_INFO = "PromQL info:"
"""How older Prometheus begins what newer ones keep apart as `infos`: advice, and no doubt about the value."""
_DOUBT = "PromQL warning:"
"""How doubts begin about what the query does with the data; other warnings are of data that are missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, and what Prometheus warned of."""

    outcome: Outcome
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What a grouped query gives, or why it gives nothing."""

    series: tuple[Series, ...] = ()
    failure: Rejected | Unreachable | None = None
    of_query: bool = False
    """Whether a query about less might not fail so."""


def read_answer(status: int, body: bytes) -> Answer:
    """The meaning of an HTTP status and body of `/api/v1/query`, where one value is wanted."""
    payload = _payload(body)
    failure = _failure(status, payload)
    if failure is not None:
        return Answer(failure)
    warnings = _warnings(payload)
    outcome = _doubts(warnings) or _read_result(payload["data"].get("resultType"), payload["data"].get("result"))
    return Answer(outcome, warnings)


def read_rows(status: int, body: bytes) -> Rows:
    """The same where any number of series may come, of one sample or many. Values may be NaN or infinite here."""
    payload = _payload(body)
    failure = _failure(status, payload) or _doubts(_warnings(payload))
    if failure is not None:
        of_query = isinstance(failure, Rejected) and status not in _CREDENTIALS_REFUSED
        return Rows(failure=failure, of_query=of_query)
    try:
        series = tuple(_read_row(row) for row in payload["data"]["result"])
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return Rows(failure=_not_prometheus())
    if len({row.labels for row in series}) < len(series):
        return Rows(failure=Unreachable("the same series came twice in one answer: nobody can tell which one counts"))
    return Rows(series)


def _failure(status: int, payload: dict[str, Any]) -> Rejected | Unreachable | None:
    """What is told in the place of a result."""
    if status in _CREDENTIALS_REFUSED:
        return Rejected(f"the credentials for Prometheus are refused (HTTP {status}): check token or password")
    if status in _QUERY_REFUSED and "error" in payload:
        return Rejected(bounded(f"Prometheus rejects the query: {payload['error']}"))
    if status != 200:
        said = payload.get("error", "")
        return Unreachable(bounded(f"HTTP {status}: {said}" if said else f"HTTP {status}"))
    if payload.get("status") != "success" or not isinstance(payload.get("data"), dict):
        return _not_prometheus()
    return None


def _warnings(payload: dict[str, Any]) -> tuple[str, ...]:
    told = payload.get("warnings")
    texts = (bounded(str(text)) for text in told) if isinstance(told, list) else ()
    return tuple(text for text in texts if not text.startswith(_INFO))[:8]


def _doubts(warnings: tuple[str, ...]) -> Rejected | Unreachable | None:
    """Why the result decides nothing: data are missing, or the query does not fit them."""
    for text in warnings:
        if not text.startswith(_DOUBT):
            return Unreachable(bounded(f"only part of the data answered: {text}"))
    return Rejected(bounded(f"Prometheus doubts the value: {warnings[0]}")) if warnings else None


def _read_row(row: Any) -> Series:
    samples = row["values"] if "values" in row else [row["value"]]
    labels = frozenset((str(name), str(value)) for name, value in row["metric"].items())
    read = tuple(Scraped(_instant(at), _number(text)) for at, text in samples)
    if not read:
        raise ValueError("a series without a sample")
    return Series(labels, read)


def _instant(at: Any) -> float:
    """Raises ValueError for what is no instant."""
    if isinstance(at, bool) or not isinstance(at, int | float) or not math.isfinite(at):
        raise ValueError("no instant")
    return float(at)


def _number(text: Any) -> float:
    """A sample's value. Python reads more as numbers than Prometheus writes. Raises ValueError."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise ValueError("no number")
    return float(text)


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


def number_outcome(number: float | None) -> Outcome:
    """What a number means as the one value of a query; None is no series."""
    if number is None or math.isnan(number):
        return NoData()
    if math.isinf(number):
        sign = "+" if number > 0 else "-"
        return Rejected(f"the query gives {sign}Inf, which no limit can judge: it divides by zero")
    return Value(number)


def _read_number(text: str) -> Outcome:
    try:
        return number_outcome(_number(text))
    except ValueError:
        return _not_prometheus()


def _not_prometheus() -> Unreachable:
    return Unreachable("HTTP 200, but not a query result: check that the URL is that of a Prometheus")
