"""One command's connection to a cluster, from the flags that kubectl has, and what to say where there is none.

Reads the API server's clock for every age and delay that is shown: the one of this machine may be off.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rollouts.api.resources import CANARIES, Manifest, ObjectKey, Resource
from rollouts.cli import exits
from rollouts.cli.cluster.words import explained
from rollouts.cli.flags import Flags
from rollouts.cli.refused import CommandRefused
from rollouts.errors import KubeError, NotFound
from rollouts.kube.access import bearer_token, open_client
from rollouts.kube.follow import list_scope
from rollouts.kube.kubeconfig import Place, find_place
from rollouts.kube.requests import Request, get
from rollouts.kube.scope import Scope
from rollouts.kube.transport import Response, Transport

NAMES_MAX = 3
"""Names that are offered in place of one that does not exist."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, and the namespace that the flags mean; an empty one means all."""

    transport: Transport
    place: Place
    namespace: str
    labels: str
    token: str
    """What shows the API server who we are, where that is a bearer token."""
    monotonic: Callable[[], float]

    async def send(self, request: Request) -> Response:
        """An answer. Raises CommandRefused, in words for a person; NotFound as it is."""
        try:
            return await self.transport.send(request)
        except NotFound:
            raise
        except KubeError as error:
            raise explained(error, self.place, self.namespace) from error

    async def listed(self, scope: Scope) -> list[Manifest]:
        """All of a scope, by namespace and name. Raises CommandRefused."""
        try:
            found, _ = await list_scope(self.transport, scope)
        except KubeError as error:
            raise explained(error, self.place, self.namespace) from error
        return [found[key] for key in sorted(found)]

    async def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """One object; None if there is none. Raises CommandRefused."""
        try:
            return (await self.send(get(resource, key))).manifest()
        except NotFound:
            return None

    async def canary(self, name: str) -> Manifest:
        """The Canary of that name. Raises CommandRefused: if there is none, with names that are near."""
        key = ObjectKey(self.namespace, name)
        found = await self.read(CANARIES, key)
        if found is None:
            raise await self.missing(key)
        return found

    async def missing(self, key: ObjectKey) -> CommandRefused:
        """What to say of a Canary that is not there."""
        names = [str(one["metadata"]["name"]) for one in await self.listed(self.scope())]
        said = f"there is no Canary {key.name!r} in namespace {key.namespace}"
        near = get_close_matches(key.name, names, NAMES_MAX)
        if near:
            return CommandRefused(f"{said}: did you mean {' or '.join(near)}?", exits.NOT_FOUND)
        elsewhere = await self._elsewhere(key)
        if elsewhere:
            return CommandRefused(f"{said}: there is one in {' and '.join(elsewhere)}: say -n", exits.NOT_FOUND)
        have = f"it has {', '.join(names[:NAMES_MAX])}" if names else "it has none"
        return CommandRefused(f"{said}: {have}; `rollouts get -A` lists those of all namespaces", exits.NOT_FOUND)

    async def _elsewhere(self, key: ObjectKey) -> list[str]:
        try:
            found, _ = await list_scope(self.transport, Scope(CANARIES))
        except KubeError:
            return []  # who may not look into all namespaces is not told of them
        return sorted(other.namespace for other in found if other.name == key.name)[:NAMES_MAX]

    def scope(self, name: str = "") -> Scope:
        """The Canaries that the flags mean, or the one of that name."""
        if name:
            return Scope.one(CANARIES, ObjectKey(self.namespace, name))
        return Scope(CANARIES, self.namespace, self.labels)

    def now(self) -> datetime:
        """The present, by the API server's clock. Only after an answer."""
        told = self.transport.server_time
        if told is None:
            raise CommandRefused("the API server's answers have no Date header: is a proxy in between?")
        return told.at + timedelta(seconds=self.monotonic() - told.seen_at_s)


@asynccontextmanager
async def connected(flags: Flags) -> AsyncIterator[Session]:
    """A session until the body ends. Raises RolloutsError where there is no cluster to talk to."""
    place = find_place(flags.kubeconfig, flags.context)
    client = await open_client(kubeconfig=Path(place.files) if place.files else None, context=place.context or None)
    monotonic = asyncio.get_running_loop().time
    transport = Transport(client, monotonic=monotonic)
    try:
        namespace = "" if flags.everywhere else flags.namespace or place.namespace
        yield Session(transport, place, namespace, flags.labels, await bearer_token(client), monotonic)
    finally:
        await transport.close()


def run(flags: Flags, work: Callable[[Session], Coroutine[Any, Any, int]]) -> int:
    """Carry it out in a session and return the exit code. Raises RolloutsError."""

    async def all_of_it() -> int:
        async with connected(flags) as session:
            return await work(session)

    # What was loaded until here stays, and is not worth a look; what comes may take hours.
    gc.freeze()
    gc.enable()
    try:
        return asyncio.run(all_of_it())
    except KeyboardInterrupt:
        return exits.INTERRUPTED


def name_of(written: str) -> str:
    """The name in `shop`, `canary/shop` or `canaries.rollouts.dev/shop`. Raises CommandRefused for other kinds."""
    kind, slash, name = written.rpartition("/")
    known = {CANARIES.plural, CANARIES.kind.lower(), "rcn", str(CANARIES), f"{CANARIES.kind.lower()}.{CANARIES.group}"}
    if slash and kind.lower() not in known:
        raise CommandRefused(f"{written}: that is no Canary: write a Canary's name, or canary/NAME")
    if not name:
        raise CommandRefused("an empty name: write a Canary's name")
    return name
