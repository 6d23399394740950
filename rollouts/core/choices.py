"""What a person may ask of a Canary as it stands, and the one thing that is safe. Pure.

Told before anything is asked, by those who show Canaries to people: the judge of an action stays `asked.py`, which
sees the world and not only the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rollouts.api.actions import Verb
from rollouts.api.canary import CanarySpec
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.phases import STEPPING

_GATED = STEPPING | {Phase.WAITING}
POSSIBLE: Mapping[Verb, frozenset[Phase]] = MappingProxyType({
    Verb.PAUSE:      STEPPING,
    Verb.RESUME:     STEPPING,
    Verb.OVERRIDE:   _GATED,
    Verb.PROMOTE:    STEPPING,
    Verb.ABORT:      _GATED | {Phase.PROMOTING},
    Verb.UNDO:       _GATED | {Phase.PROMOTING},
    Verb.RETRY:      frozenset({Phase.FAILED}),
    Verb.SET_WEIGHT: frozenset({Phase.PROGRESSING}),
    Verb.APPROVE:    _GATED,
    Verb.REJECT:     _GATED,
})  # fmt: skip
"""The phases in which each is not refused for the phase alone."""
WHILE_SUSPENDED = "spec.suspend is true: nothing is changed until it is false"
_KEPT = frozenset({Phase.FINALISING, Phase.SUCCEEDED})


def possible(spec: CanarySpec, status: CanaryStatus) -> tuple[Verb, ...]:
    """The actions that would not be refused for what the status says, in the order of Verb."""
    if spec.suspend:
        return ()
    return tuple(verb for verb in Verb if not why_not(spec, status, verb))


def why_not(spec: CanarySpec, status: CanaryStatus, verb: Verb) -> str:
    """Why the status alone makes that action impossible, for a person; empty if it does not."""
    if spec.suspend:
        return "it is suspended: actions are taken when spec.suspend is false again"
    if verb is Verb.UNDO and keeps_version_before(status):
        return ""
    if status.phase not in POSSIBLE[verb]:
        return _wrong_phase(status, verb)
    gated, paused = status.gate is not None and not status.gate.approved, status.paused_at is not None
    match verb:
        case Verb.APPROVE | Verb.REJECT if not gated:
            return "the release waits at no gate" + (f": {status.hold.message}" if status.hold is not None else "")
        case Verb.PAUSE if paused:
            return "it is paused already"
        case Verb.RESUME if not paused:
            return "it is not paused"
        case Verb.OVERRIDE if status.hold is None:
            return "neither window nor freeze nor limit holds it"
        case Verb.SET_WEIGHT if spec.analysis.iterations is not None:
            return "this strategy has no weights: promote goes on by one step"
        case _:
            return ""


def keeps_version_before(status: CanaryStatus) -> bool:
    """Whether the release is over, and the other side may still have what was promoted before it."""
    return bool(status.stable_subset) and status.phase in _KEPT


def safe_choice(spec: CanarySpec, status: CanaryStatus) -> Verb | None:
    """The one action that can't make anything worse; None where there is nothing to do.

    While a release runs that is the way back. Nothing that gives the canary more is ever safe.
    """
    return Verb.ABORT if not why_not(spec, status, Verb.ABORT) else None


def _wrong_phase(status: CanaryStatus, verb: Verb) -> str:
    phase, revision = status.phase, status.last_applied_spec
    match phase:
        case None | Phase.INITIALIZING:
            return "it is not initialized yet: no release is running"
        case Phase.INITIALIZED | Phase.SUCCEEDED:
            return f"no release is running: it is {phase}, and revision {status.last_promoted_spec} serves all traffic"
        case Phase.FAILED:
            return f"no release is running: revision {revision} failed; retry releases it again"
        case Phase.WAITING:
            return "the release has not started yet: approve opens its gate, override lets it past what holds it"
        case Phase.WAITING_PROMOTION if verb is Verb.SET_WEIGHT:
            return "all steps are passed: it waits to be promoted, with the weight that it has"
        case _ if phase in STEPPING:
            return f"the release of revision {revision} is running: that is for one that has failed"
        case _:
            return f"it is {phase}: {verb} comes too late for that release"
