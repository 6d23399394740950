"""Who is told of a notice: a hook of the spec, or an AlertProvider. One face of both for the courier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rollouts.api.hooks import HookType, Webhook
from rollouts.api.status import CanaryStatus, Notice
from rollouts.core.measurement import Accepted
from rollouts.core.receipts import mark_of
from rollouts.engine.alerting import Alerter, Listener
from rollouts.engine.calling import Caller
from rollouts.engine.message_links import Telling
from rollouts.engine.subject import Subject
from rollouts.ports import Delivered, Undelivered

TOLD = (HookType.EVENT, HookType.POST_ROLLOUT)
"""The types of hooks that are told of notices."""


class Receiver(Protocol):
    """Somebody who is told. Holds nothing of what was."""

    @property
    def key(self) -> str:
        """By what it is told from the others of one Canary."""
        ...

    @property
    def mark(self) -> str:
        """By what it is known in the receipts; empty if none are kept for it."""
        ...

    @property
    def words(self) -> str:
        """What a person calls it."""
        ...

    def takes(self, notice: Notice) -> bool:
        """Whether this notice is for it."""
        ...

    async def tell(
        self, notice: Notice, subject: Subject, status: CanaryStatus, thread: str
    ) -> Delivered | Undelivered:
        """One attempt."""
        ...

    async def gave_up(self, last: Undelivered) -> None:
        """A notice is not tried again."""
        ...


@dataclass(frozen=True, slots=True)
class HookReceiver:
    """A hook of type event or post-rollout."""

    hook: Webhook
    caller: Caller

    @property
    def key(self) -> str:
        """Its name, which no other hook has."""
        return f"hook {self.hook.name}"

    @property
    def mark(self) -> str:
        """None: a hook is a program, and knows a notice again by its id."""
        return ""

    @property
    def words(self) -> str:
        """As the protocol says."""
        return f"hook {self.hook.name}"

    def takes(self, notice: Notice) -> bool:
        """As the protocol says."""
        return self.hook.type is notice.hook_type

    async def tell(
        self, notice: Notice, subject: Subject, _status: CanaryStatus, _thread: str
    ) -> Delivered | Undelivered:
        """As the protocol says."""
        outcome = await self.caller.tell(self.hook, notice, subject)
        return Delivered() if isinstance(outcome, Accepted) else Undelivered(outcome.reason)

    async def gave_up(self, last: Undelivered) -> None:
        """Nothing is written of it but in the Canary."""


@dataclass(frozen=True, slots=True)
class AlertReceiver:
    """An AlertProvider that hears of the Canary."""

    listener: Listener
    alerter: Alerter

    @property
    def key(self) -> str:
        """As the protocol says."""
        return f"provider {self.listener.provider}"

    @property
    def mark(self) -> str:
        """As the protocol says."""
        return mark_of(self.listener.provider)

    @property
    def words(self) -> str:
        """As the protocol says."""
        return str(self.listener)

    def takes(self, notice: Notice) -> bool:
        """As the protocol says."""
        return self.alerter.takes(self.listener, notice)

    async def tell(
        self, notice: Notice, subject: Subject, status: CanaryStatus, thread: str
    ) -> Delivered | Undelivered:
        """As the protocol says."""
        return await self.alerter.tell(self.listener, Telling(notice, subject, status), thread)

    async def gave_up(self, last: Undelivered) -> None:
        """As the protocol says."""
        await self.alerter.give_up(self.listener, last)
