"""What each stage may cost, as the file beside says it, and the verdict on what it did cost.

A count above its budget is broken, and so is one that has no budget. One far below it is told: then the budget no
longer holds anybody to anything, and is to be tightened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("budgets.yaml")
FAR_BELOW = 0.9
"""Of the budget."""
Counts = Mapping[str, Mapping[str, int]]
"""By stage and name."""


class Verdict(StrEnum):
    """On one count."""

    KEPT = ""
    BROKEN = "ABOVE ITS BUDGET"
    UNKNOWN = "HAS NO BUDGET"
    LOOSE = "far below its budget: tighten it (--tighten)"


@dataclass(frozen=True, slots=True)
class Judged:
    """One count against its budget."""

    stage: str
    name: str
    count: int
    budget: int | None
    slack_percent: float = 0.0
    bound: bool = False
    """The budget is an upper bound, not what was counted once."""

    @property
    def limit(self) -> float:
        """The budget and its slack."""
        return (self.budget or 0) * (1 + self.slack_percent / 100)

    @property
    def verdict(self) -> Verdict:
        """What to make of it."""
        if self.budget is None:
            return Verdict.UNKNOWN if self.count else Verdict.KEPT
        if self.count > self.limit:
            return Verdict.BROKEN
        loose = self.count < self.budget * FAR_BELOW and not self.bound
        return Verdict.LOOSE if loose else Verdict.KEPT

    @property
    def fails(self) -> bool:
        """Whether the command has to."""
        return self.verdict in {Verdict.BROKEN, Verdict.UNKNOWN}

    @property
    def ratio(self) -> str:
        """Count to budget, for people."""
        return f"{self.count / self.budget:.2f}" if self.budget else ("-" if self.count == 0 else "over")


@dataclass(frozen=True, slots=True)
class Bound:
    """Of what does not grow with Canaries but with time."""

    at_once: int
    every_s: float

    def over(self, seconds: float) -> int:
        """What there may be within so long a stage."""
        return self.at_once + math.ceil(seconds / self.every_s)


@dataclass(frozen=True, slots=True)
class Budgets:
    """Of so many Canaries."""

    canaries: int
    slack_percent: Mapping[str, float]
    """By how a name begins, `bytes`; what is not named has none."""
    by_time: Mapping[str, Bound]
    stages: Counts

    def judge(self, counts: Counts, seconds: Mapping[str, float]) -> Iterator[Judged]:
        """Each count, and each budget that nothing was counted for; `seconds` tells how long each stage was."""
        for stage, counted in counts.items():
            allowed = self.stages.get(stage, {})
            for name in dict.fromkeys([*counted, *allowed]):
                count = counted.get(name, 0)
                if bound := self.by_time.get(name):
                    yield Judged(stage, name, count, bound.over(seconds[stage]), bound=True)
                    continue
                slack = next((slack for start, slack in self.slack_percent.items() if name.startswith(start)), 0.0)
                yield Judged(stage, name, count, allowed.get(name), slack)


def read(path: Path = FILE) -> Budgets:
    """What the file says."""
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    by_time = {name: Bound(**bound) for name, bound in told["by_time"].items()}
    return Budgets(told["canaries"], told["slack_percent"], by_time, told["stages"])


def write(counts: Counts, path: Path = FILE) -> None:
    """Have the file say what was counted, below what comes before the stages in it."""
    head, mark, _ = path.read_text(encoding="utf-8").partition("stages:")
    by_time = yaml.safe_load(head)["by_time"]
    stages = {
        stage: {name: count for name, count in counted.items() if name not in by_time}
        for stage, counted in counts.items()
    }
    path.write_text(head + yaml.safe_dump({mark.removesuffix(":"): stages}, sort_keys=False), encoding="utf-8")
