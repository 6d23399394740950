"""A Canary that is deleted: what it waits for, for how long, and what it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollouts.api.canary import CanarySpec
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Decision, Leave
from rollouts.core.leaving import GIVE_UP_AFTER, NOTICE_MAX
from rollouts.core.measurement import NoData, Unreachable
from rollouts.core.no_data import STABLE_RATE
from rollouts.core.observed import Observed, grown, serves
from rollouts.core.phases import Event
from rollouts.core.schedule import DRAIN_TIMEOUT
from rollouts.core.step import step
from tests.core.acts import Act, mend
from tests.core.chance import delays, happenings, specs
from tests.core.given import EPOCH, at, copy, pods, running, sample, seen_at, spec_of, status_in
from tests.core.invariants import check
from tests.core.leaving_examples import GROWING, leaving, seen_leaving, seen_released
from tests.core.pods import Pods
from tests.core.world import World

SPEC = spec_of(stepWeights=[20, 50])
HOOKED = spec_of(stepWeights=[20, 50], webhooks=[{"name": "bus", "type": "event", "url": "http://bus.shop"}])
DEAD = copy("a", available=0, replicas=2, ready=False)


def test_deletion_comes_before_everything_else() -> None:
    """Neither suspension, nor a problem, nor what somebody asks for holds it up."""
    spec = SPEC.model_copy(update={"suspend": True})
    asked = seen_leaving(10, target=pods("b", **GROWING), route_weight=20)

    assert step(spec, running(20), asked).event is Event.DELETED


def test_the_target_gets_as_many_pods_as_serve() -> None:
    """What it had, or what the primary has by now; it is never made smaller."""

    def wanted(remembered: int, primary: int, target: int) -> int | None:
        seen = seen_leaving(1, target=pods("b", 0, replicas=target, ready=False), primary=copy("a", primary))
        return step(SPEC, leaving(0, canary_replicas=remembered), seen).desired.canary_replicas

    assert [wanted(3, 2, 0), wanted(2, 5, 2), wanted(0, 0, 0), wanted(2, 2, 7)] == [3, 5, 1, None]


def test_a_match_holds_nobody_back_from_the_target() -> None:
    """After the hand-over all requests are meant, not those that match."""
    spec = spec_of(iterations=2, match=[{"headers": {"x-beta": {"exact": "1"}}}])

    decision = step(spec, leaving(0), seen_leaving(1))

    assert (decision.desired.share.weight, decision.desired.share.matched) == (100, False)
    assert decision.desired.leave == Leave(hand_back=True)


@pytest.mark.parametrize("progress_deadline_s", [30, 3000])
def test_the_wait_for_pods_has_an_end(progress_deadline_s: int) -> None:
    """The progress deadline, and five minutes at most; then everything stays and the Canary is let go."""
    spec, small = spec_of(progress_deadline_s, stepWeights=[20]), pods("b", **GROWING)
    ends_at = min(timedelta(seconds=progress_deadline_s), GIVE_UP_AFTER).total_seconds()

    before = step(spec, leaving(0), seen_leaving(ends_at - 1, target=small))
    then = step(spec, leaving(0), seen_leaving(ends_at, target=small))

    assert (before.event, before.wake_at) == (Event.WAITED, at(ends_at))
    assert (then.event, then.desired.leave, then.status.desired_weight) == (Event.GIVEN_UP, Leave(), 0)
    gone = step(spec, then.status, seen_leaving(ends_at, target=small))
    assert (gone.event, gone.desired.leave, gone.announcement) == (Event.WAITED, Leave(let_go=True), None)
    assert then.announcement is not None
    assert then.announcement.warning


def test_it_is_not_let_go_while_the_split_of_the_run_is_in_force() -> None:
    """Without its target it waits for the routes to have the primary's 100 %, but not for ever."""
    split = {"target": None, "route_weight": 20, "routed": False}

    assert step(SPEC, leaving(0), seen_leaving(1, **split)).event is Event.WAITED
    assert step(SPEC, leaving(0), seen_leaving(300, **split)).event is Event.GIVEN_UP


