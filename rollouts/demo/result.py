"""What came of the stories, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rollouts.demo.facts import Check, Clients


@dataclass(frozen=True, slots=True)
class Result:
    """One story: what was to come of it, what did, and what its clients got."""

    story: str
    expected: str
    checks: tuple[Check, ...]
    clients: Clients
    started_s: float
    """After the start of the demo."""
    took_s: float

    @property
    def ok(self) -> bool:
        """Whether all went as told."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def flaws(self) -> tuple[str, ...]:
        """What did not, in words."""
        return tuple(f"{check.told}: {check.got}" for check in self.checks if not check.ok)

    def in_words(self) -> str:
        """One line."""
        how = "as told" if self.ok else f"NOT as told: {'; '.join(self.flaws)}"
        got = f"{self.clients.requests} requests, {self.clients.errors} errors"
        return f"{self.expected}: {how} ({got}, {self.took_s:.1f} s)"


def write_results(path: Path, results: Sequence[Result], took_s: float) -> None:
    """All of it as JSON. Raises OSError."""
    told = {
        "ok": all_ok(results),
        "took_s": round(took_s, 1),
        "simulated": ["cluster", "traffic"],
        "stories": [_told(result) for result in results],
    }
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def all_ok(results: Sequence[Result]) -> bool:
    """Whether there are any, and all went as told."""
    return bool(results) and all(result.ok for result in results)


def _told(result: Result) -> dict[str, object]:
    clients = result.clients
    return {
        "story": result.story,
        "ok": result.ok,
        "expected": result.expected,
        "got": [asdict(check) for check in result.checks],
        "requests": clients.requests,
        "errors": clients.errors,
        "requests_by_version": dict(clients.by_version),
        "started_s": round(result.started_s, 1),
        "took_s": round(result.took_s, 1),
    }
