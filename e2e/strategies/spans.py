"""A run cut into spans in which the routes stood still, and who answered in each. Pure.

A span begins when Envoy's configuration was seen to have changed, and ends with the last look that still showed it.
Between two spans nobody can say which configuration a request met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from e2e.lab.load import Record
from e2e.play.seen import PRIMARY, TARGET, Shares
from e2e.strategies.facts import RunFacts, ServedSeen

GUARD_S = 0.1
"""Envoy's workers take up a configuration a moment after its dump shows it, and requests have a way to go."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which Envoy gave these shares."""

    shares: Shares
    since_s: float
    until_s: float

    @property
    def length_s(self) -> float:
        """How long it was seen to last."""
        return self.until_s - self.since_s

    def of(self, records: Iterable[Record]) -> list[Record]:
        """The requests that surely met these shares."""
        first_s, last_s = self.since_s + GUARD_S, self.until_s - GUARD_S
        return [record for record in records if first_s <= record.sent_at_s < last_s]


def read_spans(facts: RunFacts) -> list[Span]:
    """Each change of the shares since the run's apply, the last one (back to rest) included."""
    ends = [*(seen.before_s for seen in facts.shares), facts.ended_at_s][1:]
    return [Span(seen.shares, seen.at_s, end_s) for seen, end_s in zip(facts.shares, ends, strict=True)]


def rest_span(facts: RunFacts) -> Span | None:
    """The last span: after it nothing changed any more; None if the routes never changed."""
    spans = read_spans(facts)
    return spans[-1] if spans else None


def answered_by(records: Iterable[Record]) -> tuple[int, int]:
    """How many the canary answered, and how many either copy did."""
    workloads = [record.workload for record in records if record.workload in {TARGET, PRIMARY}]
    return workloads.count(TARGET), len(workloads)


def served_within(served: Iterable[ServedSeen], since_s: float, until_s: float) -> tuple[int, int]:
    """What the canary's and what the primary's pods answered between the first and the last look in that time."""
    inside = [seen for seen in served if since_s <= seen.at_s <= until_s]
    canary, primary = ([seen.requests.get(name, 0) for seen in inside] for name in (TARGET, PRIMARY))
    return _risen(canary), _risen(primary)


def _risen(counts: list[int]) -> int:
    return sum(_rises(counts))


def _rises(counts: list[int]) -> Iterator[int]:
    """A count that falls has lost a pod; what that had answered is not known to be missing."""
    for before, after in pairwise(counts):
        yield max(0, after - before)
