"""What is found only where two workloads of the user swap their roles, in the moments that no story comes to."""

from __future__ import annotations

from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.status import CanaryStatus, Condition, Phase
from rollouts.core.decision import Decision, Leave
from rollouts.core.desired import routing_of
from rollouts.core.measurement import NoData
from rollouts.core.observed import Problem
from rollouts.core.phases import Event
from rollouts.core.resting import PREFLIGHT
from rollouts.core.step import step
from tests.core.given import DURATION, EPOCH, SUCCESS, callers, pods, running, sample, seen_at, status_in
from tests.core.swap_examples import served, swap_seen, swap_spec, swap_status

SPEC = swap_spec()
DEAD: dict[str, Any] = {"available": 0, "replicas": 2, "ready": False}
LOOKED = tuple(sample(probe, 1, 1.0) for probe in PREFLIGHT)


def _starting(**seen: Any) -> Decision:
    return step(SPEC, CanaryStatus(), swap_seen(1, **({"route_weight": 10, "routed": False} | seen)))


def test_nothing_is_touched_before_all_is_looked_at() -> None:
    """A problem, a missing answer, a stable side that is not up: in each case the routes stay as they are."""
    problem = Problem("StableUnknown", "set initialStable")
    decisions = [
        _starting(problem=problem, samples=LOOKED, stable_subset=""),
        _starting(),
        _starting(samples=LOOKED, primary=served("a", **DEAD)),
    ]

    assert [decision.event for decision in decisions] == [Event.BLOCKED, Event.WAITED, Event.WAITED]
    assert not any(decision.desired.routing for decision in decisions)
    assert [decision.status.stable_subset for decision in decisions] == ["", "v1", "v1"]


def test_then_all_requests_go_to_the_side_that_serves() -> None:
    """Only when they do is the Canary initialized; the other side's version is no news, and not proven."""
    leading = _starting(samples=LOOKED)
    prepared = _starting(samples=LOOKED, route_weight=0, routed=True)

    assert (leading.event, leading.desired.routing, leading.desired.canary_replicas) == (Event.WAITED, True, None)
    assert (leading.desired.share.stable, leading.desired.weight) == ("v1", 0)
    assert (prepared.event, prepared.status.phase) == (Event.PREPARED, Phase.INITIALIZED)
    assert (prepared.status.last_promoted_spec, prepared.status.idle_spec) == ("a", "b")
    assert not prepared.status.idle_proven


def _idle(replicas: int, **status: Any) -> Decision:
    known = swap_status(Phase.INITIALIZED, idle_proven=False, **({"idle_rested": True, "drained": True} | status))
    return step(SPEC, known, swap_seen(1, target=pods("b", replicas)))


def test_a_version_that_was_never_judged_is_released_when_it_is_scaled_up() -> None:
    """From zero; not while it is only on its way there."""
    assert _idle(2).event is Event.NEW_REVISION
    assert _idle(0).event is Event.WAITED
    resting = _idle(2, idle_rested=False)
    assert (resting.event, resting.desired.canary_replicas) == (Event.WAITED, 0)
    assert _idle(0, idle_rested=False).status.idle_rested


def test_a_version_that_served_once_is_not_released_when_it_is_scaled_up() -> None:
    """Whoever applies the file with its count of pods again gets them, and loses them as soon as that is seen."""
    known = swap_status(Phase.SUCCEEDED, drained=True)

    decision = step(SPEC, known, swap_seen(1))

    assert (decision.event, decision.desired.canary_replicas) == (Event.WAITED, 0)


def _promoting(seconds: float = 5, weight: int = 100, **seen: Any) -> Decision:
    status = running(
        weight, phase=Phase.PROMOTING, stable_subset="v1", idle_spec="z", idle_proven=True, not_ready_since=EPOCH
    )
    return step(SPEC, status, swap_seen(seconds, **({"route_weight": weight} | seen)))


