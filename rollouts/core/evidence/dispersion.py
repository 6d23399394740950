"""How far a service's failures come in clumps: phi, by which evidence is divided, learned from the primary's past.

Pearson's X2 over its degrees of freedom, the usual estimate of over-dispersion (McCullagh and Nelder, "Generalized
Linear Models", 2nd ed. 1989, 4.5). For the comparison with the primary it is taken from how each past minute's failures
split over two halves of the primary's pods: bursts that both halves share cancel, as they do between canary and
primary. For the objective it is variance over mean of the failures of a minute. A small excess is not told
from chance and counts as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rollouts.core.evidence.counts import Arm

NOTICED = 1.6
"""An estimate below this is taken as 1."""
INFORMATIVE_MIN = 10
"""So many minutes must tell something."""
MOST = 200.0
_BAD_MIN = 2.0
"""One failure can't be in a clump."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """The factors of one metric: 1 where failures are independent."""

    relative: float = 1.0
    """For the comparison with the primary."""
    absolute: float = 1.0
    """For the objective."""


def dispersion_of(minutes: Sequence[tuple[Arm, Arm]]) -> Dispersion:
    """Both factors, from the two halves of the primary's pods in each of the past minutes (an hour before the run)."""
    return Dispersion(between(minutes), over_time([one.plus(other) for one, other in minutes]))


def between(minutes: Sequence[tuple[Arm, Arm]]) -> float:
    """Phi of the comparison: how much less evenly failures split over two halves of the pods than requests do."""
    squares, informative = 0.0, 0
    for one, other in minutes:
        bad = one.bad + other.bad
        if bad < _BAD_MIN or one.requests == 0.0 or other.requests == 0.0:
            continue
        share = one.requests / (one.requests + other.requests)
        squares += (one.bad - bad * share) ** 2 / (bad * share * (1.0 - share))
        informative += 1
    return _settled(squares / informative if informative else 1.0, informative)


def over_time(minutes: Sequence[Arm]) -> float:
    """Phi of the objective: variance over mean of the failures of a minute, at the requests there were."""
    seen = [minute for minute in minutes if minute.requests > 0.0]
    requests, bad = sum(minute.requests for minute in seen), sum(minute.bad for minute in seen)
    if bad < INFORMATIVE_MIN or len(seen) < 2:
        return 1.0
    rate = bad / requests
    squares = sum((minute.bad - rate * minute.requests) ** 2 / (rate * minute.requests) for minute in seen)
    return _settled(squares / (len(seen) - 1), len(seen))


def _settled(estimate: float, informative: int) -> float:
    if informative < INFORMATIVE_MIN or estimate < NOTICED:
        return 1.0
    return min(estimate, MOST)
