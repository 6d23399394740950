"""Notices: numbered, written with the decision they tell of, kept until delivered, and counted if they are lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.hooks import HookType
from rollouts.api.status import NOTICE_TEXT_MIN, NOTICES_TEXT, OUTBOX_MAX, CanaryStatus, Notice, Phase
from rollouts.api.texts import cut, stored_bytes
from rollouts.core.observed import Mail, Observed, Problem
from rollouts.core.outbox import lost_news
from rollouts.core.phases import Event
from rollouts.core.resting import SILENCE
from rollouts.core.step import step
from tests.core.examples import DEAD
from tests.core.given import (
    EPOCH,
    at,
    bad,
    by_hand,
    copy,
    gate_at,
    good,
    hook,
    pods,
    running,
    sample,
    seen_at,
    spec_of,
    status_in,
)

EVENTS = spec_of(webhooks=[hook("event")])
BOTH = spec_of(webhooks=[hook("event"), hook("post-rollout"), by_hand("confirm-rollout")])
ENDED = spec_of(webhooks=[hook("post-rollout"), by_hand("confirm-rollout")])


def _notice(number: int) -> Notice:
    return Notice(number=number, reason="Advance", message="Weight", phase=Phase.PROGRESSING, revision="b", at=EPOCH)


def _with(status: CanaryStatus, *numbers: int, **changes: Any) -> CanaryStatus:
    box = tuple(_notice(number) for number in numbers)
    return status.model_copy(update={"outbox": box, "notices": max(numbers, default=0), **changes})


def _numbers(status: CanaryStatus) -> list[int]:
    return [notice.number for notice in status.outbox]


def test_what_is_told_is_written_with_the_decision() -> None:
    """One notice with the words of the news, and all that its receiver is to know."""
    decision = step(EVENTS, _with(running(10), 6, 7), seen_at(10, route_weight=10, samples=good(10)))

    assert decision.announcement is not None
    assert _numbers(decision.status) == [6, 7, 8]
    assert decision.status.outbox[-1] == Notice(
        number=8, type=HookType.EVENT, reason="Advance", message=decision.announcement.message[:256], warning=False,
        phase=Phase.PROGRESSING, revision="b", at=at(10),
    )  # fmt: skip
    assert (decision.status.notices, decision.status.notices_lost) == (8, 0)


@pytest.mark.parametrize("spec", [spec_of(), ENDED], ids=["no hook", "another hook"])
def test_nothing_is_kept_that_nobody_wants(spec: Any) -> None:
    """Without a hook for it there is no notice."""
    decision = step(spec, running(10), seen_at(10, route_weight=10, samples=good(10)))

    assert decision.announcement is not None
    assert (decision.status.outbox, decision.status.notices) == ((), 0)


def test_what_is_not_said_is_no_notice() -> None:
    """A step that only waits writes none."""
    assert step(EVENTS, running(10), seen_at(5, route_weight=10)).status.outbox == ()


def test_an_outbox_has_an_end() -> None:
    """The oldest makes room, and what is lost undelivered is counted."""
    full = _with(running(10), *range(1, OUTBOX_MAX + 1), notices_lost=4)

    status = step(EVENTS, full, seen_at(10, route_weight=10, samples=good(10))).status

    assert _numbers(status) == list(range(2, OUTBOX_MAX + 2))
    assert (status.notices, status.notices_lost) == (OUTBOX_MAX + 1, 5)


def test_a_delivered_notice_leaves_with_the_next_change() -> None:
    """In mid-run no write is made for it alone."""
    status = _with(running(10, observed_generation=1, observed_weight=10), 1, 2, 3)
    told = step(EVENTS, status, seen_at(5, route_weight=10)).status
    seen = seen_at(6, route_weight=10, delivered=frozenset({1, 3, 9}))

    waiting = step(EVENTS, told, seen)
    moved = step(EVENTS, told, replace(seen, now=at(10), samples=good(10)))

    assert waiting.status == told
    assert _numbers(moved.status) == [2, 4]
    assert moved.status.notices_lost == 0


def test_a_change_that_says_nothing_takes_delivered_notices_along() -> None:
    """The status is written anyway."""
    status = _with(running(10), 1, 2)

    changed = step(EVENTS, status, seen_at(6, route_weight=10, generation=7, delivered=frozenset({1}))).status

    assert (changed.observed_generation, _numbers(changed)) == (7, [2])


@pytest.mark.parametrize("phase", [Phase.INITIALIZED, Phase.SUCCEEDED, Phase.FAILED])
def test_at_rest_an_outbox_is_emptied(phase: Phase) -> None:
    """Nothing else will change there for long."""
    status = _with(status_in(phase, last_applied_spec="b"), 1, 2)
    told = step(EVENTS, status, seen_at(5)).status

    tidied = step(EVENTS, told, seen_at(6, delivered=frozenset({1, 2}))).status

    assert tidied == told.model_copy(update={"outbox": ()})


DRAINING = status_in(
    Phase.FINALISING, last_applied_spec="b", last_promoted_spec="b", drained=False, drain_started_at=EPOCH
)
REJECT = (Action(verb=Verb.REJECT, id="1"),)
WAITING = running(0, phase=Phase.WAITING, gate=gate_at("confirm-rollout"), drained=True)
ENDS: dict[str, tuple[CanaryStatus, Observed, Event]] = {
    "promoted": (DRAINING, seen_at(5, samples=(sample(SILENCE, 5, 0.0),)), Event.DRAINED),
    "failed": (running(10), seen_at(10, route_weight=10, samples=bad(10)), Event.ROLLBACK),
    "stranded": (
        running(10), seen_at(10, route_weight=10, samples=bad(10), primary=copy("a", **DEAD)), Event.STRANDED,
    ),
    "reverted": (running(10), seen_at(10, route_weight=10, target=pods("a")), Event.REVERTED),
    "rejected": (WAITING, seen_at(10, actions=REJECT), Event.ROLLBACK),
    "reverted before its start": (WAITING, seen_at(10, target=pods("a")), Event.REVERTED),
}  # fmt: skip


@pytest.mark.parametrize(("status", "seen", "event"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize(("spec", "types"), [(BOTH, ["event", "post-rollout"]), (ENDED, ["post-rollout"])])
def test_each_end_is_told_once(spec: Any, types: list[str], status: CanaryStatus, seen: Observed, event: Event) -> None:
    """The hooks for the end hear of it beside those for events, either way it ends, under numbers of their own."""
    ended = step(spec, status, seen)
    after = step(spec, ended.status, replace(seen, now=at(11)))
    drained = step(spec, after.status, seen_at(60, target=seen.target, primary=seen.primary))

    assert ended.event is event
    assert [notice.type for notice in ended.status.outbox] == types
    assert [notice.number for notice in ended.status.outbox] == list(range(1, len(types) + 1))
    assert {notice.phase for notice in ended.status.outbox} == {ended.status.phase}
    assert [notice.type for notice in drained.status.outbox if notice.type == HookType.POST_ROLLOUT] == ["post-rollout"]


def test_the_way_back_from_a_stranded_canary_is_no_second_end() -> None:
    """The release had failed before; that the primary serves again is an event, not an end."""
    back = step(BOTH, running(100, phase=Phase.FAILED, stranded=True), seen_at(5, route_weight=100))

    assert (back.event, [notice.type for notice in back.status.outbox]) == (Event.ROLLBACK, ["event"])


def test_a_suspended_canary_tells_it() -> None:
    """Once, like everything."""
    spec = EVENTS.model_copy(update={"suspend": True})

    first = step(spec, running(10), seen_at(5, route_weight=10))

    assert [notice.reason for notice in first.status.outbox] == ["Suspended"]
    assert step(spec, first.status, seen_at(6, route_weight=10)).status == first.status


def test_found_a_long_reason_could_not_be_told() -> None:
    """Whatever is wrong outside, the notice of it fits."""
    status = step(EVENTS, running(10), seen_at(5, route_weight=10, problem=Problem("R" * 128, "x" * 2000))).status

    assert [len(notice.reason) for notice in status.outbox] == [32]


@pytest.mark.parametrize("character", ["a", "<", "😀"], ids=ascii)
def test_found_a_notice_was_told_again_in_fewer_words(character: str) -> None:
    """Later ones took from its text, while who was told it had the longer one: the room is shared out beforehand."""
    status, told = running(10), dict[int, str]()
    for number in range(1, OUTBOX_MAX + 5):
        problem = Problem(f"Reason{number}", f"{number}: " + character * 300)
        status = step(EVENTS, status, seen_at(number, route_weight=10, problem=problem)).status
        for notice in status.outbox:
            assert told.setdefault(notice.number, notice.message) == notice.message
        assert sum(stored_bytes(notice.message) for notice in status.outbox) <= NOTICES_TEXT
        assert told[number].startswith(cut(problem.message, NOTICE_TEXT_MIN))
    assert stored_bytes(told[1]) > 250


def test_a_short_notice_leaves_room_for_the_next() -> None:
    """No more than what all that may come need is kept from it."""
    short = _with(running(10), *range(1, OUTBOX_MAX))
    problem = Problem("Reason", "x" * 300)

    status = step(EVENTS, short, seen_at(5, route_weight=10, problem=problem)).status

    assert len(status.outbox[-1].message) == 256


def test_an_outbox_that_is_too_full_still_takes_what_is_new() -> None:
    """As one of a version that let texts be longer may be."""
    full = _with(running(10), *range(1, OUTBOX_MAX))
    long = tuple(notice.model_copy(update={"message": "x" * 256}) for notice in full.outbox)
    problem = Problem("Reason", "y" * 300)

    status = step(EVENTS, full.model_copy(update={"outbox": long}), seen_at(5, route_weight=10, problem=problem)).status

    assert status.outbox[:-1] == long
    assert status.outbox[-1].message == "y" * NOTICE_TEXT_MIN


def _alerted(**more: Any) -> Any:
    """A spec with an alert."""
    alerts = [{"name": "chat", "providerRef": {"name": "chat"}}]
    return spec_of(alerts=alerts, **more)


def test_an_alert_is_told_of_the_same_notice_as_hooks() -> None:
    """One entry for both; and also for a provider that the spec does not name."""
    seen = seen_at(10, route_weight=10, samples=good(10))
    for spec, unasked in ((_alerted(), False), (spec_of(), True), (_alerted(webhooks=[hook("event")]), False)):
        (notice,) = step(spec, running(10), replace(seen, alerted=unasked)).status.outbox
        assert (notice.type, notice.alerts, notice.hook_type) == (HookType.EVENT, True, HookType.EVENT)


@pytest.mark.parametrize("hooked", [False, True], ids=["no hook", "a hook"])
@pytest.mark.parametrize("mute", [False, True], ids=["loud", "muted"])
def test_a_gate_may_wait_without_an_alert(*, mute: bool, hooked: bool) -> None:
    """Hooks hear of it all the same; without any there is no notice."""
    gate = by_hand("confirm-rollout") | {"muteAlert": mute}
    spec = _alerted(webhooks=[gate, *([hook("event")] if hooked else [])])
    rested = status_in(Phase.SUCCEEDED, last_applied_spec="a", last_promoted_spec="a", drained=True)

    status = step(spec, rested, seen_at(5, target=pods("b"), primary=copy("a"))).status

    assert status.phase is Phase.WAITING
    expected = [] if mute and not hooked else [("muted" if mute else "event", HookType.EVENT, not mute)]
    assert [(one.type, one.hook_type, one.alerts) for one in status.outbox] == expected


def test_what_people_were_told_is_written_at_once() -> None:
    """In mid-run too: the next process is not to tell it again."""
    status = _with(running(10), 1, 2)
    settled = step(_alerted(), status, seen_at(5, route_weight=10)).status

    told = step(_alerted(), settled, seen_at(6, route_weight=10, mail=Mail(receipts=("a1b2c3 1",)))).status

    assert told.receipts == ("a1b2c3 1",)
    assert _numbers(told) == [1, 2]
    unknown = step(_alerted(), told, seen_at(7, route_weight=10)).status
    assert unknown == told


def test_receipts_leave_with_the_last_notice_but_for_threads() -> None:
    """The thread of the release is still needed."""
    status = _with(running(10), 1)
    mail = Mail(receipts=("a1b2c3 1", "d4e5f6 1 9f3a C01/1.2"))

    told = step(_alerted(), status, seen_at(6, route_weight=10, delivered=frozenset({1}), mail=mail)).status

    assert (told.outbox, told.receipts) == ((), ("d4e5f6 1 9f3a C01/1.2",))


def test_what_was_given_up_is_counted_and_said() -> None:
    """At once, with whom it did not reach and why."""
    status = _with(running(10), 1, 2, notices_lost=1)
    seen = seen_at(
        6, route_weight=10, delivered=frozenset({1, 2}), mail=Mail(given_up=((2, "hook log did not get it: HTTP 410"),))
    )

    after = step(EVENTS, status, seen).status
    news = lost_news(status, after, seen)

    assert (_numbers(after), after.notices_lost) == ([], 2)
    assert news is not None
    assert (news.reason, news.warning) == ("NoticeLost", True)
    assert news.message == "Given up: notice 2 (Advance): hook log did not get it: HTTP 410"
    assert lost_news(after, after, seen) is None


def test_what_made_room_is_said_too() -> None:
    """Not silently."""
    full = _with(running(10), *range(1, OUTBOX_MAX + 1))
    seen = seen_at(10, route_weight=10, samples=good(10))
    news = lost_news(full, step(EVENTS, full, seen).status, seen)
    assert news is not None
    assert news.message == "1 undelivered, the oldest, had to make room for news"
