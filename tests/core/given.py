"""Short ways to write the three arguments of `step` and what it may be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rollouts.api.analysis import Analysis
from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, GateStatus, MetricResult, Phase, Verdict
from rollouts.core.decision import Decision
from rollouts.core.measurement import (
    Accepted,
    Call,
    NoData,
    Outcome,
    Probe,
    Refused,
    Sample,
    Signal,
    Subject,
    Unreachable,
    Value,
)
from rollouts.core.observed import Observed, WorkloadState

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SUCCESS = Probe(Signal.SUCCESS_RATE, Subject.CANARY, 10.0)
DURATION = Probe(Signal.DURATION, Subject.CANARY, 10.0)
UNREACHED = Probe(Signal.UNREACHED, Subject.CANARY, 10.0)
COUNTED = Probe(Signal.REQUESTS, Subject.CANARY, 10.0), Probe(Signal.REQUESTS, Subject.STABLE, 10.0)
UNCOUNTED = NoData()
METRICS = [
    {"name": "request-success-rate", "interval": "10s", "thresholdRange": {"min": 99}},
    {"name": "request-duration", "interval": "10s", "thresholdRange": {"max": 500}},
]


def at(seconds: float) -> datetime:
    """That many seconds into the story."""
    return EPOCH + timedelta(seconds=seconds)


def spec_of(progress_deadline_s: int = 60, **analysis: Any) -> CanarySpec:
    """A spec with an interval of 10 s and both metrics; `analysis` as in YAML, stepWeight 10 up to 50 if not said."""
    defaults: dict[str, Any] = {"interval": "10s", "metrics": METRICS}
    if not {"stepWeight", "stepWeights", "iterations"} & analysis.keys():
        defaults |= {"stepWeight": 10, "maxWeight": 50}
    return CanarySpec.model_validate(
        {
            "targetRef": {"name": "app"},
            "service": {"port": 80},
            "progressDeadlineSeconds": progress_deadline_s,
            "analysis": defaults | analysis,
        }
    )


def hook(kind: str, name: str = "", **fields: Any) -> dict[str, Any]:
    """A webhook as in YAML, named as its type if not said; `url=None` for a gate that only people open."""
    return {"type": kind, "name": name or kind, "url": "http://hooks/", **fields}


def by_hand(kind: str) -> dict[str, Any]:
    """A gate that only people open."""
    return hook(kind, url=None)


def with_hooks(spec: CanarySpec, hooks: Sequence[dict[str, Any]]) -> CanarySpec:
    """The same, with these webhooks instead of those of the same names."""
    names = {known["name"] for known in hooks}
    kept = [known.model_dump(by_alias=True) for known in spec.analysis.webhooks if known.name not in names]
    analysis = spec.analysis.model_dump(by_alias=True) | {"webhooks": [*kept, *hooks]}
    return spec.model_copy(update={"analysis": Analysis.model_validate(analysis)})


def gate_at(kind: str, seconds: float = 0, **changes: Any) -> GateStatus:
    """What a status remembers of a gate that is closed since then."""
    return GateStatus.model_validate({"type": kind, "since": at(seconds), **changes})


def told(
    kind: str,
    seconds: float,
    answer: str = "yes",
    *,
    name: str = "",
    phase: Phase = Phase.PROGRESSING,
    revision: str = "b",
) -> Sample:
    """What a hook answered when it was asked at that second: `yes`, `down` for nobody, or why not."""
    refused = Unreachable("no answer") if answer == "down" else Refused(answer)
    call = Call(name or kind, HookType(kind), phase, revision)
    return Sample(call, at(seconds), Accepted() if answer == "yes" else refused)


def called(decision: Decision) -> list[str]:
    """The hooks that are asked now, by name."""
    return [question.hook for question in decision.asks if isinstance(question, Call)]


def passed_at(seconds: float) -> tuple[MetricResult, ...]:
    """A judgement of that second that passed."""
    return (MetricResult(name="request-success-rate", verdict=Verdict.PASS, measured_at=at(seconds)),)


def pods(revision: str, available: int = 2, **changes: Any) -> WorkloadState:
    """A workload that is ready with that many pods, unless `changes` say otherwise."""
    known: dict[str, Any] = {"replicas": available, "available": available, "ready": True}
    return WorkloadState(revision, **(known | changes))


def copy(source: str, available: int = 2, **changes: Any) -> WorkloadState:
    """The primary, copied from that revision."""
    return pods("copy", available, source_revision=source, **changes)


def status_in(phase: Phase | None, **changes: Any) -> CanaryStatus:
    """A status in which revision a is promoted and nothing else has happened."""
    promoted = {} if phase in {None, Phase.INITIALIZING} else {"last_applied_spec": "a", "last_promoted_spec": "a"}
    return CanaryStatus.model_validate({"phase": phase, **promoted, **changes})


def running(weight: int, phase: Phase = Phase.PROGRESSING, **changes: Any) -> CanaryStatus:
    """Revision b is being released, with that weight in force since second 0."""
    known: dict[str, Any] = {
        "last_applied_spec": "b", "desired_weight": weight, "started_at": EPOCH, "drained": False,
        "strategy": "Weights", "step_index": (weight + 9) // 10,
    }  # fmt: skip
    return status_in(phase, **(known | ({"dwell_started_at": EPOCH} if weight else {}) | changes))


def seen_at(seconds: float, **changes: Any) -> Observed:
    """Canary b and primary a are up, and the routes give the canary nothing, unless `changes` say otherwise."""
    known: dict[str, Any] = {
        "generation": 1, "target": pods("b"), "primary": copy("a"), "route_weight": 0, "apex_on_primary": True,
        "routed": True,
    }  # fmt: skip
    return Observed(now=at(seconds), **(known | changes))


def sample(probe: Probe, seconds: float, outcome: Outcome | float) -> Sample:
    """An answer that speaks of that second."""
    return Sample(probe, at(seconds), Value(outcome) if isinstance(outcome, int | float) else outcome)


def good(seconds: float) -> tuple[Sample, ...]:
    """Both metrics pass, and the requests are not counted."""
    return sample(SUCCESS, seconds, 100.0), sample(DURATION, seconds, 20.0), *counts(seconds), *callers(seconds)


def callers(seconds: float, outcome: Outcome | float = UNCOUNTED) -> tuple[Sample, ...]:
    """How many requests reached no pod, whatever the window, and whosever they were."""
    windows, sides = (10.0, 20.0, 25.0, 30.0, 60.0), (Subject.CANARY, Subject.BOTH)
    return tuple(sample(Probe(Signal.UNREACHED, side, w), seconds, outcome) for w in windows for side in sides)


def counts(
    seconds: float, canary: Outcome | float = UNCOUNTED, primary: Outcome | float = UNCOUNTED
) -> tuple[Sample, ...]:
    """The requests that each side got, whatever the window."""
    told = ((Subject.CANARY, canary), (Subject.STABLE, primary))
    windows = (10.0, 20.0, 25.0, 30.0, 60.0)
    return tuple(sample(Probe(Signal.REQUESTS, side, w), seconds, number) for w in windows for side, number in told)


def bad(seconds: float) -> tuple[Sample, ...]:
    """Half of the answers are errors."""
    return sample(SUCCESS, seconds, 50.0), sample(DURATION, seconds, 20.0)
