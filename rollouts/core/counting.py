"""Exact counts from raw counters: what each series has grown by since it was last looked at.

`increase()` extrapolates to the edges of its window and never sees the first value of a series: at low traffic most of
the errors of a new version are lost, always in its favour. So the counters themselves are read, with the instants of
their scrapes, and subtracted here. A ledger remembers the last value of each series, for the life of a run: a series
that nobody scraped for a while goes on from there, and one that was not there starts from 0.

What is told apart is a process's counter, not who scraped it: two scrapers of one pod count once. Nobody who sees only
the counter can see a restart after which it has already passed its old value by the next scrape.

Pure: knows no metric source, and not what is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

Labels = frozenset[tuple[str, str]]
"""Names and values of labels."""

SCRAPERS = frozenset({"job", "endpoint", "prometheus", "prometheus_replica", "replica", "__replica__"})
"""Labels that tell who scraped, not what; where there is a label `pod`, `instance` is one of them."""


@dataclass(frozen=True, slots=True)
class Scraped:
    """A counter's value when it was scraped; `at` in seconds since 1970."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series, and what was scraped of it lately, oldest first."""

    labels: Labels
    samples: tuple[Scraped, ...] = ()


class Births(StrEnum):
    """What a process that was never seen before has counted already."""

    FROM_ZERO = "from-zero"
    """All of it since the run began: the canary's pods, and any that come up beside it."""
    FROM_FIRST_SIGHT = "from-first-sight"
    """Who knows: a pod of long standing may only have been out of sight. Later series of it start from 0 all the
    same, so that what is left out is one scrape of all its requests, good and bad."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the counting of one series has come to."""

    value: float
    at: float
    scraper: Labels


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was counted last, by series without their scrapers' labels."""

    births: Births = Births.FROM_ZERO
    marks: Mapping[Labels, Mark] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Growth:
    """By how much one series grew between two of its scrapes, in the order of time; never 0."""

    labels: Labels
    """Without those of the scraper."""
    count: float
    since: float | None
    """The scrape before, of the series or, at its birth, of its process; None where that was never scraped before."""
    until: float


def open_ledger(series: Iterable[Series], births: Births = Births.FROM_ZERO) -> Ledger:
    """What is there when counting begins: nothing of it counts.

    The samples should reach back over some scrapes, so that a pod that is missing in one is known.
    """
    marks: dict[Labels, Mark] = {}
    for identity, by_scraper in _by_identity(series).items():
        scraper, samples = max(by_scraper.items(), key=lambda item: item[1][-1].at)
        marks[identity] = Mark(samples[-1].value, samples[-1].at, scraper)
    return Ledger(births, MappingProxyType(marks))


def absorb(ledger: Ledger, series: Iterable[Series]) -> tuple[Ledger, tuple[Growth, ...]]:
    """Count what is new. Samples that were counted before, or are older than such, make no difference.

    Exact to the last scrape of each series if the samples reach back to the one before: of scrapes that nobody saw,
    only resets are missed.
    """
    found = _by_identity(series)
    first_seen = _first_seen(found) if ledger.births is Births.FROM_FIRST_SIGHT else {}
    known = {process_of(identity) for identity in ledger.marks}
    marks, growths, scraped = dict(ledger.marks), list[Growth](), dict[Labels, list[float]]()
    for identity, by_scraper in found.items():
        process, mark = process_of(identity), ledger.marks.get(identity)
        if mark is None and ledger.births is Births.FROM_FIRST_SIGHT and process not in known:
            mark = _at_first_sight(by_scraper, first_seen[process])
        marks[identity], grown = _follow(identity, mark, by_scraper)
        if mark is None and grown and grown[0].since is None:
            scraped = scraped or _scraped(found, ledger)
            grown[0] = replace(grown[0], since=_before(scraped[process], grown[0].until))
        growths += grown
    return Ledger(ledger.births, MappingProxyType(marks)), tuple(growths)


