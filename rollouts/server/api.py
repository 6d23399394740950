"""What stands behind /api/v1: who may ask what, and the answers. Every request bears its sender's Kubernetes token.

The API server says who that is and whether it is allowed; reads come from our own stores, writes are intents.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from rollouts.api.actions import ID_MAX, Action, Verb
from rollouts.api.intents import with_key
from rollouts.api.resources import CANARIES, Manifest, ObjectKey
from rollouts.api.status import CanaryStatus, status_in
from rollouts.api.wire import Weight
from rollouts.errors import Forbidden, KubeError
from rollouts.ports import Access, Cluster, OnBehalf
from rollouts.server.failures import BadRequest, TooOften
from rollouts.server.feed import Feed
from rollouts.server.gatekeeper import Caller, Gatekeeper, NotAllowed, NotKnown
from rollouts.server.intents import NoCanary, Scribe, audit
from rollouts.server.limits import FAILURES, READS, WRITES, Limiter
from rollouts.server.stream import HEARTBEAT_S, Said
from rollouts.server.views import UNREADABLE, Summary, detail_of, summary_of


class Wish(BaseModel):
    """What to ask for."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=256, description="Why; it is kept with the Canary.")] = ""
    revision: Annotated[
        str, Field(max_length=64, description="The revision it is meant for; approve has to say it.")
    ] = ""
    full: Annotated[bool, Field(description="With promote: past all steps at once.")] = False
    weight: Annotated[Weight | None, Field(description="With set-weight.")] = None
    id: Annotated[str, Field(max_length=ID_MAX, description="The same id is the same wish; made up if not given.")] = ""


class Asked(BaseModel):
    """What was asked for. Whether it is done is told in `status.actions`."""

    id: str
    verb: Verb
    user: str
    revision: str
    canary: Summary


@dataclass(frozen=True, slots=True)
class Backend:
    """What the API stands on."""

    cluster: Callable[[], Cluster]
    """Raises KubeError while it is not there yet."""
    reviews: OnBehalf
    feed: Feed
    now: Callable[[], datetime]
    """The present, by the API server's clock. Raises KubeError while that is not known."""
    monotonic: Callable[[], float]
    heartbeat_s: float = HEARTBEAT_S
    new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)  # noqa: TID251 - the one place that makes them


class Api:
    """Who may ask what, and the answers."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.gate = Gatekeeper(backend.reviews, backend.monotonic)
        self._reads, self._writes = Limiter(READS, backend.monotonic), Limiter(WRITES, backend.monotonic)
        self._failures = Limiter(FAILURES, backend.monotonic)

    async def caller(self, request: Request) -> Caller:
        """Who sends this. Raises NotKnown, TooOften, KubeError."""
        address = address_of(request)
        if (wait_s := self._failures.wait_s(address)) > 0:
            raise TooOften(wait_s)
        try:
            caller = await self.gate.known(request.headers.get("Authorization", ""))
        except NotKnown:
            self._failures.count(address)
            raise
        limiter = self._reads if request.method == "GET" else self._writes
        if (wait_s := limiter.take(caller.user)) > 0:
            raise TooOften(wait_s)
        return caller

    async def listed(self, caller: Caller, namespace: str) -> list[Summary]:
        """All Canaries of a namespace, or of all."""
        await self.gate.demand(caller, Access("list", namespace))
        found = self.backend.cluster().list_all(CANARIES, namespace)
        return sorted(map(summary_of, found), key=lambda one: (one.namespace, one.name))

    async def canary(self, caller: Caller, key: ObjectKey, verb: str = "get") -> Manifest:
        """One Canary. Raises NotAllowed, NoCanary."""
        await self.gate.demand(caller, Access(verb, key.namespace, key.name))
        return self._read(key)

    def _read(self, key: ObjectKey) -> Manifest:
        canary = self.backend.cluster().read(CANARIES, key)
        if canary is None:
            raise NoCanary(f"there is no Canary {key}")
        return canary

    async def events(self, caller: Caller, key: ObjectKey) -> tuple[Sequence[Manifest], str]:
        """The Events that the caller may see, and what is missing."""
        try:
            return await self.backend.reviews.events(caller.token, key), ""
        except Forbidden:
            return (), f"Events: {caller.user} may not list events in namespace {key.namespace}"
        except KubeError as away:
            return (), f"Events: {away}"

    async def ask(self, caller: Caller, key: ObjectKey, verb: Verb, wish: Wish, address: str) -> Asked:
        """Write down what the caller wants, if allowed."""
        action = with_key(Action(
            verb=verb, id=wish.id or self.backend.new_id(), revision=wish.revision, user=caller.user,
            reason=wish.reason, full=wish.full, weight=wish.weight,
        ))  # fmt: skip
        try:
            await self.gate.demand(caller, Access(verb, key.namespace, key.name))
            released = _check(action, status_in(self._read(key)))
        except (NotAllowed, NoCanary, BadRequest) as refused:
            audit(key, action, address, f"refused: {refused}")
            raise
        action = action.model_copy(update={"revision": action.revision or released})
        canary = await Scribe(self.backend.cluster()).write(key, action, address)
        summary = summary_of(canary)
        return Asked(id=action.id, verb=verb, user=caller.user, revision=action.revision, canary=summary)


def _check(action: Action, status: CanaryStatus | None) -> str:
    """What can be told at once, and would be refused later; the revision that is released. Raises BadRequest."""
    if status is None:
        raise BadRequest(UNREADABLE, 409)
    released = status.last_applied_spec
    if action.verb is Verb.APPROVE and not action.revision:
        raise BadRequest(f'say which revision you approve: "revision": "{released}" is released now', 422)
    if action.revision and action.revision != released:
        raise BadRequest(f"revision {action.revision} is not the one that is released: that is {released}", 409)
    if action.verb is Verb.SET_WEIGHT and action.weight is None:
        raise BadRequest('say which: "weight": 40', 422)
    return released


def address_of(request: Request) -> str:
    """Where a request came from: the last hop."""
    return request.client.host if request.client is not None else ""


def told(backend: Backend, key: ObjectKey) -> Said:
    """What an event says of a Canary."""
    canary = backend.cluster().read(CANARIES, key)
    if canary is None:
        return Said("gone", "{}")
    return Said(
        "canary", detail_of(canary, backend.now()).model_dump_json(by_alias=True), canary["metadata"]["resourceVersion"]
    )


async def still(api: Api, caller: Caller, access: Access) -> bool:
    """Whether a listener may still hear that; while nobody can tell, what was allowed stays so."""
    try:
        known = await api.gate.known(f"Bearer {caller.token}")
        return await api.gate.may(known, access)
    except NotKnown:
        return False
    except KubeError:
        return True
