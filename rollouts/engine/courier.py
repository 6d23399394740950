"""Delivers notices from the outbox in the status: each to every hook of its type, in order, until it is confirmed.

It works beside the reconciles, so that a slow receiver holds up nothing but its own later notices. What was confirmed
is forgotten with the process: a notice that is still in the outbox then is delivered again, under the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from rollouts.api.hooks import Webhook
from rollouts.api.resources import ObjectKey
from rollouts.api.status import Notice
from rollouts.core.measurement import Accepted
from rollouts.engine.ask import Start
from rollouts.engine.calling import Caller
from rollouts.engine.subject import Subject
from rollouts.ports import Clock

_log = structlog.get_logger(__name__)

GIVE_UP_AFTER = timedelta(minutes=10)
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0


@dataclass(slots=True)
class _Box:
    """The notices of one Canary, and how far each has come."""

    subject: Subject
    notices: tuple[Notice, ...] = ()
    confirmed: set[tuple[int, str]] = field(default_factory=set)
    """Number and hook."""
    at_work: set[str] = field(default_factory=set)
    """Hooks that are being called."""
    defect: Exception | None = None

    def hooks_of(self, notice: Notice) -> tuple[Webhook, ...]:
        return self.subject.spec.analysis.hooks(notice.type)

    def next_for(self, hook: str) -> tuple[Webhook, Notice] | None:
        """The oldest notice that this hook has not confirmed."""
        return next(
            (
                (known, notice)
                for notice in self.notices
                for known in self.hooks_of(notice)
                if known.name == hook and (notice.number, hook) not in self.confirmed
            ),
            None,
        )

    def delivered(self) -> frozenset[int]:
        return frozenset(
            notice.number
            for notice in self.notices
            if all((notice.number, hook.name) in self.confirmed for hook in self.hooks_of(notice))
        )


class Courier:
    """Holds what is to be delivered for every Canary."""

    def __init__(self, caller: Caller, clock: Clock, start: Start, on_delivered: Callable[[ObjectKey], None]) -> None:
        """`start` makes a task that somebody owns and cancels at the end; `on_delivered` hears whose notice arrived."""
        self._caller = caller
        self._clock = clock
        self._start = start
        self._on_delivered = on_delivered
        self._boxes: dict[ObjectKey, _Box] = {}

    def delivered(self, key: ObjectKey) -> frozenset[int]:
        """The numbers of the notices in the outbox that all of their receivers have confirmed.

        Raises what was a defect in delivering, once.
        """
        box = self._boxes.get(key)
        if box is None:
            return frozenset()
        defect, box.defect = box.defect, None
        if defect is not None:
            raise defect
        return box.delivered()

    def send(self, key: ObjectKey, subject: Subject, outbox: tuple[Notice, ...]) -> None:
        """Deliver what a status that is written says; nothing twice that is confirmed or under way."""
        if not outbox:
            self._boxes.pop(key, None)
            return
        box = self._boxes.setdefault(key, _Box(subject))
        before = box.delivered() if box.notices else frozenset()
        box.subject, box.notices = subject, outbox
        numbers = {notice.number for notice in outbox}
        box.confirmed = {(number, hook) for number, hook in box.confirmed if number in numbers}
        for hook in (hook for notice in outbox for hook in box.hooks_of(notice)):
            if hook.name not in box.at_work and box.next_for(hook.name) is not None:
                box.at_work.add(hook.name)
                self._start(self._work(key, box, hook.name))
        if box.delivered() - before:
            # Nobody listens any more to some of them.
            self._on_delivered(key)

    def stop(self, key: ObjectKey) -> None:
        """Another process delivers now: what is not under way is left to it, and nothing is tried again."""
        if (box := self._boxes.pop(key, None)) is not None:
            box.notices = ()

    def forget(self, key: ObjectKey) -> None:
        """The Canary is gone; what is under way is still delivered."""
        self._boxes.pop(key, None)

    async def _work(self, key: ObjectKey, box: _Box, hook: str) -> None:
        while (found := box.next_for(hook)) is not None:
            known, notice = found
            # A defect is told to the worker of this Canary: raised here, it would end everything else too.
            (failed,) = await asyncio.gather(self._deliver(known, notice, box), return_exceptions=True)
            if isinstance(failed, Exception):
                box.defect = failed
                self._on_delivered(key)
                break
            if isinstance(failed, BaseException):
                raise failed
            box.confirmed.add((notice.number, hook))
            if notice.number in box.delivered():
                self._on_delivered(key)
        box.at_work.discard(hook)

    async def _deliver(self, hook: Webhook, notice: Notice, box: _Box) -> None:
        """Until it is taken, given up, or no longer ours to tell: it had to make room, or another process tells it."""
        subject = box.subject
        pause_s, ends_at = PAUSE_FIRST_S, notice.at + GIVE_UP_AFTER
        while not isinstance(outcome := await self._caller.tell(hook, notice, subject), Accepted):
            # All processes give up at one instant: a late try of one would arrive after what others tell next.
            left_s = (ends_at - self._clock.now()).total_seconds()
            await self._clock.sleep(max(0.0, min(pause_s, left_s)))
            if notice.number not in {kept.number for kept in box.notices}:
                return
            if self._clock.now() >= ends_at:
                _log.warning(
                    "notice_given_up", canary=str(ObjectKey.of(subject.manifest)), hook=hook.name,
                    number=notice.number, reason=outcome.reason,
                )  # fmt: skip
                return
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
