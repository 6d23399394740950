"""The double of `OnBehalf`: people with tokens and rights, as a test gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rollouts.api.resources import Manifest, ObjectKey
from rollouts.errors import Forbidden, Unavailable
from rollouts.ports import Access


@dataclass
class People:
    """Implements `ports.OnBehalf`."""

    tokens: dict[str, str] = field(default_factory=dict)
    """Whose each is."""
    rights: dict[str, set[Access]] = field(default_factory=dict)
    """What each user may; a right without a name is one to all of that namespace, without a namespace everywhere."""
    told: list[Manifest] = field(default_factory=list)
    """Events; only who may `list-events` sees them."""
    away: bool = False
    """Whether nobody answers."""
    asked: int = 0
    """Reviews so far."""

    async def user(self, token: str) -> str | None:
        """Whose token it is."""
        self._answer()
        return self.tokens.get(token)

    async def may(self, token: str, access: Access) -> bool:
        """As RBAC decides it: whatever is not granted is denied."""
        self._answer()
        wider = {access, Access(access.verb, access.namespace), Access(access.verb)}
        return bool(self.rights.get(self.tokens.get(token, ""), set()) & wider)

    async def events(self, token: str, canary: ObjectKey) -> Sequence[Manifest]:
        """Those about one Canary."""
        if not await self.may(token, Access("list-events", canary.namespace)):
            raise Forbidden("list events: not allowed", verb="list", resource="events", status=403)
        return [event for event in self.told if _about(event) == canary]

    def _answer(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("create selfsubjectreviews: no connection")


def _about(event: Manifest) -> ObjectKey:
    return ObjectKey(event["metadata"]["namespace"], event["involvedObject"]["name"])
