"""The port `OnBehalf` over a transport of a client without an account: each request bears the token of who asked us.

A token is in the header of one request and nowhere else: not in an error, a log or a cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from rollouts.api.resources import ACCESS_REVIEWS, CANARIES, USER_REVIEWS, Manifest, ObjectKey, Resource
from rollouts.errors import Forbidden
from rollouts.kube.connection import unavailable
from rollouts.kube.requests import Request, create, list_events, with_token
from rollouts.kube.selection import is_object
from rollouts.kube.transport import Transport
from rollouts.ports import Access

EVENTS_MAX = 500
"""Events of one Canary that are looked at; the API server keeps them for an hour."""


class KubeOnBehalf:
    """Implements `ports.OnBehalf`. The transport's client must have no credentials of its own."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def user(self, token: str) -> str | None:
        """Whose token it is. An API server that takes requests without any would call its owner anonymous."""
        try:
            told = await self._review(token, USER_REVIEWS, {})
        except Forbidden as refused:
            if refused.status == 401:
                return None
            raise
        name = ((told.get("status") or {}).get("userInfo") or {}).get("username")
        return name if isinstance(name, str) and name and name != "system:anonymous" else None

    async def may(self, token: str, access: Access) -> bool:
        """Whether its owner may do that; a token that has ended may nothing."""
        wanted = {"group": CANARIES.group, "resource": CANARIES.plural, "verb": access.verb}
        where = {"namespace": access.namespace, "name": access.name}
        wanted |= {name: value for name, value in where.items() if value}
        try:
            told = await self._review(token, ACCESS_REVIEWS, {"spec": {"resourceAttributes": wanted}})
        except Forbidden as refused:
            if refused.status == 401:
                return False
            raise
        return (told.get("status") or {}).get("allowed") is True

    async def events(self, token: str, canary: ObjectKey) -> Sequence[Manifest]:
        """The Events about a Canary, at most EVENTS_MAX."""
        request = list_events(CANARIES, canary, limit=EVENTS_MAX)
        found = (await self._transport.send(with_token(request, token))).manifest().get("items") or []
        if not isinstance(found, list) or not all(map(is_object, found)):
            raise unavailable(request, "the answer is no list of Events")
        return found

    async def _review(self, token: str, resource: Resource, fields: Manifest) -> Manifest:
        manifest = {"apiVersion": resource.api_version, "kind": resource.kind, **fields}
        request: Request = create(resource, manifest)
        return (await self._transport.send(with_token(request, token))).manifest()
