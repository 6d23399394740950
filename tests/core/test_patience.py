"""A trouble that may end by itself: in the conditions at once, told when it has lasted, and no second time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.decision import Announcement, Decision
from rollouts.core.observed import Problem
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import at, bad, hook, running, seen_at, spec_of, status_in

SPEC = spec_of(webhooks=[hook(HookType.EVENT)])
REFUSED = Problem("KindUnavailable", "services can't be watched: connection refused")
BROKEN = Problem("KindUnavailable", "services can't be watched: the watch ended after 0.2 s")
OTHER = Problem("KindUnavailable", "configmaps can't be watched: connection refused")
PORT = Problem("PortMissing", "Service app has no port 80")
PHASES = {
    "at rest": status_in(Phase.INITIALIZED, last_applied_spec="b", last_promoted_spec="b"),
    "in mid-run": running(10),
    "before the first start": status_in(Phase.INITIALIZING),
}


def _look(status: CanaryStatus, second: float, problem: Problem | None) -> Decision:
    weight = status.desired_weight or (0 if status.phase is not Phase.INITIALIZING else None)
    return step(SPEC, status, seen_at(second, route_weight=weight, problem=problem))


@pytest.mark.parametrize("status", PHASES.values(), ids=PHASES)
def test_it_is_told_once_it_has_lasted_half_a_minute(status: CanaryStatus) -> None:
    """With the decision that notes it: an Event and a notice, when it is looked at by itself at that time."""
    first = _look(status, 5, REFUSED)
    early = _look(first.status, 34.9, REFUSED)
    ripe = _look(early.status, 35, REFUSED)
    later = _look(ripe.status, 300, REFUSED)

    ready = first.status.conditions[0]
    assert (ready.status, ready.reason, ready.message) == ("False", REFUSED.reason, REFUSED.message)
    assert (first.event, first.announcement, first.status.outbox) == (Event.BLOCKED, None, ())
    assert (early.announcement, early.status.outbox, early.status.untold_since) == (None, (), at(5))
    assert early.wake_at == at(35)
    assert ripe.announcement == Announcement(REFUSED.reason, REFUSED.message, warning=True)
    assert [notice.message for notice in ripe.status.outbox] == [REFUSED.message]
    assert (ripe.status.untold_since, later.announcement, later.status.outbox) == (None, None, ripe.status.outbox)


@pytest.mark.parametrize("status", PHASES.values(), ids=PHASES)
def test_one_that_ends_before_is_never_told(status: CanaryStatus) -> None:
    """Nor is the next one told sooner for it."""
    for second in range(0, 120, 20):
        broken = _look(status, second, REFUSED)
        mended = _look(broken.status, second + 15, None)
        assert (broken.status.untold_since, mended.status.untold_since) == (at(second), None)
        assert (broken.announcement, mended.announcement) == (None, None)
        status = mended.status


@pytest.mark.parametrize(
    ("problem", "since"),
    [
        pytest.param(BROKEN, None, id="the same, by its last attempt"),
        pytest.param(OTHER, at(50), id="another kind"),
    ],
)
def test_what_was_told_is_not_told_for_another_attempt(problem: Problem, since: object) -> None:
    """But another kind is another trouble, which has to last for itself."""
    told = _look(_look(running(10), 5, REFUSED).status, 35, REFUSED)

    again = _look(told.status, 50, problem)
    later = _look(again.status, 80, problem)

    assert (again.announcement, again.status.untold_since) == (None, since)
    assert (later.announcement is None) == (since is None)


def test_another_kind_in_the_meantime_makes_it_no_later() -> None:
    """What is told is what is wrong then."""
    first = _look(running(10), 5, REFUSED)
    ripe = _look(_look(first.status, 20, OTHER).status, 35, OTHER)

    assert ripe.announcement == Announcement(OTHER.reason, OTHER.message, warning=True)


def test_what_does_not_end_by_itself_is_told_at_once() -> None:
    """Also where it comes in the place of such a trouble."""
    at_once = _look(running(10), 5, PORT)
    instead = _look(_look(running(10), 5, REFUSED).status, 20, PORT)

    for decision in (at_once, instead):
        assert decision.announcement == Announcement(PORT.reason, PORT.message, warning=True)
        assert decision.status.untold_since is None


def test_what_happens_meanwhile_makes_it_no_later() -> None:
    """A rollback is no answer to the trouble."""
    first = _look(running(10), 5, REFUSED)
    failed = step(SPEC, first.status, seen_at(10, route_weight=10, problem=REFUSED, samples=bad(10)))
    ripe = _look(failed.status, 35, REFUSED)

    assert (failed.event, failed.status.untold_since) == (Event.ROLLBACK, at(5))
    assert ripe.announcement == Announcement(REFUSED.reason, REFUSED.message, warning=True)


def test_a_suspended_canary_says_nothing_of_it() -> None:
    """It is looked at anew when it goes on."""
    first = _look(running(10), 5, REFUSED)
    spec = SPEC.model_copy(update={"suspend": True})

    assert step(spec, first.status, seen_at(10, route_weight=10, problem=REFUSED)).status.untold_since is None


def test_a_canary_that_is_deleted_is_not_woken_for_it() -> None:
    """Nothing blocks that, so that there is nothing to be told."""
    first = _look(running(10), 5, REFUSED)
    leaving = status_in(Phase.TERMINATING, desired_weight=10, untold_since=first.status.untold_since)
    seen = seen_at(10, route_weight=100, problem=REFUSED, deleting=True, made=True)
    handed = step(SPEC, leaving, seen)

    found = step(SPEC, handed.status, replace(seen, now=at(90)))

    assert (found.event, found.announcement, found.status.untold_since) == (Event.WAITED, None, at(5))
    assert found.wake_at is None or found.wake_at > at(90)
