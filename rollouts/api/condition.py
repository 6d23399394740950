"""Conditions of a metric in CEL, the Common Expression Language: `result >= 0.95 && result < 2.0`.

A condition reads `result`, one number, and nothing else: no I/O, no loop without an end, and the same answer each time.
The library is loaded with the first condition there is, since most Canaries have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

_TRIALS = (0.0, 1.0, -1.5, 99.5)
_CODE = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$")
_PLACE = re.compile(r"^(?:ERROR: )?<input>:\d+:(\d+): ")
_WITH_INTEGERS = "; write numbers that result is reckoned with as 2.0, not 2"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The condition is neither true nor false for this number; the reason is for people."""

    reason: str


def check_condition(text: str) -> None:
    """Raise ValueError with the place of the mistake, or for a condition that no number makes true or false."""
    answers = [holds(text, number) for number in _TRIALS]
    reasons = [answer.reason for answer in answers if isinstance(answer, NoAnswer)]
    if len(reasons) == len(answers):
        raise ValueError(reasons[0])


def holds(text: str, number: float) -> bool | NoAnswer:
    """Whether the condition is true for that number. Raises ValueError where it is no expression."""
    try:
        value = _compiled(text).eval(data={"result": number})
        plain = value.plain_value()
        if value.type().name() == "ERROR":
            return NoAnswer(_explained(str(plain)))
    except (RuntimeError, TypeError, OverflowError) as refused:
        return NoAnswer(_explained(str(refused)))
    return plain if isinstance(plain, bool) else NoAnswer(f"it gives {plain!r} where true or false is needed")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    try:
        return _environment().compile(text)
    except RuntimeError as wrong:
        raise ValueError(_explained(str(wrong))) from None


@cache
def _environment() -> Any:
    from cel_expr_python import cel  # noqa: PLC0415 - 8 MB that most processes can do without

    return cel.NewEnv(variables={"result": cel.Type.DYN})


def _explained(message: str) -> str:
    """The library's first line, with the place in words and without its codes."""
    line = _CODE.sub("", _CODE.sub("", message.strip())).splitlines()[0]
    placed = _PLACE.sub(lambda place: f"at character {place[1]}: ", line)[:200]
    return f"{placed}{_WITH_INTEGERS}" if "matching overload" in placed and "int" in placed else placed
