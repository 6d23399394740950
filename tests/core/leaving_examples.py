"""An example of each row of the table that a deletion leads to: a status and an observation that find that event."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Observed
from rollouts.core.phases import Event
from tests.core.given import EPOCH, copy, pods, running, sample, seen_at, status_in

GROWING: dict[str, Any] = {"available": 1, "replicas": 2, "ready": False}


def _status(phase: Phase) -> CanaryStatus:
    weight = 10 if phase in {Phase.PROGRESSING, Phase.WAITING_PROMOTION, Phase.PROMOTING} else 0
    return running(weight, phase=phase) if weight else status_in(phase)


def leaving(weight: int = 100, **changes: Any) -> CanaryStatus:
    """Deleted at second 0; with weight 100 the target has been given everything."""
    known: dict[str, Any] = {
        "last_transition_time": EPOCH, "desired_weight": weight, "stranded": weight == 100, "drained": False,
        "canary_replicas": 2,
    }  # fmt: skip
    return status_in(Phase.TERMINATING, **(known | changes))


def seen_leaving(seconds: float, **changes: Any) -> Observed:
    """A deletion is under way: the primary is there, and routes and Service lead to it unless `changes` say no."""
    return seen_at(seconds, **({"deleting": True, "made": True} | changes))


def seen_released(seconds: float, **changes: Any) -> Observed:
    """Routes and Service lead to the target."""
    return seen_leaving(seconds, **({"released": True, "route_weight": None, "apex_on_primary": False} | changes))


def _asked(seen: Observed) -> Observed:
    return replace(seen, actions=(Action(verb=Verb.ABORT, id="1", user="ann"),))


_FROM_ANY = {
    Event.DELETED: seen_leaving(0, target=pods("b", **GROWING)),
    Event.HANDED_BACK: seen_leaving(0, primary=copy("a", available=0, replicas=2, ready=False)),
}
LEAVING: dict[Phase, dict[Event, tuple[CanaryStatus, Observed]]] = {
    phase: {event: (_status(phase), seen) for event, seen in _FROM_ANY.items()}
    for phase in Phase
    if phase is not Phase.TERMINATING
} | {
    Phase.TERMINATING: {
        Event.WAITED: (leaving(0), seen_leaving(1, target=pods("b", **GROWING))),
        Event.REFUSED: (leaving(0), _asked(seen_leaving(1, target=pods("b", **GROWING)))),
        Event.HANDED_BACK: (leaving(0), seen_leaving(1)),
        Event.DRAINED: (
            leaving(drain_started_at=EPOCH), seen_released(2, samples=(sample(STABLE_RATE, 2, 0.0),)),
        ),
        Event.RELEASED: (leaving(drained=True), seen_released(3, primary=None, made=False)),
        Event.GIVEN_UP: (leaving(0), seen_leaving(60, target=pods("b", **GROWING))),
    },
}  # fmt: skip
