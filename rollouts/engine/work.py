"""What is to be done about one Canary: all that a round finds out before it does anything.

Pure but for reading the stores, so that a process that stands back can see what the other one leaves undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeGuard

from rollouts.api.canary import CanarySpec
from rollouts.api.resources import CANARIES, VIRTUAL_SERVICES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.conditions import contest_of
from rollouts.core.decision import Decision, Desired
from rollouts.core.desired import routing_of
from rollouts.core.measurement import Vet
from rollouts.core.observed import Observed, Problem, timeless
from rollouts.core.step import step
from rollouts.engine.ask import ANSWER_MAX_S
from rollouts.engine.fight import Fight
from rollouts.engine.hold import hold, is_held, let_go
from rollouts.engine.modes import mode_of
from rollouts.engine.observe import Heard, observe
from rollouts.engine.readiness import Readiness
from rollouts.engine.recall import Recall
from rollouts.engine.recipes import Standing
from rollouts.engine.record import read_status
from rollouts.engine.restraint import Restraint
from rollouts.engine.routers import router_of
from rollouts.engine.subject import Subject
from rollouts.engine.term import Tenure
from rollouts.engine.vetting import Vetting, look_at_queries
from rollouts.ports import Apply, Cluster, PatchJson, Write

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
    fight: Fight
    tenure: Tenure = field(default_factory=Tenure)
    refused: Problem | None = None
    """The write that the API server would not have, last time."""
    unanswered: frozenset[Vet] = frozenset()
    """The questions about queries of which people know that nobody answers."""
    judged_at: datetime | None = None
    """As in `Observed`."""
    recall: Recall = field(default_factory=Recall)
    """What looks at the stores came to."""
    _spec: tuple[Manifest, CanarySpec] | None = None
    """The spec as it was stored and, of that very object, as it was read."""
    _status: tuple[Manifest, CanaryStatus] | None = None
    """The same of the status."""

    def read_spec(self, canary: Manifest) -> CanarySpec:
        """The spec in our words: read once for each that there is. Raises ValidationError."""
        told = canary.get("spec") or {}
        if self._spec is None or self._spec[0] is not told:
            self._spec = (told, CanarySpec.model_validate(told))
        return self._spec[1]

    def read_status(self, canary: Manifest) -> CanaryStatus:
        """The status in our words: read once for each that there is. Raises StatusUnreadable."""
        told = canary.get("status") or {}
        if self._status is None or self._status[0] is not told:
            self._status = (told, read_status(canary))
        return self._status[1]

    def rest(self) -> None:
        """Nothing is to be done until something changes: what only saves time is let go."""
        self._spec = self._status = None
        self.recall.forget()
        self.tenure.rest()


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
    """Whether objects differ from what is desired, as far as is known before the status is written."""
    routes_wait: bool
    """Whether routes that somebody else keeps changing are left alone for a while."""
    undone: timedelta | None
    """For how long whoever is at it may say nothing; None if nothing is to be done."""
    vetting: Vetting
    """What is to be asked about the metrics' queries, whoever does the rest."""


def find_work(cluster: Cluster, subject: Subject, now: datetime, heard: Heard, memory: Memory) -> Work:
    """Observe and decide."""
    status, refused, cluster = subject.status, memory.refused, memory.recall.over(cluster)
    vetting = look_at_queries(Standing(cluster, subject, status), heard.samples, now)
    seen = _seen(cluster, subject, now, heard, memory=memory, vetting=vetting)
    decision = step(subject.spec, status, seen)
    due_at = _look_at_fight(cluster, subject, status, seen, decision.desired, fight=memory.fight)
    quiet_at = memory.fight.quiet_at() if seen.contested else None
    times = (decision.wake_at, memory.readiness.settles_at(now), due_at, quiet_at, vetting.again_at)
    decision = replace(decision, wake_at=min((at for at in times if at is not None), default=None))
    # While a write is refused, its condition stays until it is known that it is refused no more.
    waits = refused is not None and _differ_in_conditions_only(status, decision.status)
    intent = status if waits else decision.status
    # What a release that moves needs is worked out when the status is written, and not before that, too.
    moves = (intent.phase, intent.desired_weight) != (status.phase, status.desired_weight)
    incomplete = moves or _is_incomplete(
        cluster, subject, seen, decision.desired, routes_wait=due_at is not None, recall=memory.recall
    )
    undone: timedelta | None = None
    if intent != status:
        undone = timedelta()
    elif incomplete:
        undone = REFUSED_RETRY if refused is not None else timedelta()
    elif decision.asks:
        undone = timedelta(seconds=ANSWER_MAX_S)
    elif intent.outbox:
        undone = DELIVERY_MAX
    return Work(status, seen, decision, intent, incomplete, due_at is not None, undone, vetting)


