"""An expectation and how it went, as a value, as JSON and as a line for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """One expectation and how it went."""

    story: str
    expected: str
    ok: bool
    detail: str = ""


def result_json(result: Result) -> Json:
    """An expectation and how it went."""
    return asdict(result)


def expectation_lines(results: Sequence[Json]) -> list[str]:
    """Each expectation and how it went."""
    lines = ["", "=== expectations ==="]
    for result in results:
        verdict = "ok    " if result["ok"] else "FAILED"
        lines.append(f"{verdict}  {result['story']}: {result['expected']} [{result['detail']}]")
    return lines
