"""The notices of one Canary on their way: who waits for which, and what of that the status is to remember. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from rollouts.api.status import CanaryStatus, Notice
from rollouts.core.observed import Mail
from rollouts.core.receipts import Receipt, write_receipts
from rollouts.engine.receivers import Receiver
from rollouts.engine.subject import Subject


@dataclass(slots=True)
class Box:
    """The notices of one Canary, and how far each has come."""

    subject: Subject
    status: CanaryStatus
    receivers: dict[str, Receiver] = field(default_factory=dict)
    confirmed: set[tuple[int, str]] = field(default_factory=set)
    """Number and receiver."""
    receipts: dict[str, Receipt] = field(default_factory=dict)
    """Of AlertProviders, by their mark."""
    lost: dict[tuple[int, str], str] = field(default_factory=dict)
    """What was given up, by number and receiver, and why."""
    in_trouble: set[str] = field(default_factory=set)
    """Receivers whose last attempt failed."""
    at_work: set[str] = field(default_factory=set)
    """Receivers that are being told."""
    defect: Exception | None = None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The outbox as it was last written, the oldest first."""
        return self.status.outbox

    def wants(self, receiver: Receiver, notice: Notice) -> bool:
        """Whether that receiver is still to be told."""
        if (notice.number, receiver.key) in self.confirmed or not receiver.takes(notice):
            return False
        return notice.number > self.receipt(receiver).number

    def receipt(self, receiver: Receiver) -> Receipt:
        """How far it has come."""
        return self.receipts.get(receiver.mark, Receipt(receiver.mark))

    def next_for(self, key: str) -> tuple[Receiver, Notice] | None:
        """The oldest notice that this receiver has not confirmed."""
        receiver = self.receivers.get(key)
        if receiver is None:
            return None
        return next(((receiver, one) for one in self.notices if self.wants(receiver, one)), None)

    def delivered(self) -> frozenset[int]:
        """Those that nobody waits for any more."""
        waiting = self.receivers.values()
        return frozenset(one.number for one in self.notices if not any(self.wants(each, one) for each in waiting))

    def confirm(self, receiver: Receiver, notice: Notice, thread: str) -> None:
        """That receiver has it, or will never."""
        self.confirmed.add((notice.number, receiver.key))
        if receiver.mark:
            known = replace(self.receipt(receiver), number=notice.number)
            self.receipts[receiver.mark] = known.with_thread(notice.revision, thread)

    def mail(self) -> Mail:
        """What the next status is to say of all this."""
        kept = [self._sure(one) for one in self.receivers.values() if one.mark in self.receipts]
        oldest = self.notices[0].number if self.notices else 0
        settled, given_up = self.delivered(), dict[int, str]()
        for (number, _), why in self.lost.items():
            if number in settled:
                given_up[number] = f"{given_up[number]}; {why}" if number in given_up else why
        return Mail(tuple(sorted(given_up.items())), write_receipts(kept, oldest))

    def _sure(self, receiver: Receiver) -> Receipt:
        """Its receipt, up to what was given up for it: another process has to find that out too, or nobody says it."""
        receipt = self.receipt(receiver)
        lost = [number for number, key in self.lost if key == receiver.key]
        return replace(receipt, number=min(receipt.number, min(lost) - 1)) if lost else receipt
