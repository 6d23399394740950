"""What is to be done about one Canary: all that a round finds out before it does anything.

Pure but for reading the stores, so that a process that stands back can see what the other one leaves undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rollouts.api.resources import CANARIES
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision, Desired
from rollouts.core.observed import Observed, Problem
from rollouts.core.step import step
from rollouts.engine.ask import ANSWER_MAX_S
from rollouts.engine.hold import hold, is_held, let_go
from rollouts.engine.modes import mode_of
from rollouts.engine.observe import Heard, observe
from rollouts.engine.readiness import Readiness
from rollouts.engine.record import read_status
from rollouts.engine.restraint import Restraint
from rollouts.engine.subject import Subject
from rollouts.engine.term import Tenure
from rollouts.ports import Cluster, Write

REFUSED_RETRY = timedelta(seconds=30)
"""When a write that was refused is tried again without any change seen: rights are not watched."""
DELIVERY_MAX = timedelta(minutes=1)
"""How long notices may stand in the outbox while nothing else is to be done, before their sender is taken for dead."""


@dataclass(slots=True)
class Memory:
    """What is known of one Canary beyond its status and the answers. Losing it costs a write or two, nothing else."""

    uid: str
    readiness: Readiness
    restraint: Restraint
    """The one that looks for all Canaries."""
    since: datetime
    """When this process saw the Canary first."""
    tenure: Tenure = field(default_factory=Tenure)
    refused: Problem | None = None
    """The write that the API server would not have, last time."""


@dataclass(frozen=True, slots=True)
class Work:
    """What was seen and decided, and what of it is not done yet."""

    status: CanaryStatus
    """As it stands."""
    seen: Observed
    decision: Decision
    intent: CanaryStatus
    """The status to be written."""
    incomplete: bool
    """Whether objects differ from what is desired."""
    undone: timedelta | None
    """For how long whoever is at it may say nothing; None if nothing is to be done."""


def find_work(cluster: Cluster, subject: Subject, now: datetime, heard: Heard, memory: Memory) -> Work:
    """Observe and decide."""
    status, refused = read_status(subject.manifest), memory.refused
    seen = memory.readiness.look(observe(cluster, subject, status, now, heard))
    holding = memory.restraint.look(subject, status, now)
    seen = replace(seen, holds=holding.holds, holds_change_at=holding.change_at, looked_since=memory.since)
    # As a problem of the world. Not while the first objects are made: there a problem means that nothing is tried.
    if seen.problem is None and status.phase not in {None, Phase.INITIALIZING}:
        seen = replace(seen, problem=refused)
    decision = step(subject.spec, status, seen)
    if (settles_at := memory.readiness.settles_at(now)) is not None:
        decision = replace(decision, wake_at=min(settles_at, decision.wake_at or settles_at))
    # While a write is refused, its condition stays until it is known that it is refused no more.
    waits = refused is not None and _differ_in_conditions_only(status, decision.status)
    intent = status if waits else decision.status
    incomplete = next(writes_for(cluster, subject, seen, decision.desired), None) is not None
    undone: timedelta | None = None
    if intent != status:
        undone = timedelta()
    elif incomplete:
        undone = REFUSED_RETRY if refused is not None else timedelta()
    elif decision.asks:
        undone = timedelta(seconds=ANSWER_MAX_S)
    elif intent.outbox:
        undone = DELIVERY_MAX
    return Work(status, seen, decision, intent, incomplete, undone)


def writes_for(cluster: Cluster, subject: Subject, seen: Observed, desired: Desired) -> Iterator[Write]:
    """The writes that are missing, in order. Before the first of all, the finalizer is put on."""
    if desired.leave is not None and desired.leave.let_go:
        yield let_go(cluster.read(CANARIES, subject.owner.key) or subject.manifest)
        return
    held = is_held(subject.manifest) or desired.leave is not None
    for write in mode_of(subject.spec).writes(cluster, subject, seen, desired):
        if not held:
            yield hold(cluster.read(CANARIES, subject.owner.key) or subject.manifest)
            held = True
        yield write


def _differ_in_conditions_only(one: CanaryStatus, other: CanaryStatus) -> bool:
    return one.model_copy(update={"conditions": other.conditions}) == other
