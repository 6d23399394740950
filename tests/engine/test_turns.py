"""Windows, freeze and limit by the real engine, with several Canaries and several workers."""

from __future__ import annotations

import asyncio

import pytest

from rollouts.api.actions import PREFIX
from rollouts.api.resources import CANARIES, CONFIG_MAPS, ObjectKey
from rollouts.api.status import Phase
from rollouts.engine.policy import POLICY
from tests.engine.many import Many
from tests.engine.world import NAMESPACE

ABC = ("a", "b", "c")


def test_one_at_a_time_in_the_order_in_which_they_came() -> None:
    """Limit 1: c came first, then a, then b. The second is rolled back, and the next one goes all the same."""
    many = Many(ABC)

    async def story(many: Many) -> None:
        many.policy(maxConcurrent="1")
        for name in ("c", "a", "b"):
            many.release(name, "app:2")
            await asyncio.sleep(2.0)
        assert many.phases() == ["Waiting", "Waiting", "Progressing"]
        hold = many.status("a").hold
        assert hold is not None
        assert hold.reason == "Queued"
        allowed = "ConfigMap rollouts-system/rollouts-policy allows 1 at once (maxConcurrent), and no place is free"
        assert hold.message.startswith(allowed)
        many.rates["a"] = 50.0
        await many.until(lambda: many.phases() == ["Failed", "Succeeded", "Succeeded"])

    many.tell(story)

    assert many.starts == ["c", "a", "b"]
    assert many.most == 1


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_workers_side_by_side_never_start_more_than_allowed(limit: int) -> None:
    """Six revisions are applied in one instant, and six workers look at them while each write is on its way."""
    names = tuple("abcdef")
    many = Many(names, workers=6)

    async def story(many: Many) -> None:
        many.policy(maxConcurrent=str(limit))
        for name in names:
            many.release(name, "app:2")
        await many.until(lambda: set(many.phases()) == {"Succeeded"}, within_s=600.0)

    many.tell(story)

    assert many.most == limit
    assert sorted(many.starts) == sorted(names)


def test_a_start_that_nobody_knows_to_be_written_keeps_its_place() -> None:
    """No answer came to the write that starts it: until that is known, nobody else takes its place."""
    many = Many(ABC, workers=3)

    async def story(many: Many) -> None:
        many.policy(maxConcurrent="1")
        many.cluster.lost = 3
        for name in ABC:
            many.release(name, "app:2")
        await many.until(lambda: set(many.phases()) == {"Succeeded"}, within_s=600.0)

    many.tell(story)

    assert many.most == 1


def test_who_can_not_start_holds_up_nobody() -> None:
    """First in the queue is one that is suspended, and one that is deleted: the third goes."""
    many = Many(("a", "b", "c", "d"))

    async def story(many: Many) -> None:
        many.policy(maxConcurrent="1")
        for name in many.names:
            many.release(name, "app:2")
            await asyncio.sleep(2.0)
        many.edit("b", {"spec": {"suspend": True}})
        many.cluster.delete(CANARIES, ObjectKey(NAMESPACE, "c"))
        await many.until_phase("d", Phase.SUCCEEDED)
        assert many.status("b").phase is Phase.WAITING
        many.edit("b", {"spec": {"suspend": False}})
        await many.until_phase("b", Phase.SUCCEEDED)

    many.tell(story)

    assert many.starts == ["a", "d", "b"]


def test_a_higher_limit_is_heard_at_once_and_an_override_waits_for_none() -> None:
    """Two more start when the limit is three; a hot-fix is the fourth."""
    many = Many(("a", "b", "c", "d"))

    async def story(many: Many) -> None:
        many.policy(maxConcurrent="1")
        for name in many.names:
            many.release(name, "app:2")
            await asyncio.sleep(2.0)
        many.policy(maxConcurrent="3")
        await asyncio.sleep(3.0)
        assert many.phases() == ["Progressing", "Progressing", "Progressing", "Waiting"]
        many.edit("d", {"metadata": {"annotations": {PREFIX + "override": '{"id": "1", "user": "ann"}'}}})
        await asyncio.sleep(3.0)
        assert many.status("d").phase is Phase.PROGRESSING
        assert [(done.verb, done.outcome, done.user) for done in many.status("d").actions] == [
            ("override", "Done", "unverified: ann")
        ]

    many.tell(story)

    assert many.most == 4


