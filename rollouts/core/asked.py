"""What follows from an action that a person asked for: each is carried out or refused once, and either is said.

An action never waits: what can't be done in the step that sees it is refused with the reason, so that no promotion
meant for one version can come true for the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rollouts.api.actions import Action, Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.approving import refusal_of, words_of
from rollouts.core.choices import POSSIBLE, keeps_version_before
from rollouts.core.ending import found_new, give_up
from rollouts.core.finding import Finding
from rollouts.core.heard import is_taken
from rollouts.core.holds import hold_of_step
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.parts import in_percent
from rollouts.core.phases import STEPPING, Event
from rollouts.core.plan import next_step
from rollouts.core.swap import find_undo
from rollouts.core.tracking import secrets_known


def find_action(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding | None:
    """The first action that was not taken yet, as an event; None if there is none."""
    action = next((asked for asked in seen.actions if not is_taken(status, asked)), None)
    if action is None or _goes_first(spec, status, seen):
        return None
    refusal = _refusal(spec, status, seen, action)
    found = Finding(Event.REFUSED, refusal) if refusal else _carried_out(spec, status, seen, action)
    words = action.in_words()
    match found.event:
        case Event.REFUSED:
            message = f"{words}: {found.message}"
        case Event.UNDONE:
            message = f"revision {status.idle_spec} is to serve again: {words}"
        case Event.NEW_REVISION | Event.GATED:
            message = f"revision {status.last_applied_spec} is released again: {words}"
        case Event.APPROVED if status.gate is not None:
            message = words_of(spec, status.gate, action)
        case _:
            message = words
    return Finding(found.event, message, action=action)


def _goes_first(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> bool:
    """Whether a change of the strategy comes before any action: the present share would be one of other requests."""
    promoting = status.phase is Phase.PROMOTING and not status.stable_subset
    returning = promoting and status.desired_weight > 0 and serves(seen.primary)
    return (status.phase in STEPPING or returning) and status.strategy != spec.analysis.strategy


_AT_ONCE: Mapping[Verb, Event] = MappingProxyType(
    {Verb.PAUSE: Event.PAUSED, Verb.APPROVE: Event.APPROVED, Verb.OVERRIDE: Event.OVERRIDDEN}
)


def _refusal(spec: CanarySpec, status: CanaryStatus, seen: Observed, action: Action) -> str:
    """Why an action makes no sense here, whatever it is; empty if it does."""
    if action.flaw:
        return action.flaw
    called_back = action.verb is Verb.UNDO and keeps_version_before(status)
    if status.phase not in POSSIBLE[action.verb] and not called_back:
        return f"not possible in phase {status.phase}{_way_out(action.verb)}"
    if action.revision and action.revision != status.last_applied_spec:
        return f"it is meant for revision {action.revision}, and {status.last_applied_spec} is released"
    if action.verb in {Verb.APPROVE, Verb.REJECT} and status.gate is None:
        return "the release waits at no gate" + (f": {status.hold.message}" if status.hold is not None else "")
    if action.verb is Verb.APPROVE and status.gate is not None and (flaw := refusal_of(spec, status.gate, action)):
        return flaw
    if action.verb is Verb.OVERRIDE and status.overridden_at is not None:
        return "it is overridden already: neither window nor freeze nor limit holds this release"
    if action.verb in {Verb.PROMOTE, Verb.RETRY} and seen.problem is not None:
        return seen.problem.message
    return ""


def _way_out(verb: Verb) -> str:
    match verb:
        case Verb.UNDO:
            return ": the version before is not kept, apply it again"
        case Verb.PROMOTE:
            return ": while it is Waiting, approve opens its gate, and override lets it past window, freeze and limit"
        case _:
            return ""


def _carried_out(spec: CanarySpec, status: CanaryStatus, seen: Observed, action: Action) -> Finding:
    match action.verb:
        case Verb.PAUSE | Verb.APPROVE | Verb.OVERRIDE:
            return Finding(_AT_ONCE[action.verb])
        case Verb.RESUME:
            return Finding(Event.RESUMED) if status.paused_at else Finding(Event.REFUSED, "it is not paused")
        case Verb.UNDO if keeps_version_before(status):
            return find_undo(status, seen)
        case Verb.ABORT | Verb.UNDO if _reached_primary(status, seen):
            return Finding(Event.REFUSED, "too late, the primary has this revision: apply the one before it")
        case Verb.ABORT | Verb.UNDO | Verb.REJECT:
            # What was not approved is given no traffic, even where nobody else could serve it.
            return Finding(Event.ROLLBACK) if status.phase is Phase.WAITING else give_up(seen, "")
        case Verb.PROMOTE:
            return _promoted(spec, status, seen, full=action.full)
        case Verb.SET_WEIGHT:
            return _set_weight(spec, status, seen, action.weight)
        case Verb.RETRY:  # pragma: no branch - the last there is
            return _retried(spec, status, seen)


def _reached_primary(status: CanaryStatus, seen: Observed) -> bool:
    return seen.primary is not None and seen.primary.source_revision == status.last_applied_spec


def _promoted(spec: CanarySpec, status: CanaryStatus, seen: Observed, *, full: bool) -> Finding:
    if flaw := _not_ready(status, seen):
        return Finding(Event.REFUSED, flaw)
    last = next_step(spec.analysis, status) is None
    return Finding(Event.STEPS_PASSED if full or last else Event.ADVANCE)


def _set_weight(spec: CanarySpec, status: CanaryStatus, seen: Observed, weight: int | None) -> Finding:
    if weight is None:
        return Finding(Event.REFUSED, 'say which: {"id": "...", "weight": 40}')
    if spec.analysis.iterations is not None:
        return Finding(Event.REFUSED, "this strategy has no weights: promote goes on by one step")
    if weight == 0 and status.paused_at is None:
        return Finding(Event.REFUSED, "at 0 % it would start again at once: pause it first, or abort it")
    if weight > status.weight_total:
        return Finding(Event.REFUSED, f"a weight is a part of weightTotal, which is {status.weight_total}")
    if weight == status.desired_weight:
        return Finding(Event.REFUSED, f"the canary has {in_percent(weight, status.weight_total)} already")
    nobody = "" if serves(seen.primary) else "no pod of the primary serves, and it would get more"
    flaw = _not_ready(status, seen) if weight > status.desired_weight else nobody
    return Finding(Event.REFUSED, flaw) if flaw else Finding(Event.WEIGHT_SET)


def _not_ready(status: CanaryStatus, seen: Observed) -> str:
    """Why the canary can't be given more by hand; empty if it can."""
    if seen.problem is not None:
        return seen.problem.message
    if seen.target is None or seen.target.revision != status.last_applied_spec:
        return "the target has changed meanwhile"
    if status.replacing or not secrets_known(status, seen):
        return "the canary's pods have the configuration of before"
    if hold := hold_of_step(status, seen):
        return hold.message
    return "" if grown(seen.target) and grown(seen.primary) else "not all pods are ready"


def _retried(spec: CanarySpec, status: CanaryStatus, seen: Observed) -> Finding:
    if seen.target is None or seen.target.revision == status.last_promoted_spec:
        return Finding(Event.REFUSED, "there is no failed revision to release")
    if status.desired_weight > 0:
        return Finding(Event.REFUSED, "the canary serves everything because the primary can't: apply another revision")
    return Finding(found_new(spec, status, seen))
