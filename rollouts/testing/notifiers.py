"""A service that people are told by, in memory: it remembers what it has posted, and fails as a script says.

tests/contract holds it and every kind of notifier to the same cases.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from rollouts.core.notification import Notification
from rollouts.ports import Delivered, Destination, Undelivered


@dataclass(slots=True)
class ScriptedNotifier:
    """Implements `ports.Notifier`. Each release has a thread, as with a bot of Slack."""

    trouble: deque[Undelivered] = field(default_factory=deque)
    """How the next attempts fail."""
    outage: Undelivered | None = None
    """While set, all attempts fail like this."""
    posted: list[Notification] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    """The thread of each message; empty where it began one."""
    destinations: list[Destination] = field(default_factory=list)

    async def notify(self, to: Destination, notification: Notification, thread: str) -> Delivered | Undelivered:
        """As the port says."""
        if self.outage is not None:
            return self.outage
        if self.trouble:
            return self.trouble.popleft()
        self.posted.append(notification)
        self.threads.append(thread)
        self.destinations.append(to)
        return Delivered("" if thread else f"C0SCRIPTED1/1503435956.{len(self.posted):06}")
