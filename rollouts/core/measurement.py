"""What the judgement may ask of the world, and what can come back.

`step` never queries. It asks for `Probe`s and `Call`s; the shell answers with `Sample`s at a later call. Whatever
happens to a question is a value: a number, no data, consent, a refusal, or silence. Nothing here knows PromQL or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rollouts.api.hooks import HookType
from rollouts.api.status import Phase
from rollouts.core.evidence.state import State


class Signal(StrEnum):
    """What a probe is about."""

    SUCCESS_RATE = "request-success-rate"
    """Percent of requests without a 5xx answer."""
    DURATION = "request-duration"
    """99th percentile of the request duration, in milliseconds."""
    REQUEST_RATE = "request-rate"
    """Requests a second between the two newest scrapes; 0 means silence."""
    REQUESTS = "requests"
    """How many requests were counted in the window; no data where it is too short for that."""
    UNREACHED = "unreached"
    """Percent of requests that failed before they reached a pod, as their callers count them."""
    CALLERS_DURATION = "callers-duration"
    """As DURATION, with the delays that a fault in a route has added before."""
    CUSTOM = "custom"
    """What a template or a query of the spec measures, in a unit that only it knows; `Probe.metric` says which."""
    SOURCE_ALIVE = "source-alive"
    """Whether the metric source answers at all."""
    RIGHTS = "rights"
    """Whether the controller's account may do what this Canary needs."""
    PODS = "pods"
    """What keeps pods that ought to be ready."""


class Subject(StrEnum):
    """Which of the two copies a probe is about."""

    CANARY = "canary"
    STABLE = "stable"
    BOTH = "both"
    """Only of what can't be told apart."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One question. `window_s` is the look-back of rates and counts, in seconds; 0 where it has no meaning."""

    signal: Signal
    subject: Subject = Subject.CANARY
    window_s: float = 0.0
    metric: str = ""
    """The name of the spec's metric that it is asked for; empty where the signal alone says all."""


@dataclass(frozen=True, slots=True)
class Call:
    """One question to a webhook of the spec, known by its name there."""

    hook: str
    kind: HookType
    phase: Phase
    """As the receiver is told."""
    revision: str = ""
    """What it is asked about: an answer is for one revision only."""


@dataclass(frozen=True, slots=True)
class SecretProbe:
    """The question what is in a Secret, of which only a digest is told."""

    name: str


@dataclass(frozen=True, slots=True)
class Weighing:
    """The question what all requests of a run say of one metric up to an instant: always with the same answer."""

    metric: str
    run: datetime
    """When the run began."""
    step_from: datetime
    """Since when the present weight is in force."""
    counts_from: datetime
    """What was counted before belongs to another weight, or to the warm-up, and is no evidence."""
    at: datetime
    missed: tuple[datetime, ...] = ()
    """The evaluations before, ascending, that whoever answers may not have made."""


@dataclass(frozen=True, slots=True)
class Vet:
    """The question whether a metric can be measured at all: whether its source takes its query as it is now."""

    metric: str
    version: str
    """A digest of all that the query is made of."""


Question = Probe | Call | SecretProbe | Weighing | Vet


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
    kind: str = ""
    """What is wrong in one word, as conditions have it; empty where the reason says it all."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer could be had; it may come later."""

    reason: str


@dataclass(frozen=True, slots=True)
class Explained:
    """Why something is as it is, in words for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A webhook answered 2xx."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A webhook gave any other answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """A digest of what is in a Secret: ABSENT if there is none, UNTRACKED if it is not to be looked at."""

    digest: str


@dataclass(frozen=True, slots=True)
class Evidenced:
    """What the requests of a run came to, for a Weighing."""

    state: State
    counted: bool = True
    """Whether anything counts yet at the present weight."""
    note: str = ""
    """What people have to know of the counting."""


ABSENT = ""
UNTRACKED = "-"

Outcome = Value | NoData | Rejected | Unreachable
"""What a metric source answers."""

HookOutcome = Accepted | Refused | Unreachable
"""What a webhook answers."""

Answer = Outcome | HookOutcome | Content | Explained | Evidenced
"""What anybody answers."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The answer to one question. `at` is the instant it speaks of: that of the asking."""

    probe: Question
    at: datetime
    outcome: Answer
