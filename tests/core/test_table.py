"""Each row of the table, found by `step` in one example; and nothing else ever found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.measurement import NoData
from rollouts.core.observed import Observed, Problem
from rollouts.core.phases import TRANSITIONS, Event, Share
from rollouts.core.plan import next_weight
from rollouts.core.resting import SILENCE
from rollouts.core.running import STABLE_RATE
from rollouts.core.step import FINDERS, step
from tests.core.given import (
    DURATION,
    EPOCH,
    SUCCESS,
    bad,
    copy,
    good,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    status_in,
)

SPEC = spec_of(threshold=2)
PROBLEM = Problem("PortMissing", "Service app has no port 80")
NO_DATA = (sample(SUCCESS, 10, NoData()), sample(DURATION, 10, NoData()), sample(STABLE_RATE, 10, 0.0))
DEAD: dict[str, Any] = {"available": 0, "replicas": 2, "ready": False}
Example = tuple[CanaryStatus, Observed]


def _asked(verb: str, example: Example) -> Example:
    """The same, with an action asked for."""
    status, seen = example
    return status, replace(seen, actions=(Action(verb=Verb(verb), id="1", user="ann"),))


def _progressing(weight: int = 10, seconds: float = 10, *, failed: int = 0, **seen: Any) -> Example:
    return running(weight, failed_checks=failed), seen_at(seconds, **{"route_weight": weight, **seen})


def _promoting(seconds: float = 10, **seen: Any) -> Example:
    status = running(50, phase=Phase.PROMOTING, not_ready_since=EPOCH)
    return status, seen_at(seconds, **{"route_weight": 50, **seen})


def _resting(phase: Phase) -> dict[Event, Example]:
    released = {"last_applied_spec": "b", "drained": False}
    return {
        Event.BLOCKED: (status_in(phase, **released), seen_at(0, problem=PROBLEM)),
        Event.WAITED: (status_in(phase, **released), seen_at(0)),
        Event.REFUSED: _asked("pause", (status_in(phase, **released), seen_at(0))),
        Event.DRAINED: (
            status_in(phase, **released, drain_started_at=EPOCH), seen_at(2, samples=(sample(SILENCE, 2, 0.0),)),
        ),
        Event.NEW_REVISION: (status_in(phase, **released), seen_at(0, target=pods("c"))),
    }  # fmt: skip


EXAMPLES: dict[Phase, dict[Event, Example]] = {
    Phase.INITIALIZING: {
        Event.BLOCKED: (status_in(None), seen_at(0, primary=None, route_weight=None, problem=PROBLEM)),
        Event.WAITED: (status_in(None), seen_at(0, primary=None, route_weight=None)),
        Event.PREPARED: (status_in(Phase.INITIALIZING), seen_at(0)),
        Event.REFUSED: _asked("abort", (status_in(Phase.INITIALIZING), seen_at(0))),
    },
    Phase.INITIALIZED: _resting(Phase.INITIALIZED),
    Phase.PROGRESSING: {
        Event.BLOCKED: _progressing(samples=good(10), problem=PROBLEM),
        Event.WAITED: _progressing(seconds=5),
        Event.REFUSED: _asked("resume", _progressing()),
        Event.PAUSED: _asked("pause", _progressing()),
        Event.RESUMED: _asked("resume", (running(10, paused=True), seen_at(10, route_weight=10))),
        Event.ADVANCE: _progressing(samples=good(10)),
        Event.CHECK_FAILED: _progressing(samples=bad(10)),
        Event.UNDECIDED: _progressing(samples=NO_DATA),
        Event.CANARY_LOST: _progressing(target=pods("b", **DEAD)),
        Event.NEW_REVISION: _progressing(target=pods("c")),
        Event.RESCUE: _progressing(target=pods("c"), primary=copy("a", **DEAD)),
        Event.REVERTED: _progressing(target=pods("a")),
        Event.STEPS_PASSED: _progressing(50, samples=good(10)),
        Event.ROLLBACK: _progressing(failed=1, samples=bad(10)),
        Event.STRANDED: _progressing(failed=1, samples=bad(10), primary=copy("a", **DEAD)),
    },
    Phase.PROMOTING: {
        Event.BLOCKED: _promoting(problem=PROBLEM),
        Event.WAITED: _promoting(),
        Event.REFUSED: _asked("promote", _promoting()),
        Event.NEW_REVISION: _promoting(target=pods("c"), primary=copy("b", ready=False)),
        Event.RESCUE: _promoting(target=pods("c"), primary=copy("a", **DEAD)),
        Event.REVERTED: _promoting(target=pods("a")),
        Event.SUPERSEDED: _promoting(target=pods("c")),
        Event.PRIMARY_READY: _promoting(primary=copy("b")),
        Event.ROLLBACK: _promoting(target=None),
        Event.STRANDED: _promoting(60, primary=copy("b", ready=False)),
    },
    Phase.FINALISING: {
        event: example for event, example in _resting(Phase.FINALISING).items() if event is not Event.NEW_REVISION
    },
    Phase.SUCCEEDED: _resting(Phase.SUCCEEDED),
    Phase.FAILED: _resting(Phase.FAILED) | {
        Event.RESCUE: (
            running(100, phase=Phase.FAILED), seen_at(0, target=pods("c"), primary=copy("b", ready=False)),
        ),
        Event.ROLLBACK: (running(100, phase=Phase.FAILED), seen_at(0)),
    },
}  # fmt: skip
SAFER = {
    Event.ROLLBACK, Event.STRANDED, Event.CANARY_LOST, Event.CHECK_FAILED, Event.REVERTED, Event.SUPERSEDED,
    Event.RESCUE,
}  # fmt: skip
PAIRS = [(phase, event) for phase, examples in EXAMPLES.items() for event in examples]


def test_every_phase_has_a_finder() -> None:
    """No phase is without someone who looks what is to be done."""
    assert set(FINDERS) == set(Phase)


def test_every_row_can_be_reached() -> None:
    """The table has no row that no example finds, and no example finds what has no row."""
    assert set(PAIRS) == set(TRANSITIONS)


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_step_does_what_the_row_says(phase: Phase, event: Event) -> None:
    """Phase and weight afterwards are the row's, and the world is told the same."""
    status, seen = EXAMPLES[phase][event]
    row = TRANSITIONS[phase, event]
    weights = {
        Share.KEEP: status.desired_weight, Share.NONE: 0, Share.ALL: 100,
        Share.NEXT: next_weight(SPEC.analysis, status.desired_weight),
    }  # fmt: skip

    decision = step(SPEC, status, seen)

    assert (decision.event, decision.status.phase) == (event, row.to)
    assert decision.status.desired_weight == decision.desired.weight_percent == weights[row.share]


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_a_change_of_phase_is_stamped(phase: Phase, event: Event) -> None:
    """The time of the last transition is now when the phase changed, and stays otherwise."""
    status, seen = EXAMPLES[phase][event]
    before = status.model_copy(update={"last_transition_time": EPOCH.replace(year=2025)})

    after = step(SPEC, before, seen).status

    moved = after.phase is not (before.phase or Phase.INITIALIZING)
    assert after.last_transition_time == (seen.now if moved else before.last_transition_time)