@pytest.mark.parametrize(
    ("seen", "event"),
    [
        ({"target": None}, Event.ROLLBACK),
        ({"target": None, "primary": None}, Event.ROLLBACK),
        ({"target": pods("z")}, Event.REVERTED),
        ({"target": pods("c")}, Event.SUPERSEDED),
        ({"target": pods("b", **DEAD)}, Event.ROLLBACK),
        ({"target": pods("b", 1, replicas=2, ready=False)}, Event.WAITED),
        ({"target": pods("b", 1, replicas=2, ready=False), "primary": served("a", **DEAD)}, Event.SWAPPED),
        ({"target": pods("b", 1, replicas=2, ready=False), "seconds": 60}, Event.ROLLBACK),
        ({"target": pods("b", 1, replicas=2, ready=False, deadline_exceeded=True)}, Event.ROLLBACK),
    ],
    ids=str,
)
def test_the_last_moment_before_the_swap(seen: dict[str, Any], event: Event) -> None:
    """The canary takes the role only as a whole, or as the one side that serves; else it goes back, or waits."""
    assert _promoting(**seen).event is event


def test_a_swap_moves_no_request() -> None:
    """All on the canary is the same as nothing on the other side, once the names are exchanged."""
    decision = _promoting()

    assert (decision.status.stable_subset, decision.status.desired_weight) == ("v2", 0)
    assert (decision.desired.share.stable, decision.desired.weight) == ("v2", 0)
    assert (decision.status.last_promoted_spec, decision.status.idle_spec) == ("b", "a")


def test_a_swap_without_the_other_side_leaves_nothing_to_undo() -> None:
    """Whoever deleted the side that served has nothing to go back to."""
    decision = _promoting(primary=None)

    assert (decision.event, decision.status.stable_subset) == (Event.SWAPPED, "v2")
    assert not decision.status.idle_proven


def test_roles_of_a_spec_that_names_others_stay() -> None:
    """A spec that no longer has the subset that serves can't come through the API server; it turns nothing round."""
    status = running(100, phase=Phase.PROMOTING, stable_subset="v9", idle_proven=True)

    decision = step(SPEC, status, swap_seen(5, route_weight=100))

    assert (decision.event, decision.status.stable_subset) == (Event.SWAPPED, "v9")


def test_the_old_version_is_kept_from_when_the_routes_lead_past_it() -> None:
    """Not from the decision: until then it is asked for answers."""
    finalising = swap_status(Phase.FINALISING, drained=False)

    waiting = step(SPEC, finalising, swap_seen(100, routed=False))
    begun = step(SPEC, waiting.status, swap_seen(200))

    assert (waiting.event, waiting.status.drain_started_at, waiting.wake_at) == (Event.WAITED, None, None)
    assert begun.wake_at is not None
    assert (begun.wake_at - begun.status.drain_started_at).total_seconds() == 30  # type: ignore[operator]


def test_an_undo_without_the_version_before_is_refused() -> None:
    """Its template is another one, and not yet released, or its Deployment is gone."""
    ask = (Action(verb=Verb.UNDO, id="1"),)
    for target in (pods("n"), None):
        decision = step(SPEC, swap_status(Phase.SUCCEEDED), swap_seen(1, target=target, actions=ask))

        assert (decision.event, decision.status.phase) == (Event.REFUSED, Phase.SUCCEEDED)
        assert "the version before is gone" in decision.message


def test_an_undo_is_not_hindered_by_a_problem_but_the_swap_is() -> None:
    """What is meant is written down; no request moves before the problem is mended."""
    problem = Problem("RouteNotFound", "VirtualService app does not exist")
    ask = (Action(verb=Verb.UNDO, id="1"),)

    asked = step(SPEC, swap_status(Phase.SUCCEEDED), swap_seen(1, target=pods("b"), actions=ask, problem=problem))
    held = step(SPEC, asked.status, swap_seen(2, target=pods("b"), actions=ask, problem=problem))

    assert (asked.event, held.event, held.status.stable_subset) == (Event.UNDONE, Event.BLOCKED, "v1")


