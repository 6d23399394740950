"""Each row of the table, found by `step` in one example; and nothing else ever found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.diagram import page
from rollouts.core.phases import TRANSITIONS, Event, Share
from rollouts.core.plan import next_step
from rollouts.core.step import FINDERS, NEVER_BLOCKED, SWAP_FINDERS
from tests.core.examples import CONFIRMED, EXAMPLES, PAIRS, PROBLEM, Example
from tests.core.given import EPOCH, copy
from tests.core.invariants import STANDING

ILLEGAL = [(phase, event) for phase in Phase for event in Event if (phase, event) not in TRANSITIONS]
SAFER = NEVER_BLOCKED - {Event.NEW_REVISION, Event.GATED}
SEEN = {
    "observed_generation", "observed_weight", "not_ready_since", "dwell_started_at", "drain_started_at",
    "last_applied_spec", "step_count", "conditions", "actions", "stable_subset", "idle_rested",
}  # fmt: skip
"""What is noted of an observation, or of a request that was refused."""
ELSE = {Event.NEW_REVISION, Event.GATED, Event.CHECK_PASSED, Event.DELETED, Event.HANDED_BACK, Event.RELEASED}
"""What may be found instead."""


def test_every_phase_has_a_finder() -> None:
    """No phase is without someone who looks what is to be done."""
    assert set(FINDERS) == set(SWAP_FINDERS) == set(Phase)


def test_every_row_can_be_reached() -> None:
    """The table has no row that no example finds, and no example finds what has no row."""
    assert set(PAIRS) == set(TRANSITIONS)


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_step_does_what_the_row_says(phase: Phase, event: Event) -> None:
    """Phase and weight afterwards are the row's, and the world is told the same."""
    example = EXAMPLES[phase][event]
    row, status = TRANSITIONS[phase, event], example.status
    following = next_step(example.spec.analysis, status)
    weights = {
        Share.KEEP: status.desired_weight, Share.NONE: 0, Share.ALL: 100,
        Share.NEXT: following.weight if following is not None else None, Share.BACK: 30, Share.ASKED: 40,
    }  # fmt: skip

    decision = example.decide()

    assert (decision.event, decision.status.phase) == (event, row.to)
    assert decision.status.desired_weight == decision.desired.weight == weights[row.share]


@pytest.mark.parametrize(("phase", "event"), PAIRS, ids=str)
def test_a_change_of_phase_is_stamped(phase: Phase, event: Event) -> None:
    """The time of the last transition is now when the phase changed, and stays otherwise."""
    example = EXAMPLES[phase][event]
    before = example.status.model_copy(update={"last_transition_time": EPOCH.replace(year=2025)})

    after = replace(example, status=before).decide().status

    moved = after.phase is not (before.phase or Phase.INITIALIZING)
    assert after.last_transition_time == (example.seen.now if moved else before.last_transition_time)


@pytest.mark.parametrize(
    ("phase", "event"), [pair for pair in PAIRS if pair[1] in SAFER and pair[0] is not Phase.FAILED], ids=str
)
def test_a_problem_does_not_hold_back_what_makes_it_safer(phase: Phase, event: Event) -> None:
    """In a running release, whatever takes traffic from an unproven version happens while something else is wrong."""
    example = EXAMPLES[phase][event]

    assert replace(example, seen=replace(example.seen, problem=PROBLEM)).decide().event is event


@pytest.mark.parametrize("pair", TRANSITIONS, ids=str)
def test_an_event_does_the_same_to_the_traffic_in_every_phase(pair: tuple[Phase, Event]) -> None:
    """What an event means for the canary's share can be learnt once."""
    shares = {
        Event.ADVANCE: Share.NEXT, Event.STRANDED: Share.ALL, Event.ROLLBACK: Share.NONE, Event.REVERTED: Share.NONE,
        Event.NEW_REVISION: Share.NONE, Event.SUPERSEDED: Share.NONE, Event.CANARY_LOST: Share.NONE,
        Event.PRIMARY_READY: Share.NONE, Event.PREPARED: Share.NONE, Event.GATED: Share.NONE,
        Event.CONFIRMED: Share.NONE, Event.SHIFTED: Share.BACK, Event.WEIGHT_SET: Share.ASKED,
        Event.DELETED: Share.NONE, Event.SWAPPED: Share.NONE, Event.UNDONE: Share.NONE,
        Event.HANDED_BACK: Share.ALL,
    }  # fmt: skip
    silent = Share.NONE if pair == (Phase.FINALISING, Event.DRAINED) else Share.KEEP

    assert TRANSITIONS[pair].share is shares.get(pair[1], silent)


def _asking(phase: Phase, event: Event) -> list[Example]:
    """A quiet canary in that phase, told everything that leads to that event elsewhere."""
    quiet = EXAMPLES[phase][Event.WAITED].status
    told = [examples[event] for examples in EXAMPLES.values() if event in examples]
    if phase is Phase.INITIALIZING:
        # Else it has all that it waits for.
        told = [replace(one, seen=replace(one.seen, primary=copy("a", 1, ready=False))) for one in told]
    if phase is Phase.WAITING:
        quiet = quiet.model_copy(update={"drained": True, "drain_started_at": None})
        told = [replace(one, spec=CONFIRMED) for one in told]
    return [replace(one, status=quiet) for one in told]


def _kept(status: CanaryStatus) -> dict[str, object]:
    return status.model_dump(exclude=SEEN)


@pytest.mark.parametrize(("phase", "event"), ILLEGAL, ids=str)
def test_a_pair_without_a_row_is_never_found(phase: Phase, event: Event) -> None:
    """What leads to an event elsewhere finds another one here, or leaves the status as it is but for what was seen."""
    examples = _asking(phase, event)

    for example in examples:
        decision = example.decide()
        assert decision.event is not event
        if decision.event in STANDING or decision.event is Event.REFUSED:
            quiet = example.status.model_copy(update={"phase": phase})
            assert _kept(decision.status) == _kept(quiet)
            assert decision.desired.weight == quiet.desired_weight
        else:
            # In mid-run an undo ends the release.
            assert decision.event in (ELSE | {Event.ROLLBACK} if event is Event.UNDONE else ELSE)
    assert examples


def test_the_page_says_where_each_row_leads() -> None:
    """People read the same table: each row, and each move to another phase in the diagram."""
    lines = page().splitlines()

    for (phase, event), row in TRANSITIONS.items():
        assert any(line.startswith(f"| {phase} | {event} | ") for line in lines)
        assert (f"    {phase} --> {row.to}: {event}" in lines) == (row.to is not phase)
