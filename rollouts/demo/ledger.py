"""What became of each request, kept for some minutes: what clients got, and what each workload answered.

Counts only. Who asks says which stretch of time is meant.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rollouts.api.resources import ObjectKey

KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Answer:
    """One request and its end. `workload` is None where it reached no pod; `copied` means that no client saw it."""

    at: datetime
    route: ObjectKey
    """The VirtualService that it came through."""
    status: int
    duration_ms: float = 0.0
    workload: ObjectKey | None = None
    version: str = ""
    copied: bool = False
    service: ObjectKey | None = None
    """The Service that it was meant for; None where no route led to one."""

    @property
    def failed(self) -> bool:
        """Whether it is what a success rate counts against a version."""
        return self.status >= 500


@dataclass(frozen=True, slots=True)
class Tally:
    """Answers, counted. Rates and percentiles of none are None."""

    total: int = 0
    errors: int = 0
    success_percent: float | None = None
    p99_ms: float | None = None

    @classmethod
    def of(cls, answers: Iterable[Answer]) -> Tally:
        """Of these. The 99th percentile is by nearest rank."""
        found = [(answer.failed, answer.duration_ms) for answer in answers]
        if not found:
            return cls()
        errors = sum(failed for failed, _ in found)
        durations = sorted(duration_ms for _, duration_ms in found)
        p99_ms = durations[math.ceil(0.99 * len(durations)) - 1]
        return cls(len(found), errors, 100 * (len(found) - errors) / len(found), p99_ms)


class Ledger:
    """All answers of the last minutes, in the order of their time."""

    def __init__(self) -> None:
        self._answers: deque[Answer] = deque()

    def note(self, answer: Answer) -> None:
        """One more, not older than the last."""
        self._answers.append(answer)
        while answer.at - self._answers[0].at > KEPT:
            self._answers.popleft()

    def between(self, after: datetime, until: datetime) -> Iterator[Answer]:
        """Those later than `after`, and not later than `until`; the newest first."""
        for answer in reversed(self._answers):
            if answer.at <= after:
                return
            if answer.at <= until:
                yield answer

    def tally(self, wanted: Callable[[Answer], bool], after: datetime, until: datetime) -> Tally:
        """The count of some of them."""
        return Tally.of(filter(wanted, self.between(after, until)))
