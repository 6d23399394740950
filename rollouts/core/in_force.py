"""Whether the canary's share of the requests is the one that was asked for: from two counts to a verdict.

A weight that the API server has accepted is not one that proxies obey: another VirtualService of the host, a gateway
with a route of its own, or clients without a sidecar lead past it. Only the requests tell. What is said here is meant
to catch a weight that does not arrive, not to measure one that is a little off, so the band is wide. Knows no metric
source and no time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

ENOUGH = 10.0
"""With fewer requests expected nothing is said: that none of 10 comes has a chance of e**-10, as rare as 4 sigma."""
SIGMAS = 4.0
"""Of the binomial distribution: by chance alone a good share is outside once in 30,000 looks."""
LEAST_PART = 0.5
"""Of what is asked for. The rest is left to what is no chance: proxies that heard of the weight late in the window,
scrapes that miss its edges (a quarter of a window of four), extrapolation between them, streams that are long."""
MOST_TIMES, MOST_MORE = 3.0, 0.2
"""The canary may get so many times its share, or so much more of all: retries are counted too, and people try it."""


class Kind(StrEnum):
    """What can be said about the requests beforehand."""

    BAND = "band"
    """So many of all, within limits."""
    SOME = "some"
    """At least one of so many: clients are kept at a side, or some routes are others' matter."""
    COPIES = "copies"
    """At least one, of so many copies of the primary's requests."""
    PERHAPS = "perhaps"
    """At least one, if any is of the sort that the canary gets."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the routes ask for. `share` is a fraction of the requests, more than 0."""

    share: float
    kind: Kind = Kind.BAND
    unlimited: bool = False
    """Others send the canary requests of their own, so that more than its share says nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The requests that the pods of each side got in one window, as the pods' side counts them."""

    canary: float
    primary: float
    window_s: float

    @property
    def all(self) -> float:
        """Of both."""
        return self.canary + self.primary


@dataclass(frozen=True, slots=True)
class InForce:
    """The requests are shared as asked for."""

    message: str


@dataclass(frozen=True, slots=True)
class NotInForce:
    """They are not."""

    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """They don't tell."""

    message: str


Verdict = InForce | NotInForce | Unknown
_TO_THE_CANARY = (
    "something leads past the routes: another VirtualService, a gateway's route, or clients without a sidecar "
    "(istioctl proxy-config routes shows it)"
)
_FROM_ELSEWHERE = (
    "something else leads to the canary, or clients call its own Service: if that is meant, set analysis.shareCheck "
    "to some"
)


def compare(expected: Expected, counted: Counted) -> Verdict:
    """What the counts say about that share."""
    match expected.kind:
        case Kind.BAND:
            return _within_band(expected, counted)
        case Kind.SOME:
            return _some(expected.share * counted.all, counted, _words(expected, counted))
        case Kind.COPIES:
            text = f"the canary got {counted.canary:,.0f} copies of {counted.primary:,.0f} requests"
            asked = f"of {100 * expected.share:g} % are asked for"
            return _some(expected.share * counted.primary, counted, f"{text} in {counted.window_s:.0f} s, {asked}")
        case Kind.PERHAPS:  # pragma: no branch - the last there is
            if counted.canary >= 1:
                return InForce(_words(expected, counted))
            return Unknown(f"{_words(expected, counted)}; whether any matched is not counted")


def _within_band(expected: Expected, counted: Counted) -> Verdict:
    asked, words = expected.share, _words(expected, counted)
    most = max(MOST_TIMES * asked, asked + MOST_MORE)
    told = most < 1 and most * counted.all >= ENOUGH and not expected.unlimited
    if told and counted.canary > most * counted.all + _chance(most, counted.all):
        return NotInForce(f"{words}: {_FROM_ELSEWHERE}")
    if counted.canary < asked * counted.all * LEAST_PART - _chance(asked, counted.all):
        return NotInForce(f"{words}: {_TO_THE_CANARY}")
    return _some(asked * counted.all, counted, words, enough=True)


def _chance(share: float, number: float) -> float:
    """How far from the mean chance alone brings the count."""
    return SIGMAS * sqrt(number * share * (1 - share))


def _some(ought: float, counted: Counted, words: str, *, enough: bool = False) -> Verdict:
    """`ought` is how many it should have got; `enough`: only that many tell, also of a canary that has some."""
    if ought < ENOUGH and (enough or counted.canary < 1):
        return Unknown(f"{words}: too few to tell")
    return InForce(words) if counted.canary >= 1 else NotInForce(f"{words}: {_TO_THE_CANARY}")


def _words(expected: Expected, counted: Counted) -> str:
    part = 100 * counted.canary / counted.all if counted.all else 0.0
    got = f"the canary got {counted.canary:,.0f} of {counted.all:,.0f} requests ({part:.1f} %)"
    of_what = " of those that match" if expected.kind is Kind.PERHAPS else ""
    return f"{got} in {counted.window_s:.0f} s, {100 * expected.share:g} %{of_what} are asked for"
