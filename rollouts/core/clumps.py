"""How far a service's failures come in clumps, from its primary's counters in the hour before a run.

Bursts that two halves of the pods share cancel in a comparison; one that only one half has would not. So each minute of
the past is counted for two halves. A service of one pod, or one that is new, tells nothing, and counts as one whose
failures are independent. Pure: knows no metric source.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from rollouts.core.counting import Births, Growth, Labels, Series, absorb, open_ledger, process_of
from rollouts.core.evidence.counts import Arm
from rollouts.core.evidence.dispersion import Dispersion, dispersion_of
from rollouts.core.tally import Count, Counter

PAST_S, MINUTE_S = 3600.0, 60.0
SERIES_MAX = 1000
"""Of each family: more would take longer than anybody may keep the others waiting."""


def clumps_in(past: Mapping[Counter, tuple[Series, ...]], end_s: float, count: Count) -> Dispersion:
    """What the counters of the primary's pods say, up to an instant in seconds since 1970."""
    past = {family: series[:SERIES_MAX] for family, series in past.items()}
    processes = sorted({process_of(one.labels) for series in past.values() for one in series}, key=sorted)
    first = set(processes[::2])
    one, other = (_by_minute(_half(past, first, inside=inside), end_s, count) for inside in (True, False))
    return dispersion_of(list(zip(one, other, strict=True)))


def _half(
    past: Mapping[Counter, tuple[Series, ...]], pods: set[Labels], *, inside: bool
) -> dict[Counter, tuple[Series, ...]]:
    """What these pods have counted, or all others."""
    return {
        family: tuple(one for one in series if (process_of(one.labels) in pods) is inside)
        for family, series in past.items()
    }


def _by_minute(past: Mapping[Counter, tuple[Series, ...]], end_s: float, count: Count) -> list[Arm]:
    """The counts of each minute, oldest first."""
    minutes = int(PAST_S // MINUTE_S)
    ends = [end_s - (minutes - index) * MINUTE_S for index in range(minutes + 1)]
    ledgers = {family: open_ledger(_until(series, ends[0]), Births.FROM_FIRST_SIGHT) for family, series in past.items()}
    arms: list[Arm] = []
    for _, end in pairwise(ends):
        grown: dict[Counter, tuple[Growth, ...]] = {}
        for family, series in past.items():
            ledgers[family], grown[family] = absorb(ledgers[family], _until(series, end))
        arms.append(count(grown))
    return arms


def _until(series: Iterable[Series], end_s: float) -> tuple[Series, ...]:
    """The two newest samples by then: those before were counted."""
    ends = ((one, bisect_right(one.samples, end_s, key=lambda sample: sample.at)) for one in series)
    return tuple(replace(one, samples=one.samples[max(0, end - 2) : end]) for one, end in ends if end)