def _scraped(found: Mapping[Labels, Mapping[Labels, Sequence[Scraped]]], ledger: Ledger) -> dict[Labels, list[float]]:
    """When each process was scraped, as far as that is known."""
    times: dict[Labels, list[float]] = {}
    for identity, mark in ledger.marks.items():
        times.setdefault(process_of(identity), []).append(mark.at)
    for identity, by_scraper in found.items():
        known = times.setdefault(process_of(identity), [])
        known += (sample.at for samples in by_scraper.values() for sample in samples)
    return times


def _before(times: Iterable[float], at: float) -> float | None:
    """The last of them before that."""
    return max((one for one in times if one < at), default=None)


def process_of(labels: Labels) -> Labels:
    """Whose counter it is: the pod's, or else the scraped address's."""
    names = {"pod", "namespace"} if any(name == "pod" for name, _ in labels) else {"instance"}
    return frozenset(pair for pair in labels if pair[0] in names)


def _by_identity(series: Iterable[Series]) -> dict[Labels, dict[Labels, list[Scraped]]]:
    """The samples of each counter, by who scraped it. What is no count is left out."""
    found: dict[Labels, dict[Labels, list[Scraped]]] = {}
    for one in series:
        samples = [sample for sample in one.samples if math.isfinite(sample.value) and sample.value >= 0]
        if samples:
            scraper = _scraper_of(one.labels)
            found.setdefault(one.labels - scraper, {}).setdefault(scraper, []).extend(samples)
    return found


def _scraper_of(labels: Labels) -> Labels:
    has_pod = any(name == "pod" for name, _ in labels)
    return frozenset(pair for pair in labels if pair[0] in SCRAPERS or (has_pod and pair[0] == "instance"))


def _first_seen(found: Mapping[Labels, Mapping[Labels, Sequence[Scraped]]]) -> dict[Labels, float]:
    """The oldest sample of each process."""
    first: dict[Labels, float] = {}
    for identity, by_scraper in found.items():
        process, at = process_of(identity), min(samples[0].at for samples in by_scraper.values())
        first[process] = min(at, first.get(process, at))
    return first


def _at_first_sight(by_scraper: Mapping[Labels, Sequence[Scraped]], first_at: float) -> Mark | None:
    """A mark at the first sample, if the process came into sight with it; None for a later series of it."""
    scraper, samples = _newest(by_scraper)
    return Mark(samples[0].value, samples[0].at, scraper) if samples[0].at == first_at else None


def _newest(by_scraper: Mapping[Labels, Sequence[Scraped]]) -> tuple[Labels, Sequence[Scraped]]:
    return max(by_scraper.items(), key=lambda item: item[1][-1].at)


def _follow(
    identity: Labels, mark: Mark | None, by_scraper: Mapping[Labels, Sequence[Scraped]]
) -> tuple[Mark, list[Growth]]:
    """Go on from the mark along one scraper: the same as before while it has news."""
    scraper, samples = _newest(by_scraper)
    if mark is None:
        mark = Mark(0.0, -math.inf, scraper)
    elif (same := by_scraper.get(mark.scraper, ())) and same[-1].at > mark.at:
        scraper, samples = mark.scraper, same
    own, growths = _own(mark, scraper, samples), list[Growth]()
    for sample in samples:
        if sample.at <= mark.at:
            continue
        # A drop is a restart. Another scraper's clock may be some moments off, so that its first value is below the
        # last one of the scraper before: that is none, if it has not dropped for itself.
        last = 0.0 if sample.value < own else mark.value
        if sample.value > last:
            since = mark.at if math.isfinite(mark.at) else None
            growths.append(Growth(identity, sample.value - last, since, sample.at))
        mark, own = Mark(max(last, sample.value), sample.at, scraper), sample.value
    return mark, growths


def _own(mark: Mark, scraper: Labels, samples: Sequence[Scraped]) -> float:
    """What this scraper itself saw last, up to the mark; 0 if nothing, so that it can't have seen a drop."""
    if scraper == mark.scraper:
        return mark.value
    return next((sample.value for sample in reversed(samples) if sample.at <= mark.at), 0.0)
