"""Every kind of service that people can be told by: one line each, and the way to all of them.

Implements `ports.Notifier`. Make it on the event loop that it belongs to, and close it with `aclose`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from rollouts.api.alert_provider import ProviderType
from rollouts.core.notification import Notification
from rollouts.notify import discord, googlechat, msteams, pagerduty, slack, webhook
from rollouts.notify.email import Mailer
from rollouts.notify.letter import Letter
from rollouts.notify.posting import HttpPost
from rollouts.ports import Clock, Delivered, Destination, Undelivered
from rollouts.reach.policy import ReachPolicy

Way = Callable[[Letter], Awaitable[Delivered | Undelivered]]


def kinds(post: HttpPost, mailer: Mailer, clock: Clock) -> Mapping[ProviderType, Way]:
    """How each kind is told."""
    return MappingProxyType(
        {
            ProviderType.SLACK: lambda letter: slack.notify(letter, post),
            ProviderType.MSTEAMS: lambda letter: msteams.notify(letter, post),
            ProviderType.DISCORD: lambda letter: discord.notify(letter, post),
            ProviderType.GOOGLECHAT: lambda letter: googlechat.notify(letter, post),
            ProviderType.WEBHOOK: lambda letter: webhook.notify(letter, post, clock),
            ProviderType.EMAIL: mailer.notify,
            ProviderType.PAGERDUTY: lambda letter: pagerduty.notify(letter, post),
        }
    )


class Notifiers:
    """Tells by whatever kind a destination is of."""

    def __init__(self, clock: Clock, reach: ReachPolicy, mailer: Mailer | None = None) -> None:
        self._post = HttpPost(clock, reach)
        self._mailer = mailer or Mailer(reach)
        self._kinds = kinds(self._post, self._mailer, clock)

    async def notify(self, to: Destination, notification: Notification, thread: str) -> Delivered | Undelivered:
        """As the port says."""
        return await self._kinds[to.spec.type](Letter(to, notification, thread))

    async def aclose(self) -> None:
        """Tell nobody any more."""
        self._mailer.close()
        self._post.close()
