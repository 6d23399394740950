"""What follows from an action that a person asked for: each is carried out or refused once, and either is said.

An action never waits: what can't be done in the step that sees it is refused with the reason, so that no promotion
meant for one version can come true for the next.
"""

from __future__ import annotations

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.finding import Finding
from rollouts.core.observed import Observed, grown
from rollouts.core.phases import Event
from rollouts.core.plan import next_weight
from rollouts.core.running import give_up


def find_action(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding | None:
    """The first action that was not taken yet, as an event; None if there is none."""
    taken = {(done.verb, done.id) for done in status.actions}
    action = next((asked for asked in seen.actions if (asked.verb, asked.id) not in taken), None)
    if action is None:
        return None
    refusal = _refusal(status, seen, action)
    found = Finding(Event.REFUSED, refusal) if refusal else _carried_out(spec, status, seen, action)
    words = action.in_words()
    match found.event:
        case Event.REFUSED:
            message = f"{words}: {found.message}"
        case Event.NEW_REVISION:
            message = f"revision {status.last_applied_spec} is released again: {words}"
        case _:
            message = words
    return Finding(found.event, message, action=action)


def _refusal(status: CanaryStatus, seen: Observed, action: Action) -> str:
    """Why an action makes no sense here, whatever it is; empty if it does."""
    possible = {
        Verb.PAUSE: {Phase.PROGRESSING},
        Verb.RESUME: {Phase.PROGRESSING},
        Verb.PROMOTE: {Phase.PROGRESSING},
        Verb.ABORT: {Phase.PROGRESSING, Phase.PROMOTING},
        Verb.RETRY: {Phase.FAILED},
    }
    if action.flaw:
        return action.flaw
    if status.phase not in possible[action.verb]:
        return f"not possible in phase {status.phase}"
    if action.revision and action.revision != status.last_applied_spec:
        return f"it is meant for revision {action.revision}, and {status.last_applied_spec} is released"
    if action.verb in {Verb.PROMOTE, Verb.RETRY} and seen.problem is not None:
        return seen.problem.message
    return ""


def _carried_out(spec: CanarySpec, status: CanaryStatus, seen: Observed, action: Action) -> Finding:
    match action.verb:
        case Verb.PAUSE:
            return Finding(Event.PAUSED)
        case Verb.RESUME:
            return Finding(Event.RESUMED) if status.paused else Finding(Event.REFUSED, "it is not paused")
        case Verb.ABORT if _reached_primary(status, seen):
            return Finding(Event.REFUSED, "too late, the primary has this revision: apply the one before it")
        case Verb.ABORT:
            return give_up(seen, "")
        case Verb.PROMOTE:
            return _promoted(spec, status, seen, full=action.full)
        case Verb.RETRY:  # pragma: no branch - the last there is
            return _retried(status, seen)


def _reached_primary(status: CanaryStatus, seen: Observed) -> bool:
    return seen.primary is not None and seen.primary.source_revision == status.last_applied_spec


def _promoted(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, full: bool) -> Finding:
    if seen.target is None or seen.target.revision != status.last_applied_spec:
        return Finding(Event.REFUSED, "the target has changed meanwhile")
    if not (grown(seen.target) and grown(seen.primary)):
        return Finding(Event.REFUSED, "not all pods are ready")
    last = next_weight(spec.analysis, status.desired_weight) is None
    return Finding(Event.STEPS_PASSED if full or last else Event.ADVANCE)


def _retried(status: CanaryStatus, seen: Observed) -> Finding:
    if seen.target is None or seen.target.revision == status.last_promoted_spec:
        return Finding(Event.REFUSED, "there is no failed revision to release")
    if status.desired_weight > 0:
        return Finding(Event.REFUSED, "the canary serves everything because the primary can't: apply another revision")
    return Finding(Event.NEW_REVISION)