@pytest.mark.parametrize("outcome", [NoData(), Unreachable("no answer")], ids=["no data", "down"])
def test_silence_that_nobody_measures_takes_half_a_minute(outcome: NoData | Unreachable) -> None:
    """As for a canary that drains."""
    status, ends_s = leaving(drain_started_at=EPOCH), DRAIN_TIMEOUT.total_seconds()
    asked = tuple(sample(STABLE_RATE, second, outcome) for second in (ends_s - 1, ends_s))

    assert step(SPEC, status, seen_released(ends_s - 1, samples=asked)).event is Event.WAITED
    assert step(SPEC, status, seen_released(ends_s, samples=asked)).event is Event.DRAINED


def test_a_primary_that_may_be_asked_stays_while_nobody_else_serves() -> None:
    """The target lost its pods after the hand-over, and silence was not measured."""
    status, gone = leaving(drain_started_at=EPOCH), pods("b", 0, replicas=2, ready=False)

    waits = step(SPEC, status, seen_released(31, target=gone))
    dead = step(SPEC, status, seen_released(31, target=gone, primary=DEAD))

    assert (waits.event, waits.wake_at) == (Event.WAITED, at(GIVE_UP_AFTER.total_seconds()))
    assert dead.event is Event.DRAINED


def test_nothing_is_removed_before_the_drain_is_over() -> None:
    """Nor while somebody has led clients to the primary again."""
    leaves = [
        step(SPEC, leaving(drain_started_at=EPOCH), seen_released(1)).desired.leave,
        step(SPEC, leaving(drained=True), seen_leaving(3)).desired.leave,
        step(SPEC, leaving(drained=True), seen_released(3)).desired.leave,
    ]
    assert leaves == [Leave(hand_back=True), Leave(hand_back=True), Leave(hand_back=True, remove=True)]


def test_the_last_notice_is_given_its_time() -> None:
    """The Canary stays until receivers have heard of its end, half a minute at most."""
    seen = seen_released(3, made=False)
    told = step(HOOKED, leaving(drained=True), seen)
    again = step(HOOKED, told.status, replace(seen, now=at(4)))
    late = step(HOOKED, told.status, replace(seen, now=at(3) + NOTICE_MAX))
    heard = step(HOOKED, told.status, replace(seen, now=at(4), delivered=frozenset({1})))

    assert [one.desired.leave for one in (told, again, late, heard)] == [
        Leave(let_go=last) for last in (False, False, True, True)
    ]
    assert [notice.reason for notice in told.status.outbox] == ["Released"]
    assert told.wake_at == again.wake_at == at(3) + NOTICE_MAX
    assert (told.announcement is not None, again.announcement) == (True, None)


@pytest.mark.parametrize(
    ("phase", "ended"), [(Phase.PROGRESSING, True), (Phase.FINALISING, True), (Phase.SUCCEEDED, False)], ids=str
)
def test_a_deletion_in_mid_run_is_an_end_of_the_run(phase: Phase, ended: bool) -> None:  # noqa: FBT001
    """It is stamped, and post-rollout hooks are called; between releases there is none to end."""
    spec = spec_of(stepWeights=[20], webhooks=[{"name": "after", "type": "post-rollout", "url": "http://after.shop"}])

    after = step(spec, running(0, phase=phase), seen_leaving(7)).status

    assert (after.finished_at == at(7), [one.type for one in after.outbox]) == (ended, [HookType.POST_ROLLOUT] * ended)


def test_it_is_handed_back_only_when_deleted() -> None:
    """The fields that speak of a deletion mean nothing without one."""
    assert step(SPEC, status_in(Phase.SUCCEEDED), seen_at(0, target=pods("a"), primary=DEAD)).event is not Event.DELETED


