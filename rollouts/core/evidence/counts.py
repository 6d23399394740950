"""What goes in: the counts of one tick, a metric's limits, and how sure a run is to be."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arm:
    """One version's requests, of a tick or of a run, and how many were bad.

    `bad` were so surely, `bad_at_most` perhaps: they differ only where a latency limit lies between two edges of a
    histogram, and each side of the judgement then takes what is worse for it. Fractions are fine. Raises ValueError
    for what can't be a count; bad ones beyond the requests (two counters are read at two instants) are cut.
    """

    requests: float = 0.0
    bad: float = 0.0
    bad_at_most: float | None = None
    """None: as `bad`."""

    def __post_init__(self) -> None:
        at_most = self.bad if self.bad_at_most is None else max(self.bad, self.bad_at_most)
        if not (0.0 <= self.requests < math.inf and self.bad >= 0.0 and at_most < math.inf):
            raise ValueError(f"no counts: {self.requests:g} requests, {self.bad:g} to {at_most:g} bad")
        object.__setattr__(self, "bad", min(self.bad, self.requests))
        object.__setattr__(self, "bad_at_most", min(at_most, self.requests))

    @property
    def perhaps_bad(self) -> float:
        """`bad_at_most`, which is always known once there is an Arm."""
        return self.bad if self.bad_at_most is None else self.bad_at_most

    def plus(self, other: Arm) -> Arm:
        """Both together."""
        return Arm(
            self.requests + other.requests, self.bad + other.bad, self.perhaps_bad + other.perhaps_bad
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tick:
    """What was counted since the evaluation before, of one metric. `primary` is None where it is not measured."""

    canary: Arm
    primary: Arm | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How bad one metric may be: `p_c <= rho * p_p + delta` for the shares of bad requests, in every tick."""

    slo: float
    """The share of bad requests that the objective leaves: 0.01 where 99 % are to be good."""
    compare: bool = False
    """Whether the canary is held against the primary; else against the objective alone."""
    ratio: float = 1.5
    """Times the primary's share."""
    absolute: float | None = None
    """And this share more. None: a fifth of `slo`."""
    min_requests: float = 50.0
    """So many of the canary's requests in a step before it may end well. Never hinders a failure."""
    bad_word: str = "failed"
    """What a bad request did, for people."""

    @property
    def delta(self) -> float:
        """The share that is allowed on top of the primary's."""
        return self.slo / 5.0 if self.absolute is None else self.absolute


@dataclass(frozen=True, slots=True)
class Settings:
    """How sure a run is to be, over all its metrics and looks."""

    alpha: float = 0.05
    """The chance, at most, that a canary just at its limits is ever rolled back."""
    beta: float = 0.10
    """The chance, at most, that a canary just at its limits ever passes, for each metric."""
    min_intervals: int = 3
    """Fewer ticks than these can't prove anything, whatever is in them. 1 switches the cap off."""
    metrics: int = 1
    """How many metrics are judged together."""
    first_share: float = 0.5
    """Prior weight of "bad from the first tick on". 1 switches the mixture over later onsets off.
    A pass has none: what was bad once counts to the end, or a canary that fails now and then would pass in between."""
    onset_ticks: float = 60.0
    """Half of the rest of the prior is geometric, with one part in so many for each further tick; half has no end."""