@pytest.mark.parametrize(
    ("phase", "event"), [pair for pair in PAIRS if pair[1] in SAFER and pair[0] is not Phase.FAILED], ids=str
)
def test_a_problem_does_not_hold_back_what_makes_it_safer(phase: Phase, event: Event) -> None:
    """In a running release, whatever takes traffic from an unproven version happens while something else is wrong."""
    status, seen = EXAMPLES[phase][event]

    assert step(SPEC, status, replace(seen, problem=PROBLEM)).event is event


@pytest.mark.parametrize("pair", TRANSITIONS, ids=str)
def test_an_event_does_the_same_to_the_traffic_in_every_phase(pair: tuple[Phase, Event]) -> None:
    """What an event means for the canary's share can be learnt once."""
    shares = {
        Event.ADVANCE: Share.NEXT, Event.STRANDED: Share.ALL, Event.ROLLBACK: Share.NONE, Event.REVERTED: Share.NONE,
        Event.NEW_REVISION: Share.NONE, Event.SUPERSEDED: Share.NONE, Event.CANARY_LOST: Share.NONE,
        Event.PRIMARY_READY: Share.NONE, Event.PREPARED: Share.NONE,
    }  # fmt: skip
    silent = Share.NONE if pair == (Phase.FINALISING, Event.DRAINED) else Share.KEEP

    assert TRANSITIONS[pair].share is shares.get(pair[1], silent)
