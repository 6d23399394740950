"""Approvals of a gate: how many, whose, and of which revision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rollouts.api.actions import Action, Verb
from rollouts.api.hooks import HookType
from rollouts.api.status import CanaryStatus, Phase
from rollouts.core.phases import Event
from rollouts.core.step import step
from tests.core.given import by_hand, gate_at, hook, running, seen_at, spec_of

KIND = HookType.CONFIRM_ROLLOUT
TWO = spec_of(webhooks=[hook(KIND, "gate", url=None, approvals=2)])
ONE = spec_of(webhooks=[by_hand(KIND)])
WAITING = running(0, phase=Phase.WAITING, gate=gate_at(KIND))


def approve(user: str = "ann", **fields: Any) -> Action:
    """Of the revision that waits, by somebody who is known, under a key of its own."""
    told = {"id": f"by-{user}", "revision": "b", "verified": True, "key": user} | fields
    return Action(verb=Verb.APPROVE, user=user, **told)


def after(*actions: Action, status: CanaryStatus = WAITING, spec: Any = TWO) -> tuple[CanaryStatus, list[str]]:
    """What follows from these being there, until nothing new does; and the events."""
    events = []
    for second in range(len(actions) + 1):
        decision = step(spec, status, seen_at(5 + second, actions=actions))
        status = CanaryStatus.model_validate(decision.status.to_wire())
        events += [str(decision.event)]
    return status, events


def users(status: CanaryStatus) -> list[str]:
    """Who has approved so far."""
    return [] if status.gate is None else [one.user for one in status.gate.approvals]


def test_one_of_two_does_not_open_it() -> None:
    """It is remembered who, when and why; the gate stays closed."""
    status, events = after(approve(reason="looks well"))

    assert events == ["Approved", "Waited"]
    assert status.gate is not None
    assert (status.phase, status.gate.approved, status.gate.needed) == (Phase.WAITING, False, 2)
    assert [(one.user, one.reason) for one in status.gate.approvals] == [("ann", "looks well")]
    assert status.actions[-1].message == "approve by ann: looks well; 1 of 2 approvals"


def test_two_persons_open_it_and_both_names_stay() -> None:
    """Also when the release has gone on, and the gate with it."""
    status, events = after(approve(reason="looks well"), approve("bob", reason="so it does"))

    assert events == ["Approved", "Approved", "Confirmed"]
    assert (status.phase, status.gate) == (Phase.PROGRESSING, None)
    taken = status.actions[-1]
    assert (taken.user, taken.outcome) == ("bob", "Done")
    assert taken.message == "approve by bob: so it does; 2 of 2 approvals (ann: looks well)"


def test_under_one_key_the_second_may_come_over_the_first() -> None:
    """Once the first was taken its annotation is not needed any more."""
    first, _ = after(approve(key=""))
    status, events = after(approve("bob", key=""), status=first)
    assert events == ["Approved", "Confirmed"]
    assert status.phase is Phase.PROGRESSING


REFUSED = {
    "the same person again": (approve(id="again", key="again"), "one person counts once: 1 more of 2"),
    "a name that nothing vouches for": (approve("bob", verified=False), "count only with names that are verified"),
    "nobody": (approve("", key="x"), "count only with names that are verified"),
    "no revision": (approve("bob", revision=""), "an approval is for one revision"),
    "another revision": (approve("bob", revision="a"), "it is meant for revision a, and b is released"),
}


@pytest.mark.parametrize(("second", "why"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_count(second: Action, why: str) -> None:
    """It is refused once, with the reason, and the one before still counts."""
    if not second.user:
        second = second.model_copy(update={"verified": False})
    first, _ = after(approve())
    decision = step(TWO, first, seen_at(9, actions=(approve(), second)))

    assert decision.event is Event.REFUSED
    assert why in (decision.announcement.message if decision.announcement else "")
    status, events = after(approve(), second, status=decision.status)
    assert (users(status), events) == (["ann"], ["Waited"] * 3)
    assert status.actions[-1].message == "approve by ann; 1 of 2 approvals"


def test_an_old_approval_says_nothing_about_a_later_release_of_the_same_revision() -> None:
    """What was taken is remembered as long as it is there."""
    both = (approve(), approve("bob"))
    released, _ = after(*both)
    again = released.model_copy(update={"phase": Phase.WAITING, "gate": gate_at(KIND)})

    status, events = after(*both, status=again)

    assert (users(status), set(events)) == ([], {"Waited"})
    assert len(status.heard) == 2


def test_what_is_not_there_any_more_is_forgotten() -> None:
    """So that there is room for others."""
    status, _ = after(approve(), approve("bob", revision="a"))
    later, _ = after(approve("eve", revision="a"), status=status)
    assert (len(status.heard), len(later.heard)) == (2, 1)


def test_more_than_are_needed_are_refused() -> None:
    """The gate is open: who comes later hears so."""
    open_gate = WAITING.model_copy(update={"gate": gate_at(KIND, approved=True)})
    decision = step(TWO, open_gate, seen_at(5, actions=(approve("eve"),)))
    assert decision.announcement is not None
    assert "its gate is open already" in decision.announcement.message


def test_fewer_are_enough_when_the_spec_says_so() -> None:
    """With one approval of two, and then one needed."""
    first, _ = after(approve())
    assert after(status=first, spec=ONE)[1] == ["Confirmed"]


def test_one_is_enough_where_nothing_is_said_and_anybodys() -> None:
    """Who it was is shown for what it is."""
    status, events = after(approve("ann", verified=False), spec=ONE)
    assert events == ["Approved", "Confirmed"]
    assert status.actions[-1].user == "unverified: ann"


def test_a_long_name_is_the_same_person_although_it_was_cut() -> None:
    """Texts give way to each other; nobody becomes two by that."""
    name = "a" * 253
    status, _ = after(*(approve(name, id=str(n), key=str(n), reason="r" * 256) for n in range(2)))
    assert len(users(status)) == 1
    assert name.startswith(users(status)[0])


def test_who_rejects_ends_the_release_with_the_reason() -> None:
    """One is enough for that."""
    first, _ = after(approve())
    reject = Action(verb=Verb.REJECT, id="1", user="bob", verified=True, revision="b", reason="it leaks")
    decision = step(TWO, first, replace(seen_at(9), actions=(approve(), reject)))
    assert (decision.event, decision.status.phase) == (Event.ROLLBACK, Phase.FAILED)
    assert decision.announcement is not None
    assert "reject by bob: it leaks" in decision.announcement.message