def test_blue_green_without_requests_says_what_to_do() -> None:
    """There is no Service of ours to send test requests to."""
    status = running(0, strategy="BlueGreen", step_index=1, dwell_started_at=EPOCH, stable_subset="v1")
    silent = (sample(SUCCESS, 10, NoData()), sample(DURATION, 10, NoData()), *callers(10))

    decision = step(swap_spec(stepWeights=None, iterations=2), status, swap_seen(10, samples=silent))

    assert decision.message.endswith("test the canary's pods by a hook")


def _leaving(seconds: float, *, made: bool = True, **status: Any) -> Decision:
    known = swap_status(Phase.TERMINATING, last_transition_time=EPOCH, **status)
    return step(SPEC, known, swap_seen(seconds, deleting=True, made=made))


def test_a_deletion_waits_for_the_routes_but_not_for_ever() -> None:
    """Until they are given back; after five minutes they stay as they are."""
    waiting, late = _leaving(1), _leaving(300)

    assert (waiting.event, waiting.desired.leave) == (Event.WAITED, Leave(hand_back=True))
    assert late.event is Event.GIVEN_UP


def test_a_deletion_that_is_over_waits_for_the_last_notices() -> None:
    """Then the finalizer goes, and says which side has the traffic."""
    over = _leaving(2, made=False)
    told = step(SPEC, over.status, swap_seen(2, deleting=True))

    assert (over.event, over.message) == (
        Event.RELEASED,
        "the Canary is gone, and its marks on the routes; all traffic goes to subset v1",
    )
    assert (told.event, told.desired.leave) == (Event.WAITED, Leave(let_go=True))


def test_a_deletion_before_the_first_look_says_that_nothing_is_left() -> None:
    """Nobody knows yet which side serves, and nothing was touched."""
    status = status_in(Phase.TERMINATING, last_transition_time=EPOCH, conditions=())

    decision = step(SPEC, status, seen_at(1, deleting=True))

    assert (decision.event, decision.message) == (Event.RELEASED, "the Canary is gone, and nothing is left of it")
    assert all(isinstance(condition, Condition) for condition in decision.status.conditions)


def test_a_deletion_follows_the_side_that_serves() -> None:
    """The stable side is lost after it was to get everything, and before the routes are given back."""
    status = swap_status(Phase.TERMINATING, last_transition_time=EPOCH)
    lost = swap_seen(1, deleting=True, made=True, primary=None)
    decision = step(swap_spec(), status, lost)

    assert (decision.event, decision.status.desired_weight) == (Event.HANDED_BACK, 100)
    assert step(swap_spec(), decision.status, lost).event is Event.WAITED


@pytest.mark.parametrize(
    ("phase", "step_index", "weight", "open_to_testers"),
    [
        (Phase.INITIALIZED, 0, 0, False),
        (Phase.PROGRESSING, 0, 0, False),
        (Phase.PROGRESSING, 1, 10, True),
        (Phase.WAITING_PROMOTION, 2, 50, True),
        (Phase.PROMOTING, 3, 100, True),
        (Phase.FINALISING, 3, 0, False),
        (Phase.FAILED, 1, 0, False),
        (Phase.FAILED, 3, 100, True),
    ],
    ids=["idle", "pods start", "first step", "at a gate", "promoted", "swapped", "failed", "stranded"],
)
def test_testers_see_the_canary_while_it_has_its_steps(
    phase: Phase, step_index: int, weight: int, *, open_to_testers: bool
) -> None:
    """Not before its pods are ready, and not after; but where it is the one side that serves, as everybody does."""
    status = swap_status(phase, step_index=step_index, desired_weight=weight)

    assert routing_of(swap_spec(testers="testers"), status).testers is open_to_testers
    assert not routing_of(SPEC, status).testers
