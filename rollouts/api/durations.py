"""Durations as Kubernetes users write them: `10s`, `1m30s`, `500ms`. Go's notation, in bounded numbers."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

PATTERN = r"^([0-9]{1,5}(\.[0-9]{1,3})?(ms|s|m|h))+$"
SPAN_PATTERN = r"^([0-9]{1,4}(\.[0-9]{1,3})?(ms|s|m|h))+$"
"""Of a time that may be none at all."""
SPAN = "write a duration such as 10s or 1m30s"
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TERM = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


@lru_cache(maxsize=1024)  # the same few texts, read at each step of every Canary
def duration_s(text: str) -> float:
    """Seconds of a duration that matches PATTERN."""
    return sum(float(number) * _UNIT_S[unit] for number, unit in _TERM.findall(text))


def _checked(text: str) -> str:
    if re.fullmatch(PATTERN, text) is None:
        raise ValueError(f"write a duration such as 10s or 1m30s, not {text!r}")
    if duration_s(text) < 1:
        raise ValueError(f"{text} is too short: the least is 1s")
    return text


Duration = Annotated[str, Field(max_length=32, json_schema_extra={"pattern": PATTERN}), AfterValidator(_checked)]

Span = Annotated[str, Field(max_length=32, pattern=SPAN_PATTERN)]
"""A duration that may be 0s."""
