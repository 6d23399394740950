"""The links that a message has of its own: to its Canary on our server, and where a gate waits, to what opens it.

The one seam between messages and whoever signs links: `links_of`. The same notice gets the same links at each delivery,
so a way that signs them counts their time from the notice. Knows no key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rollouts.api.ownership import Owner
from rollouts.api.status import CanaryStatus, GateStatus, Notice
from rollouts.core.notification import Link
from rollouts.engine.subject import Subject

GateLinks = Callable[[Owner, GateStatus, Notice], Iterable[Link]]
"""Makes the links that approve and reject at a gate."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One notice, the Canary that it is about, and the status that had it."""

    notice: Notice
    subject: Subject
    status: CanaryStatus


@dataclass(frozen=True, slots=True)
class MessageLinks:
    """Where messages can lead; without an address nowhere."""

    external_url: str = ""
    """Of our server, as people reach it."""
    gate_links: GateLinks | None = None

    def links_of(self, telling: Telling) -> tuple[Link, ...]:
        """The links of one message."""
        if not self.external_url:
            return ()
        owner, gate = telling.subject.owner, waiting_gate(telling)
        path = f"/api/v1/namespaces/{owner.namespace}/canaries/{owner.name}"
        opened = () if gate is None or self.gate_links is None else self.gate_links(owner, gate, telling.notice)
        return (*opened, Link("Canary", self.external_url.rstrip("/") + path))


NO_LINKS = MessageLinks()


def waiting_gate(telling: Telling) -> GateStatus | None:
    """The gate that a notice tells of, if it waits for a person still; None of one that a hook's answer opens."""
    notice, status = telling.notice, telling.status
    gate = status.gate
    if gate is None or gate.approved or notice.at < gate.since:
        return None
    same = notice.phase is status.phase and notice.revision == status.last_applied_spec
    by_hand = any(hook.url is None for hook in telling.subject.spec.analysis.hooks(gate.type))
    return gate if same and by_hand else None
