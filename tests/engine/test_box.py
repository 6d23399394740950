"""What the status is to remember of notices on their way, where one receiver has got what another one has not."""

from __future__ import annotations

from dataclasses import dataclass

from rollouts.api.canary import CanarySpec
from rollouts.api.ownership import Owner
from rollouts.api.status import CanaryStatus, Notice, Phase
from rollouts.engine.box import Box
from rollouts.engine.receivers import Receiver
from rollouts.engine.subject import Subject
from rollouts.ports import Delivered, Undelivered
from rollouts.testing.virtual_time import START
from tests.engine.world import canary_manifest


@dataclass(frozen=True, slots=True)
class Person:
    """Implements `Receiver`; takes everything."""

    key: str

    @property
    def mark(self) -> str:
        """As the protocol says."""
        return self.key

    @property
    def words(self) -> str:
        """As the protocol says."""
        return self.key

    def takes(self, notice: Notice) -> bool:
        """As the protocol says."""
        return notice.alerts

    async def tell(self, _notice: Notice, _subject: Subject, _status: CanaryStatus, _thread: str) -> Delivered:
        """As the protocol says."""
        return Delivered()

    async def gave_up(self, last: Undelivered) -> None:
        """As the protocol says."""


def notices(*numbers: int) -> tuple[Notice, ...]:
    """Of one release."""
    return tuple(
        Notice(number=number, reason="Rollback", message="x", phase=Phase.FAILED, revision="b", at=START)
        for number in numbers
    )


def box_of(*numbers: int) -> tuple[Box, Person, Person]:
    """These notices, and two who wait for them."""
    canary = canary_manifest()
    canary["metadata"] |= {"uid": "u1"}
    subject = Subject(canary, Owner.of(canary), CanarySpec.model_validate(canary["spec"]))
    ann, bob = Person("ann"), Person("bob")
    receivers: dict[str, Receiver] = {"ann": ann, "bob": bob}
    return Box(subject, CanaryStatus(outbox=notices(*numbers)), receivers), ann, bob


def test_a_notice_is_delivered_when_everybody_has_it() -> None:
    """The receipts say who has."""
    box, ann, bob = box_of(1, 2)
    first, _ = box.notices
    box.confirm(ann, first, "C01/1.2")
    assert (box.delivered(), box.mail().receipts) == (frozenset(), ("ann 1 b C01/1.2",))
    box.confirm(bob, first, "")
    assert (box.delivered(), box.mail().receipts) == (frozenset({1}), ("ann 1 b C01/1.2", "bob 1"))


def test_what_was_given_up_is_not_said_to_have_arrived() -> None:
    """Until it is counted as lost, another process has to find that out too: it must not read that all is well."""
    box, ann, bob = box_of(1, 2)
    first, second = box.notices
    box.lost[1, "ann"] = "ann did not get it"
    for notice in (first, second):
        box.confirm(ann, notice, "")
    assert box.mail().given_up == ()
    assert box.mail().receipts == ()
    box.confirm(bob, first, "")
    assert box.mail().given_up == ((1, "ann did not get it"),)
    box.lost[1, "bob"] = "bob neither"
    assert box.mail().given_up == ((1, "ann did not get it; bob neither"),)


def test_who_is_not_there_any_more_has_no_receipt() -> None:
    """Nor a place in the status."""
    box, ann, _ = box_of(1)
    box.confirm(ann, box.notices[0], "")
    del box.receivers["ann"]
    assert box.mail().receipts == ()
    assert box.next_for("ann") is None
