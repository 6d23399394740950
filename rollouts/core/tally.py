"""From raw counters to evidence: which series count what, between which instants, and for which of the two versions.

A Book is all that is remembered of one metric in a run. `follow` brings it to an instant, by the scrapes' own times:
what was counted between two scrapes is of the evaluation that follows the second, and of none if the first one was
before the present weight. So evaluations that nobody made can be made up for later, with the same outcome.

Pure: knows no metric source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from rollouts.api.status import CanaryStatus
from rollouts.core.counting import Births, Growth, Ledger, Series, absorb, open_ledger
from rollouts.core.evidence import state as evidence
from rollouts.core.evidence.counts import Arm, Limits, Settings, Tick
from rollouts.core.evidence.packed import unpack
from rollouts.core.evidence.state import State
from rollouts.core.measurement import Subject, Weighing

SILENT_MIN_S = 30.0
"""For so long at least, nothing counted may only mean that nothing was scraped yet."""


class Counter(StrEnum):
    """What a family of counters is."""

    REQUESTS = "requests"
    """All of them, told apart by how they ended, or by how long they took."""
    BAD = "bad"
    """Only the bad ones."""


Place = tuple[Subject, Counter]
Count = Callable[[Mapping[Counter, Iterable[Growth]]], Arm]
"""What the growths of one side mean."""


@dataclass(frozen=True, slots=True)
class Scrapes:
    """What was scraped, for each side and family; all of it from `since` on, and the scrapes before."""

    series: Mapping[Place, tuple[Series, ...]]
    since: datetime


@dataclass(frozen=True, slots=True)
class Rules:
    """How one metric's counters are judged."""

    count: Count
    limits: Limits
    settings: Settings
    interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Book:
    """All that is remembered of one metric in a run."""

    state: State = field(default_factory=State)
    at: datetime | None = None
    """Where the counting has come to; None before it began."""
    ledgers: Mapping[Place, Ledger] | None = None
    """None where they are to be opened: at the beginning, and in a process that took over."""
    step_from: datetime | None = None
    counted: bool = False
    """Whether anything was counted since."""
    gap_s: float = 0.0
    """For how long nobody counted."""

    @classmethod
    def resumed(cls, status: CanaryStatus, question: Weighing, basis: str) -> Book:
        """As the status has it for that run and these limits; with others, counting begins anew."""
        found = (one for one in status.evidence if one.name == question.metric and one.basis == basis)
        told = next(found, None) if status.started_at == question.run else None
        state = None if told is None else unpack(told.state)
        return cls() if told is None or state is None else cls(state, told.at)


def follow(book: Book, question: Weighing, scrapes: Scrapes, rules: Rules) -> Book:
    """The book at the instant of the question: each evaluation that was missed is made up for."""
    book = _at_step(book, question)
    for instant in (*question.missed, question.at):
        if book.at is None or instant > book.at:
            book = _evaluate(_opened(book, question, scrapes), question, instant, scrapes, rules)
    silent_s = (question.at - question.counts_from).total_seconds()
    late = silent_s >= max(2 * rules.interval_s, SILENT_MIN_S)
    return replace(book, counted=book.counted or late)


def _at_step(book: Book, question: Weighing) -> Book:
    """Another weight has a count of its own; what the process before had counted of this one is kept."""
    if book.step_from == question.step_from:
        return book
    same = book.step_from is None and book.at is not None and book.at > question.step_from
    state = book.state if same else evidence.at_new_step(book.state)
    return replace(book, state=state, step_from=question.step_from, counted=same and state.step_requests > 0)


def _opened(book: Book, question: Weighing, scrapes: Scrapes) -> Book:
    """Counting begins with what had been scraped when the weight came, or goes on from where the last process was.

    Where what was read does not reach back so far, it begins with that: what was between is lost.
    """
    if book.ledgers is not None:
        return book
    wanted = book.at or question.step_from
    since = max(wanted, scrapes.since)
    ledgers = {
        place: open_ledger(_until(series, since.timestamp()), _births(place))
        for place, series in scrapes.series.items()
    }
    return replace(book, ledgers=ledgers, gap_s=book.gap_s + (since - wanted).total_seconds())


def _births(place: Place) -> Births:
    """The canary's pods are new in this run. A pod of the primary that comes in sight may be an old one."""
    return Births.FROM_ZERO if place[0] is Subject.CANARY else Births.FROM_FIRST_SIGHT


def _evaluate(book: Book, question: Weighing, instant: datetime, scrapes: Scrapes, rules: Rules) -> Book:
    ledgers, growths = dict(book.ledgers or {}), dict[Subject, dict[Counter, list[Growth]]]()
    for place, series in scrapes.series.items():
        side, family = place
        ledger = ledgers.get(place) or Ledger(_births(place))
        ledgers[place], grown = absorb(ledger, _until(series, instant.timestamp()))
        growths.setdefault(side, {})[family] = [one for one in grown if _counts(one, question.counts_from)]
    arms = {side: rules.count(told) for side, told in growths.items()}
    tick = Tick(arms.get(Subject.CANARY, Arm()), arms.get(Subject.STABLE))
    state = evidence.absorb(book.state, tick, rules.limits, rules.settings)
    counted = any(arm.requests > 0 for arm in arms.values())
    return replace(book, state=state, at=instant, ledgers=ledgers, counted=book.counted or counted)


def _counts(growth: Growth, counts_from: datetime) -> bool:
    """Whether all of it is of the present weight. What a pod of the canary had at its first scrape is."""
    first_s = growth.until if growth.since is None else growth.since
    return first_s >= counts_from.timestamp()


def _until(series: Iterable[Series], end_s: float) -> tuple[Series, ...]:
    """What had been scraped by then."""
    cut = (replace(one, samples=tuple(s for s in one.samples if s.at <= end_s)) for one in series)
    return tuple(one for one in cut if one.samples)


def reaches_back_s(book: Book, question: Weighing) -> float:
    """How far a reading has to go back from the question's instant, but for the scrapes before."""
    since = book.at or question.step_from
    return max(0.0, (question.at - since) / timedelta(seconds=1))
