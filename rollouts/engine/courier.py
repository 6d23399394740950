"""Delivers notices from the outbox in the status: each to every hook of its type and to the AlertProviders that hear of
the Canary, in order, until it is confirmed or given up.

It works beside the reconciles, so that a slow receiver holds up nothing but its own later notices. What a hook has
confirmed is forgotten with the process: what is still in the outbox then is delivered again, under the same id. How far
an AlertProvider has come stands in the status (core/receipts.py): people don't like to be told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from rollouts.api.resources import ObjectKey
from rollouts.api.status import CanaryStatus, Notice
from rollouts.core.observed import NO_MAIL, Mail
from rollouts.core.receipts import read_receipts
from rollouts.engine.alerting import Alerter
from rollouts.engine.ask import Start
from rollouts.engine.box import Box
from rollouts.engine.calling import Caller
from rollouts.engine.receivers import TOLD, AlertReceiver, HookReceiver, Receiver
from rollouts.engine.subject import Subject
from rollouts.ports import Clock, Delivered, Undelivered

_log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(minutes=10)
"""Of hooks, from the instant of the news."""
ALERTS_GIVE_UP_AFTER = timedelta(hours=1)
"""Of alerts: services have outages, and a person is to hear of a failure even then."""
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0


class Courier:
    """Holds what is to be delivered for every Canary."""

    def __init__(
        self,
        caller: Caller,
        clock: Clock,
        start: Start,
        on_delivered: Callable[[ObjectKey], None],
        alerter: Alerter | None = None,
    ) -> None:
        """`start` makes a task that somebody owns and cancels at the end; `on_delivered` hears whose notice arrived."""
        self._caller = caller
        self._alerter = alerter
        self._clock = clock
        self._start = start
        self._on_delivered = on_delivered
        self._boxes: dict[ObjectKey, Box] = {}

    def delivered(self, key: ObjectKey) -> frozenset[int]:
        """The numbers of the notices in the outbox that all of their receivers have confirmed, or that were given up.

        Raises what was a defect in delivering, once.
        """
        box = self._boxes.get(key)
        if box is None:
            return frozenset()
        defect, box.defect = box.defect, None
        if defect is not None:
            raise defect
        return box.delivered()

    def mail(self, key: ObjectKey) -> Mail:
        """What else has become of them."""
        box = self._boxes.get(key)
        return NO_MAIL if box is None else box.mail()

    def send(self, key: ObjectKey, subject: Subject, status: CanaryStatus) -> None:
        """Deliver what a status that is written says; nothing twice that is confirmed or under way."""
        if not status.outbox:
            self._boxes.pop(key, None)
            return
        box = self._boxes.get(key)
        if box is None:
            box = self._boxes[key] = Box(subject, status, receipts=read_receipts(status.receipts))
            before = frozenset[int]()
        else:
            before = box.delivered()
        box.subject, box.status = subject, status
        box.receivers = {receiver.key: receiver for receiver in self._receivers(subject)}
        numbers = {notice.number for notice in status.outbox}
        box.confirmed = {(number, name) for number, name in box.confirmed if number in numbers}
        box.lost = {known: why for known, why in box.lost.items() if known[0] in numbers}
        for name in box.receivers:
            if name not in box.at_work and box.next_for(name) is not None:
                box.at_work.add(name)
                self._start(self._work(key, box, name))
        if box.delivered() - before:
            # Nobody listens any more to some of them.
            self._on_delivered(key)

    def stop(self, key: ObjectKey) -> None:
        """Another process delivers now: what is not under way is left to it, and nothing is tried again."""
        if (box := self._boxes.pop(key, None)) is not None:
            box.status = box.status.model_copy(update={"outbox": ()})

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone; what is under way is still delivered."""
        self._boxes.pop(key, None)

    def hears_unasked(self, namespace: str) -> bool:
        """Whether any AlertProvider hears of all Canaries of that namespace."""
        return self._alerter is not None and self._alerter.hears_unasked(namespace)

    def _receivers(self, subject: Subject) -> Iterable[Receiver]:
        hooks = (hook for kind in TOLD for hook in subject.spec.analysis.hooks(kind))
        yield from (HookReceiver(hook, self._caller) for hook in hooks)
        if self._alerter is not None:
            for listener in self._alerter.listeners(subject):
                yield AlertReceiver(listener, self._alerter)

    async def _work(self, key: ObjectKey, box: Box, name: str) -> None:
        while (found := box.next_for(name)) is not None:
            receiver, notice = found
            # A defect is told to the worker of this Canary: raised here, it would end everything else too.
            (told,) = await asyncio.gather(self._deliver(key, receiver, notice, box), return_exceptions=True)
            if isinstance(told, Exception):
                box.defect = told
                self._on_delivered(key)
                break
            if isinstance(told, BaseException):
                raise told
            box.confirm(receiver, notice, told)
            if notice.number in box.delivered() or (box.in_trouble and receiver.mark):
                self._on_delivered(key)
        box.at_work.discard(name)

    async def _deliver(self, key: ObjectKey, receiver: Receiver, notice: Notice, box: Box) -> str:
        """Until it is taken, given up, or no longer ours to tell: it had to make room, or another process tells it.

        The thread that was begun, if there was one.
        """
        pause_s, ends_at = PAUSE_FIRST_S, notice.at + (ALERTS_GIVE_UP_AFTER if receiver.mark else GIVE_UP_AFTER)
        while True:
            thread = box.receipt(receiver).thread_of(notice.revision)
            told = await receiver.tell(notice, box.subject, box.status, thread)
            if isinstance(told, Delivered):
                box.in_trouble.discard(receiver.key)
                return told.thread
            if receiver.key not in box.in_trouble:
                box.in_trouble.add(receiver.key)
                if box.receipts:
                    # Those that are told already are not to be told again by a process that takes this one for dead.
                    self._on_delivered(key)
            # All processes give up at one instant: a late try of one would arrive after what others tell next.
            left_s = (ends_at - self._clock.now()).total_seconds()
            await self._clock.sleep(max(0.0, min(max(pause_s, told.retry_after_s or 0.0), left_s)))
            if notice.number not in {kept.number for kept in box.notices}:
                return ""
            if self._clock.now() >= ends_at:
                await self._give_up(receiver, notice, box, told)
                return ""
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    async def _give_up(self, receiver: Receiver, notice: Notice, box: Box, last: Undelivered) -> None:
        """Visibly: in the log, and by way of the next status in an Event and in what was lost."""
        why = f"{receiver.words} did not get it: {last.reason}"
        box.lost[notice.number, receiver.key] = why
        box.in_trouble.discard(receiver.key)
        _log.warning(
            "notice_given_up", canary=str(ObjectKey.of(box.subject.manifest)), receiver=receiver.words,
            number=notice.number, reason=last.reason,
        )  # fmt: skip
        await receiver.gave_up(last)
