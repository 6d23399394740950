"""The links of messages that open a gate or refuse it: signed with the key of now, good from the notice on.

Each delivery of a notice has the same ones. Knows no service that messages go to, and no page that the links lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rollouts.api.ownership import Owner
from rollouts.api.status import GateStatus, Notice
from rollouts.core.links import LASTS, GateFacts, approval_links
from rollouts.core.notification import Link


@dataclass(frozen=True, slots=True)
class SignedLinks:
    """Makes them for a gate; none as long as there is no key."""

    external_url: str
    keys: Callable[[], Sequence[bytes]]

    def __call__(self, owner: Owner, gate: GateStatus, notice: Notice) -> tuple[Link, ...]:
        """One that approves, one that rejects."""
        keys = self.keys()
        if not keys:
            return ()
        facts = GateFacts(owner.namespace, owner.name, owner.uid, gate.type, notice.revision)
        urls = approval_links(keys[0], self.external_url, facts, notice.at + LASTS)
        return tuple(Link(str(verb).capitalize(), url) for verb, url in urls)
