"""The value between observing and moving: which event was found, why, and what is still to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollouts.api.actions import Action
from rollouts.api.status import MetricResult
from rollouts.core.measurement import Probe, Sample
from rollouts.core.observed import Problem
from rollouts.core.phases import Event


@dataclass(frozen=True, slots=True)
class Finding:
    """One event, and what goes with it."""

    event: Event
    message: str = ""
    asks: tuple[Probe, ...] = ()
    wake_at: datetime | None = None
    results: tuple[MetricResult, ...] = ()
    """The judgement that led here, if there was one."""
    failed: bool = False
    """It counts towards the threshold."""
    starved: bool = False
    """The judgement had no request of the canary to look at, while the stable side has some."""
    problem: Problem | None = None
    action: Action | None = None
    """What was asked for, if that led here."""
    prepare: bool = False
    """The primary may be made, or made again: all that it takes has been looked at."""


def waited(message: str, *, wake_at: datetime | None = None, asks: tuple[Probe, ...] = ()) -> Finding:
    """Nothing to do but wait, and for what."""
    return Finding(Event.WAITED, message, asks=asks, wake_at=wake_at)


def newest(samples: Iterable[Sample], probe: Probe, not_before: datetime) -> Sample | None:
    """The newest answer to a probe that speaks of `not_before` or later."""
    fitting = [sample for sample in samples if sample.probe == probe and sample.at >= not_before]
    return max(fitting, key=lambda sample: sample.at, default=None)


def missing(samples: Sequence[Sample], probes: Iterable[Probe], not_before: datetime) -> tuple[Probe, ...]:
    """The probes that have no such answer yet."""
    return tuple(probe for probe in probes if newest(samples, probe, not_before) is None)
