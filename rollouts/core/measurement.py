"""What the judgement may ask of the world, and what can come back.

`step` never queries. It asks for `Probe`s; the shell answers with `Sample`s at its next call. Whatever happens to
a question is a value: a number, no data, a refusal, or silence. Nothing here knows PromQL or any metric source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Signal(StrEnum):
    """What a probe is about."""

    SUCCESS_RATE = "request-success-rate"
    """Percent of requests without a 5xx answer."""
    DURATION = "request-duration"
    """99th percentile of the request duration, in milliseconds."""
    REQUEST_RATE = "request-rate"
    """Requests a second between the two newest scrapes; 0 means silence."""
    SOURCE_ALIVE = "source-alive"
    """Whether the metric source answers at all."""
    RIGHTS = "rights"
    """Whether the controller's account may do what this Canary needs."""


class Subject(StrEnum):
    """Which of the two copies a probe is about."""

    CANARY = "canary"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question. `window_s` is the look-back of rates, in seconds; 0 where it has no meaning."""

    signal: Signal
    subject: Subject = Subject.CANARY
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Value:
    """A finite number, in the signal's unit."""

    number: float


@dataclass(frozen=True, slots=True)
class NoData:
    """The source answered, and there is nothing to judge: no series, or no request in the window."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The question itself was refused; asking again unchanged is useless."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer could be had; it may come later."""

    reason: str


Outcome = Value | NoData | Rejected | Unreachable


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer to one probe. `at` is the instant it speaks of."""

    probe: Probe
    at: datetime
    outcome: Outcome
