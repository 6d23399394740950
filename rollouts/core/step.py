"""The one place that decides: `step(spec, status, observed) -> Decision`. Pure, total, deterministic.

It notes what was seen, finds one event, looks it up in the table of `phases.py`, and writes down what follows. It is
called whenever something changed or `wake_at` has come, as often as anyone likes: on its own output and the same
world it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from rollouts.api.canary import CanarySpec
from rollouts.api.sequential import Otherwise
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.announce import announcement_of
from rollouts.core.asked import find_action
from rollouts.core.conditions import is_told, with_conditions, with_contest
from rollouts.core.decision import Decision, Desired
from rollouts.core.desired import desired_of, routing_of
from rollouts.core.finding import Finding
from rollouts.core.leaving import desired_when_leaving, find_leaving
from rollouts.core.leaving_swap import desired_when_leaving_swap, find_leaving_swap
from rollouts.core.note import note
from rollouts.core.observed import SUSPENDED, Observed, Problem
from rollouts.core.outbox import with_notices
from rollouts.core.patience import is_over, told_at, untold_since
from rollouts.core.phases import MID_RUN, STEPPING, TRANSITIONS, Event
from rollouts.core.promoting import find_promoting
from rollouts.core.resting import find_drain, find_idle, find_initializing
from rollouts.core.rollback import Finder, unless_rolled_back
from rollouts.core.running import find_progressing
from rollouts.core.share import problem_of
from rollouts.core.starting import find_waiting
from rollouts.core.stuck import stuck_of
from rollouts.core.swap import find_draining, find_native_change, find_preparing, find_swapping
from rollouts.core.tracking import look_at_secrets
from rollouts.core.transition import after_transition
from rollouts.core.unreached import breach_of

FINDERS: Mapping[Phase, Finder] = MappingProxyType({
    Phase.INITIALIZING: find_initializing,
    Phase.INITIALIZED: find_idle,
    Phase.WAITING: unless_rolled_back(find_waiting),
    Phase.PROGRESSING: unless_rolled_back(find_progressing),
    Phase.WAITING_PROMOTION: unless_rolled_back(find_progressing),
    Phase.PROMOTING: find_promoting,
    Phase.FINALISING: find_drain,
    Phase.SUCCEEDED: find_idle,
    Phase.FAILED: find_idle,
    Phase.TERMINATING: find_leaving,
})  # fmt: skip
SWAP_FINDERS: Mapping[Phase, Finder] = MappingProxyType({
    **FINDERS,
    Phase.INITIALIZING: find_preparing,
    Phase.PROMOTING: find_swapping,
    Phase.FINALISING: find_draining,
    Phase.TERMINATING: find_leaving_swap,
})  # fmt: skip
"""Where two workloads of the user swap their roles."""

NEVER_BLOCKED = frozenset({
    Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.CHECK_FAILED, Event.REVERTED, Event.SUPERSEDED,
    Event.NEW_REVISION, Event.GATED, Event.RESCUE, Event.PRIMARY_READY,
})  # fmt: skip
"""What takes traffic away from an unproven version, or from one that may be gone, happens whatever else is wrong."""

_STANDING = frozenset({Event.WAITED, Event.BLOCKED})
_REASONS = frozenset({Event.REVERTED, Event.RELEASED, Event.GIVEN_UP})
"""Events that say more than the phase that they lead to."""
_TELLING = MID_RUN | {Phase.TERMINATING}
"""Phases in which the conditions tell what goes on."""


_REFUSED = frozenset({Event.REFUSED})
_BESIDE: Mapping[Phase, frozenset[Event]] = MappingProxyType({Phase.WAITING: _REFUSED | {Event.DRAINED}})
"""What happens there, and is no answer to what goes on."""


def step(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Decision:
    """Decide what follows from what was seen. Never raises for any observation."""
    if spec.suspend and not seen.deleting:
        return _suspended(spec, status, seen)
    noted = note(spec, status, seen)
    phase = noted.phase or Phase.INITIALIZING
    finding = _found(spec, noted, seen, phase)
    row = TRANSITIONS[phase, finding.event]
    standing = finding.event in _STANDING
    moved = noted
    if not standing or finding.results:
        moved = noted.model_copy(update=after_transition(spec, noted, seen, finding=finding, row=row))
    if (spared := untold_since(status, seen, finding)) != moved.untold_since:
        moved = moved.model_copy(update={"untold_since": spared})
    news = announcement_of(status, moved, finding)
    # What a first start waits for is said; later the conditions keep what has happened.
    starting = phase is Phase.INITIALIZING and standing
    stays = row.to is phase and (phase not in _TELLING or finding.event in _BESIDE.get(phase, _REFUSED))
    quiet = not (starting or finding.tells) and (standing or stays)
    known = seen.problem is not None and is_told(status, seen.problem)
    # A step that only asks has found nothing yet: what was said before stays until the answers are there.
    asking = finding.event is Event.WAITED and finding.asks and not is_over(status, seen)
    after = moved if asking else with_conditions(
        moved, seen.now, problem=seen.problem if known else finding.problem or _standing_problem(spec, moved),
        news=None if quiet and status.conditions else news.message if news else finding.message,
        reason=_reason(finding, moved),
    )  # fmt: skip
    noticed = with_notices(spec, status, with_contest(after, seen.now, seen.contested), seen, news)
    reading = look_at_secrets(spec, noticed, seen)
    return Decision(
        event=finding.event,
        status=noticed,
        desired=_desired(spec, noticed, seen, finding),
        asks=finding.asks + reading.asks,
        wake_at=min(
            (at for at in (finding.wake_at, reading.wake_at, told_at(noticed, finding)) if at is not None), default=None
        ),
        announcement=news,
        message=finding.message,
        judged_at=None if finding.results else finding.judged_at,
    )


def _standing_problem(spec: CanarySpec, status: CanaryStatus) -> Problem | None:
    """What the last judgement found that holds the release until the next."""
    if status.phase not in STEPPING:
        return problem_of(spec, status, status.share)
    held = breach_of(status.metrics) if spec.analysis.on_shared_breach is Otherwise.HOLD else None
    return held or stuck_of(spec, status, status.metrics) or problem_of(spec, status, status.share)


def _reason(finding: Finding, after: CanaryStatus) -> str:
    """Why, where that says more than the phase."""
    held = after.hold is not None and finding.event in {Event.GATED, Event.HELD, Event.CHECK_PASSED}
    return after.hold.reason if held and after.hold is not None else finding.event if finding.event in _REASONS else ""


def _found(spec: CanarySpec, status: CanaryStatus, seen: Observed, phase: Phase) -> Finding:
    """The one event. A deletion comes before everything else that is asked for."""
    finders = SWAP_FINDERS if spec.swaps else FINDERS
    if seen.deleting and phase is not Phase.TERMINATING:
        return finders[Phase.TERMINATING](spec, status, seen)
    changed = find_native_change(status, seen) if phase is not Phase.TERMINATING else None
    found = changed or find_action(spec, status, seen)
    return found or _unblocked(finders[phase](spec, status, seen), phase, seen)


def _desired(spec: CanarySpec, after: CanaryStatus, seen: Observed, finding: Finding) -> Desired:
    if after.phase is Phase.TERMINATING:
        leaving = desired_when_leaving_swap if spec.swaps else desired_when_leaving
        return leaving(spec, after, seen, finding.event)
    return desired_of(spec, after, seen, prepare=finding.prepare)


def _suspended(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Decision:
    """Nothing is judged, and no object is touched: `routing` is what makes any of ours to be looked after."""
    finding = Finding(Event.BLOCKED, SUSPENDED.message, problem=SUSPENDED)
    known = status.model_copy(update={"observed_generation": seen.generation, "untold_since": None})
    news = announcement_of(status, status, finding)
    after = with_contest(with_conditions(known, seen.now, problem=SUSPENDED, news=None), seen.now, seen.contested)
    return Decision(
        event=finding.event,
        status=with_notices(spec, status, after, seen, news),
        desired=Desired(routing_of(spec, status)),
        announcement=news,
        message=finding.message,
    )


def _unblocked(finding: Finding, phase: Phase, seen: Observed) -> Finding:
    """While something outside must be mended, a running release holds, but for what makes it safer.

    A judgement that found no fault is kept, so that the next one is due an interval later. A gate is not: that it waits
    there is said when nothing else holds the release.
    """
    if phase not in MID_RUN or seen.problem is None or finding.event in NEVER_BLOCKED:
        return finding
    return replace(
        finding, event=Event.BLOCKED, message=seen.problem.message, problem=seen.problem, gate=None, hold=None,
        tells=False,
    )  # fmt: skip
