"""What was really counted up to each evaluation: from what the workload server itself showed to each scrape. Pure.

It shares nothing with the controller's counting. A scrape is known by the timestamp that Prometheus gave it, its counts
are the server's own. Of what a pod has answered between two scrapes an evaluation counts all that both lie before it,
if the first one was not before the present weight; of a pod that was never scraped before, all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from e2e.analysis.seen import Evaluation

LOWEST_BAD = 500
_ALIGNED_S = 0.01
"""Prometheus moves a timestamp by up to 2 ms, so that its scrapes are equally far apart."""
_SHOWN_WITHIN_S = 1.5
UNDER_WAY_S = 0.3
"""A scrape that began so shortly before an evaluation may not be stored when that is made."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How many requests a pod had answered, and how many of them badly."""

    requests: int = 0
    bad: int = 0

    def less(self, other: Answered) -> Answered:
        """What came after that."""
        return Answered(self.requests - other.requests, self.bad - other.bad)


Pods = Mapping[tuple[str, str], Answered]
"""By workload and pod."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the workload server showed to somebody."""

    at_s: float
    pods: Pods


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one scrape of Prometheus was shown; `at_s` is its timestamp there."""

    at_s: float
    pods: Pods


@dataclass(frozen=True, slots=True)
class Growth:
    """What one pod answered between two scrapes; `since_s` is None for its first."""

    workload: str
    answered: Answered
    since_s: float | None
    until_s: float

    @property
    def begins_s(self) -> float:
        """From when on all of it is known to be."""
        return self.until_s if self.since_s is None else self.since_s


@dataclass(frozen=True, slots=True)
class Instant:
    """An evaluation, since when the weight of its time was in force, and up to when there were scrapes to be read."""

    at_s: float
    weight_from_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of both sides in one evaluation, or up to it."""

    canary: Answered = Answered()
    primary: Answered = Answered()

    @property
    def counts(self) -> tuple[float, float, float, float]:
        """As an Evaluation has them."""
        return self.canary.requests, self.canary.bad, self.primary.requests, self.primary.bad

    def plus(self, other: Counted) -> Counted:
        """Both together."""
        return Counted(_sum((self.canary, other.canary)), _sum((self.primary, other.primary)))


def read_shown(lines: Iterable[str]) -> list[Shown]:
    """The workload server's log of scrapes."""
    entries = (json.loads(line) for line in lines if line.endswith("\n"))
    return [Shown(entry["at_s"], _pods(entry["pods"])) for entry in entries]


def pair(timestamps: Iterable[float], shown: Sequence[Shown]) -> list[Scrape]:
    """What each scrape was shown: the first answer after it began. One without an answer is no scrape."""
    found = []
    for at_s in sorted(timestamps):
        answers = (one for one in shown if at_s - _ALIGNED_S <= one.at_s <= at_s + _SHOWN_WITHIN_S)
        first = min(answers, key=lambda one: one.at_s, default=None)
        if first is not None:
            found.append(Scrape(at_s, first.pods))
    return found


def growths(scrapes: Sequence[Scrape], canary: str) -> list[Growth]:
    """What each pod has answered between its scrapes. Pods of others than the canary may have been there before."""
    found: list[Growth] = []
    last: dict[tuple[str, str], tuple[float, Answered]] = {}
    for scrape in scrapes:
        for key, answered in scrape.pods.items():
            if key in last:
                since_s, before = last[key]
                found.append(Growth(key[0], answered.less(before), since_s, scrape.at_s))
            elif key[0] == canary:
                found.append(Growth(key[0], answered, None, scrape.at_s))
            last[key] = scrape.at_s, answered
    return found


def ticks(grown: Sequence[Growth], instants: Sequence[Instant], canary: str, primary: str) -> list[Counted]:
    """What each evaluation adds."""
    ends = (instants[0].weight_from_s, *(one.end_s for one in instants)) if instants else ()
    found = []
    for (after_s, until_s), instant in zip(pairwise(ends), instants, strict=True):
        told = [one for one in grown if after_s < one.until_s <= until_s and one.begins_s >= instant.weight_from_s]
        sides = (_sum(one.answered for one in told if one.workload == side) for side in (canary, primary))
        found.append(Counted(*sides))
    return found


def running(found: Iterable[Counted]) -> list[Counted]:
    """What has been counted up to each."""
    total, sums = Counted(), []
    for one in found:
        total = total.plus(one)
        sums.append(total)
    return sums


def instants_of(evaluations: Sequence[Evaluation], dwells: Sequence[float], interval_s: float) -> list[Instant]:
    """All evaluations there should have been, from the first weight to the last one that was made."""
    found: list[Instant] = []
    for began_s, ends_s in pairwise((*dwells, float("inf"))):
        at_s = began_s
        for one in evaluations:
            if not began_s < one.at_s <= ends_s:
                continue
            while one.at_s - at_s > 1.5 * interval_s:
                at_s += interval_s
                found.append(Instant(at_s, began_s, at_s))
            at_s = one.at_s
            found.append(Instant(at_s, began_s, min(at_s, one.read_at_s)))
    return found


def _pods(entries: Iterable[Mapping[str, object]]) -> Pods:
    """Those that have answered any request: of others there is no series."""
    found = {}
    for entry in entries:
        counts = entry["counts"]
        if isinstance(counts, Mapping) and counts:
            bad = sum(count for status, count in counts.items() if int(status) >= LOWEST_BAD)
            found[str(entry["workload"]), str(entry["pod"])] = Answered(sum(counts.values()), bad)
    return found


def _sum(answered: Iterable[Answered]) -> Answered:
    requests, bad = 0, 0
    for one in answered:
        requests, bad = requests + one.requests, bad + one.bad
    return Answered(requests, bad)