class Witness:
    """What holds at every step of an end."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.watchers.append(self.see)

    def see(self, before: CanaryStatus, seen: Observed, decision: Decision) -> None:
        """Check one step."""
        check(self.world.spec, before, seen, decision)
        assert step(self.world.spec, before, seen) == decision, "another answer to the same question"
        leave = decision.desired.leave
        if leave is not None and leave.remove:
            assert seen.released
            assert before.phase is Phase.TERMINATING
        if decision.event is Event.GIVEN_UP and seen.made and grown(seen.target) and serves(seen.primary):
            # Whole pods may still be fewer than the target had.
            patience = min(GIVE_UP_AFTER, timedelta(seconds=self.world.spec.progress_deadline_seconds))
            assert (seen.now - (before.last_transition_time or seen.now)) >= patience


@settings(max_examples=80)
@given(
    spec=specs(), happens=happenings(), ready_after=delays(), deleted_after=st.integers(0, 400).map(lambda s: s / 4),
)  # fmt: skip
def test_every_deletion_comes_to_its_end(
    spec: CanarySpec, happens: list[tuple[float, Act]], ready_after: dict[str, float], deleted_after: float
) -> None:
    """Whenever it is deleted and whatever happens then: once the controller runs and may write, it is gone in time."""
    world = World(spec, Pods("a"), ready_after=ready_after, now=-60.0)
    Witness(world)
    world.run(0.0)
    world.run(happens[-1][0], [*happens, (deleted_after, Act("leave"))])
    ends = max(happens[-1][0], deleted_after)

    world.run(ends, [(ends, mend), (ends, Act("leave"))])
    world.run(ends + (GIVE_UP_AFTER + NOTICE_MAX).total_seconds())

    assert world.gone


def test_who_comes_late_begins_the_time_anew() -> None:
    """A process that was away finds undone what may never have been tried: five minutes from when it came."""
    small, came_s = pods("b", **GROWING), 900.0
    seen = replace(seen_leaving(came_s + 59, target=small), looked_since=at(came_s))
    known = replace(seen_leaving(came_s, target=small), looked_since=at(-900.0))

    assert step(SPEC, leaving(0), seen).event is Event.WAITED
    assert step(SPEC, leaving(0), replace(seen, now=at(came_s + 60))).event is Event.GIVEN_UP
    assert step(SPEC, leaving(0), known).event is Event.GIVEN_UP


def test_an_abandoned_target_takes_everything_along() -> None:
    """By its user's will nothing outlives it: no hand-over, no wait for silence, and five minutes at most."""
    seen = seen_leaving(1, target=None, abandoned=True)
    begun, late = step(SPEC, leaving(0), seen), step(SPEC, leaving(0), replace(seen, now=at(300)))
    over = step(SPEC, leaving(0), replace(seen, made=False))

    assert (begun.event, begun.desired.leave) == (Event.WAITED, Leave(hand_back=True, remove=True))
    assert (late.event, over.event) == (Event.GIVEN_UP, Event.RELEASED)
    assert over.message.endswith("VirtualService app stays")


def test_what_nobody_was_led_to_need_not_be_left() -> None:
    """The target is gone before anything of ours took its place: what was made by then goes."""
    decision = step(SPEC, leaving(0), seen_released(1, target=None))

    assert (decision.event, decision.desired.leave) == (Event.HANDED_BACK, Leave(hand_back=True))
    assert decision.message == "nothing leads to what was made for it"


def test_the_side_that_is_named_is_the_one_that_clients_are_led_to() -> None:
    """Handed over by the status, but not yet by the routes: traffic is left to the primary."""
    led, not_led = (step(SPEC, leaving(100, drained=True), seen(300)) for seen in (seen_released, seen_leaving))

    assert ("Deployment app," in led.message, "Deployment app-primary," in not_led.message) == (True, True)