def test_a_freeze_is_heard_by_all_and_those_who_wait_cost_nothing() -> None:
    """One holds its weight, one waits; frozen they write nothing. When the ConfigMap is gone both go on."""
    many = Many(("a", "b"))

    async def story(many: Many) -> None:
        many.release("a", "app:2")
        await many.until(lambda: many.status("a").desired_weight == 20)
        many.policy(freeze="quarter end", freezeNamespaces=NAMESPACE)
        many.release("b", "app:2")
        await asyncio.sleep(30.0)
        assert (many.status("a").desired_weight, many.status("b").phase) == (20, Phase.WAITING)
        assert [many.status(name).hold.reason for name in many.names] == ["Frozen", "Frozen"]  # type: ignore[union-attr]
        many.edit("a", {"spec": {"suspend": True}})  # its judgements would go on
        await asyncio.sleep(60.0)
        tried = many.cluster.tried
        await asyncio.sleep(86400.0)
        assert many.cluster.tried == tried
        many.edit("a", {"spec": {"suspend": False}})
        many.cluster.delete(CONFIG_MAPS, POLICY)
        await many.until(lambda: set(many.phases()) == {"Succeeded"})

    many.tell(story)


def test_a_freeze_of_other_namespaces_is_none() -> None:
    """Nor is one that is over."""
    many = Many(("a",))

    async def story(many: Many) -> None:
        many.policy(freeze="true", freezeNamespaces="other, another")
        many.release("a", "app:2")
        await many.until_phase("a", Phase.SUCCEEDED)
        many.policy(freeze="true", freezeUntil="2026-01-02T12:00:00Z")
        many.release("a", "app:3")
        await many.until_phase("a", Phase.PROGRESSING)

    many.tell(story)


def test_a_policy_that_can_not_be_seen_holds_starts_and_no_rollback() -> None:
    """Nobody knows whether releases are frozen: that is said, with the way out."""
    many = Many(("a", "b"))

    async def story(many: Many) -> None:
        many.release("a", "app:2")
        await many.until(lambda: many.status("a").desired_weight == 20)
        many.cluster.troubles[CONFIG_MAPS] = "the controller's account lacks the right to list configmaps"
        many.release("b", "app:2")
        many.rates["a"] = 50.0
        await many.until(lambda: many.phases() == ["Failed", "Waiting"])
        hold = many.status("b").hold
        assert hold is not None
        assert hold.reason == "PolicyUnreadable"
        assert "lacks the right to list configmaps" in hold.message

    many.tell(story)


def test_a_window_opens_by_itself() -> None:
    """It is Friday noon: the release waits for Monday morning without a single request, and begins at that second."""
    many = Many(("a",))
    office = {"schedule": "0 9 * * MON-FRI", "duration": "2h", "timeZone": "Europe/Berlin"}

    async def story(many: Many) -> None:
        many.release("a", "app:2")
        await many.until_phase("a", Phase.WAITING)
        status = many.status("a")
        assert status.hold is not None
        assert status.hold.reason == "OutsideWindow"
        assert status.hold.until is not None
        assert "releases go on at 2026-01-05 08:00 UTC (Mon 09:00 Europe/Berlin)" in status.hold.message
        assert any(status.hold.message in told.message for told in status.conditions)
        await asyncio.sleep(60.0)
        tried, waits_s = many.cluster.tried, (status.hold.until - many.clock.now()).total_seconds()
        await asyncio.sleep(waits_s - 1.0)
        assert many.cluster.tried == tried
        await asyncio.sleep(2.0)
        assert many.status("a").phase is Phase.PROGRESSING
        await many.until_phase("a", Phase.SUCCEEDED)

    many.tell(story, {"windows": [office]})


def test_an_idle_canary_has_nothing_to_wake_for() -> None:
    """Windows open and close, and nobody looks."""
    many = Many(("a",))

    async def story(many: Many) -> None:
        tried = many.cluster.tried
        await asyncio.sleep(7 * 86400.0)
        assert many.cluster.tried == tried

    many.tell(story, {"windows": [{"schedule": "* * * * *", "duration": "30s"}]})


def test_who_waits_for_its_window_is_in_no_queue() -> None:
    """The first has waited longest, and its window is closed: the others go. When it opens, it is next."""
    many = Many(ABC)
    later = {"schedule": "3 12 * * *", "duration": "1h"}

    async def story(many: Many) -> None:
        many.edit("a", {"spec": {"windows": [later]}})
        many.policy(maxConcurrent="1")
        for name in ABC:
            many.release(name, "app:2")
            await asyncio.sleep(2.0)
        assert many.phases() == ["Waiting", "Progressing", "Waiting"]
        await many.until(lambda: set(many.phases()) == {"Succeeded"}, within_s=600.0)

    many.tell(story)

    assert many.most == 1
    assert many.starts[0] == "b"
