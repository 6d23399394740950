"""The one place that decides: `step(spec, status, observed) -> Decision`. Pure, total, deterministic.

It notes what was seen, finds one event, looks it up in the table of `phases.py`, and writes down what follows. It is
called whenever something changed or `wake_at` has come, as often as anyone likes: on its own output and the same
world it changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.announce import announcement_of
from rollouts.core.asked import find_action
from rollouts.core.conditions import is_told, with_conditions
from rollouts.core.decision import Decision, Desired
from rollouts.core.desired import desired_of
from rollouts.core.finding import Finding
from rollouts.core.note import note
from rollouts.core.observed import SUSPENDED, Observed
from rollouts.core.phases import TRANSITIONS, Event
from rollouts.core.promoting import find_promoting
from rollouts.core.resting import find_drain, find_idle, find_initializing
from rollouts.core.running import find_progressing
from rollouts.core.transition import after_transition

FINDERS: Mapping[Phase, Callable[[CanarySpec, CanaryStatus, Observed], Finding]] = MappingProxyType({
    Phase.INITIALIZING: find_initializing,
    Phase.INITIALIZED: find_idle,
    Phase.PROGRESSING: find_progressing,
    Phase.PROMOTING: find_promoting,
    Phase.FINALISING: find_drain,
    Phase.SUCCEEDED: find_idle,
    Phase.FAILED: find_idle,
})  # fmt: skip

NEVER_BLOCKED = frozenset({
    Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.CHECK_FAILED, Event.REVERTED, Event.SUPERSEDED,
    Event.NEW_REVISION, Event.RESCUE,
})  # fmt: skip
"""What takes traffic away from an unproven version happens whatever else is wrong."""

_STANDING = frozenset({Event.WAITED, Event.BLOCKED})
_RUNNING = frozenset({Phase.PROGRESSING, Phase.PROMOTING, Phase.FINALISING})


def step(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Decision:
    """Decide what follows from what was seen. Never raises for any observation."""
    if spec.suspend:
        return _suspended(status, seen)
    noted = note(status, seen)
    phase = noted.phase or Phase.INITIALIZING
    finding = find_action(spec, noted, seen) or _unblocked(FINDERS[phase](spec, noted, seen), phase, seen)
    row = TRANSITIONS[phase, finding.event]
    standing = finding.event in _STANDING
    moved = noted
    if not standing or finding.results:
        moved = noted.model_copy(update=after_transition(spec, noted, seen, finding=finding, row=row))
    news = announcement_of(status, moved, finding)
    # What a first start waits for is said; later the conditions keep what has happened.
    starting = phase is Phase.INITIALIZING and finding.event is Event.WAITED
    stays = row.to is phase and (phase not in _RUNNING or finding.event is Event.REFUSED)
    quiet = not starting and (standing or stays)
    known = seen.problem is not None and is_told(status, seen.problem)
    # A step that only asks has found nothing yet: what was said before stays until the answers are there.
    after = moved if finding.event is Event.WAITED and finding.asks else with_conditions(
        moved, seen.now, problem=seen.problem if known else finding.problem,
        news=None if quiet and status.conditions else news.message if news else finding.message,
        reason=finding.event if finding.event is Event.REVERTED else "",
    )  # fmt: skip
    return Decision(
        event=finding.event,
        status=after,
        desired=desired_of(after, seen, prepare=finding.prepare),
        asks=finding.asks,
        wake_at=finding.wake_at,
        announcement=news,
        message=finding.message,
    )


def _suspended(status: CanaryStatus, seen: Observed) -> Decision:
    """Nothing is judged, and no object is touched: `routing` is what makes any of ours to be looked after."""
    finding = Finding(Event.BLOCKED, SUSPENDED.message, problem=SUSPENDED)
    known = status.model_copy(update={"observed_generation": seen.generation})
    return Decision(
        event=finding.event,
        status=with_conditions(known, seen.now, problem=SUSPENDED, news=None),
        desired=Desired(weight_percent=status.desired_weight),
        announcement=announcement_of(status, status, finding),
        message=finding.message,
    )


def _unblocked(finding: Finding, phase: Phase, seen: Observed) -> Finding:
    """While something outside must be mended, a running release holds, but for what makes it safer.

    A judgement that found no fault is kept, so that the next one is due an interval later.
    """
    if phase not in _RUNNING or seen.problem is None or finding.event in NEVER_BLOCKED:
        return finding
    return replace(finding, event=Event.BLOCKED, message=seen.problem.message, problem=seen.problem)