def _seen(  # noqa: PLR0913 - all that a look needs
    cluster: Cluster, subject: Subject, now: datetime, heard: Heard, *, memory: Memory, vetting: Vetting
) -> Observed:
    """The world, with all that is known beside the stores."""
    status = subject.status
    seen = observe(cluster, subject, status, now, heard, recall=memory.recall)
    target, primary = memory.readiness.look(seen)
    holding = memory.restraint.look(subject, status, now)
    problem = seen.problem or next(iter(vetting.problems), None)
    # As a problem of the world. Not while the first objects are made: there a problem means that nothing is tried.
    if problem is None and status.phase not in {None, Phase.INITIALIZING}:
        problem = memory.refused
    return replace(
        seen, target=target, primary=primary, unvetted=vetting.open, problem=problem, holds=holding.holds,
        holds_change_at=holding.change_at, looked_since=memory.since,
        contested=memory.fight.contested(contest_of(status), now),
    )  # fmt: skip


def writes_for(
    cluster: Cluster, subject: Subject, seen: Observed, desired: Desired, *, routes_wait: bool
) -> Iterator[Write]:
    """The writes that are missing, in order. Before the first of all, the finalizer is put on."""
    if desired.leave is not None and desired.leave.let_go:
        yield let_go(cluster.read(CANARIES, subject.owner.key) or subject.manifest)
        return
    held = is_held(subject.manifest) or desired.leave is not None
    for write in mode_of(subject.spec).writes(cluster, subject, timeless(seen), desired):
        if routes_wait and writes_routes(write):
            continue
        if not held:
            yield hold(cluster.read(CANARIES, subject.owner.key) or subject.manifest)
            held = True
        yield write


def _is_incomplete(  # noqa: PLR0913 - as `writes_for`
    cluster: Cluster, subject: Subject, seen: Observed, desired: Desired, *, routes_wait: bool, recall: Recall
) -> bool:
    """Whether any write is missing."""

    def missing(reading: Cluster) -> bool:
        return next(writes_for(reading, subject, seen, desired, routes_wait=routes_wait), None) is not None

    if desired.leave is not None:
        return missing(cluster)
    inputs = (subject.owner, subject.spec, timeless(seen), desired, routes_wait)
    return recall.of(cluster, "incomplete", inputs, missing)


def writes_routes(write: Write) -> TypeGuard[Apply | PatchJson]:
    """Whether it changes how requests are shared."""
    return isinstance(write, Apply | PatchJson) and write.resource == VIRTUAL_SERVICES


def found_words(write: Apply | PatchJson, seen: Observed, desired: Desired) -> str:
    """Which object was found changed, and how."""
    key = ObjectKey.of(write.manifest) if isinstance(write, Apply) else write.key
    had, share = seen.route_weight, desired.share.weight
    weight = f"the canary had {'no' if had is None else had} weight, not {share}"
    how = "what was put into its rules" if had == share else weight
    return f"VirtualService {key} was changed by somebody else ({how})"


def _look_at_fight(  # noqa: PLR0913 - all that is known of one round
    cluster: Cluster, subject: Subject, status: CanaryStatus, seen: Observed, desired: Desired, *, fight: Fight
) -> datetime | None:
    """Until when routes that somebody else keeps changing are left alone; None if they are not."""
    spec, share = subject.spec, desired.share
    same = desired.routing and desired.leave is None and routing_of(spec, status) == share
    fight.look((seen.generation, share), seen.now, carried=seen.routed and same)
    due_at = fight.due_at(seen.now)
    # What takes requests from an unproven version waits for nothing.
    if due_at is None or router_of(spec).observe(cluster, subject.owner, spec, share).takes_away:
        return None
    return due_at


def _differ_in_conditions_only(one: CanaryStatus, other: CanaryStatus) -> bool:
    return one.model_copy(update={"conditions": other.conditions}) == other
