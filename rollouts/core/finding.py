"""The value between observing and moving: which event was found, why, and what is still to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rollouts.api.actions import Action
from rollouts.api.hooks import HookType
from rollouts.api.status import EvidenceStatus, MetricResult, ShareStatus
from rollouts.core.measurement import Question, Sample
from rollouts.core.observed import Hold, Problem
from rollouts.core.phases import Event

Answers = Mapping[Question, Sample | None]
"""By question, in their order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One event, and what goes with it."""

    event: Event
    message: str = ""
    asks: tuple[Question, ...] = ()
    wake_at: datetime | None = None
    results: tuple[MetricResult, ...] = ()
    """The judgement that led here, if there was one."""
    share: ShareStatus | None = None
    """What the requests said of the weight at that judgement, or at one before."""
    evidence: tuple[EvidenceStatus, ...] | None = None
    """What the status is to remember of the requests of the run; None leaves it as it is."""
    judged_at: datetime | None = None
    """The instant that the judgement speaks of; None for that of its first result. Without results: it has no news."""
    passed: bool = False
    """The judgement is one of those that the step takes to pass."""
    failed: bool = False
    """It counts towards the threshold."""
    starved: bool = False
    """The judgement had no request of the canary to look at, while the stable side has some."""
    problem: Problem | None = None
    action: Action | None = None
    """What was asked for, if that led here."""
    gate: HookType | None = None
    """The gate that is closed."""
    tells: bool = False
    """What it waits for has a reason that people have to know: it stands in the conditions at once."""
    hold: Hold | None = None
    """The window, freeze or limit that it is held by."""
    prepare: bool = False
    """The primary may be made, or made again: all that it takes has been looked at."""


def waited(message: str, *, wake_at: datetime | None = None, asks: tuple[Question, ...] = ()) -> Finding:
    """Nothing to do but wait, and for what."""
    return Finding(Event.WAITED, message, asks=asks, wake_at=wake_at)


def together(found: Finding, beside: Finding) -> Finding:
    """`found`, and what another finding that only waits asks for and wakes at."""
    instants = [instant for instant in (found.wake_at, beside.wake_at) if instant is not None]
    if found.event is not Event.WAITED:
        return found
    return replace(found, asks=found.asks + beside.asks, wake_at=min(instants, default=None))


def newest(samples: Iterable[Sample], question: Question, not_before: datetime) -> Sample | None:
    """The newest answer to a question that speaks of `not_before` or later."""
    fitting = [sample for sample in samples if sample.at >= not_before and sample.probe == question]
    return max(fitting, key=lambda sample: sample.at, default=None)


def answers_to(samples: Sequence[Sample], questions: Iterable[Question], not_before: datetime) -> Answers:
    """The newest such answer to each question; None where there is none yet."""
    return {question: newest(samples, question, not_before) for question in questions}


def unanswered(answers: Answers) -> tuple[Question, ...]:
    """The questions without an answer."""
    return tuple(question for question, answer in answers.items() if answer is None)


def missing(samples: Sequence[Sample], questions: Iterable[Question], not_before: datetime) -> tuple[Question, ...]:
    """The questions that have no such answer yet."""
    return unanswered(answers_to(samples, questions, not_before))
