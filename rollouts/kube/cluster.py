"""The port `Cluster` over a transport and its stores: reads from memory, writes that are seen by the next read.

A write is repeated here only where it surely had no effect; anything else is the engine's to observe and decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from random import Random
from typing import assert_never

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from rollouts.api.known import Listing
from rollouts.api.resources import EVENTS, SECRETS, Manifest, ObjectKey, Resource
from rollouts.errors import InvariantViolated, KubeError, Throttled, Unavailable
from rollouts.kube import requests
from rollouts.kube.contents import Contents
from rollouts.kube.endings import is_ended, key_of, uid_of
from rollouts.kube.failures import AlreadyExists, NotSent
from rollouts.kube.reflector import DEFAULT_PACE, Pace, Reflector
from rollouts.kube.requests import Request
from rollouts.kube.selection import SELECTIONS, is_object, select_whole
from rollouts.kube.store import OnChange, OnTrouble, Store
from rollouts.kube.transport import Response, Transport
from rollouts.ports import Apply, Clock, CopyContent, Create, Delete, Discard, PatchJson, PatchStatus, Write

ATTEMPTS = 3
REST_EVERY_S = 30.0
"""A step of a release reads its objects more often."""
RETRY_AFTER_LIMIT_S = 10.0
"""A server that asks for longer is obeyed by the engine, which has other things to do meanwhile."""


def stores_for(
    resources: Iterable[Resource],
    *,
    on_change: OnChange,
    on_trouble: OnTrouble = lambda _resource: None,
    namespace: str = "",
) -> dict[Resource, Store]:
    """An empty store for each kind, keeping what SELECTIONS says, of one namespace or of all."""
    return {
        resource: Store(
            resource,
            select=SELECTIONS.get(resource, select_whole),
            on_change=on_change,
            on_trouble=on_trouble,
            namespace=namespace,
        )
        for resource in resources
    }


class KubeCluster:
    """Implements `ports.Cluster`. Reads see what `run` has brought in, and the answers to our own writes."""

    def __init__(
        self,
        transport: Transport,
        stores: Mapping[Resource, Store],
        *,
        clock: Clock,
        random: Random,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._transport = transport
        self._contents = Contents(transport)
        self._stores = stores
        self._clock = clock
        self._random = random
        self._reflectors = [
            Reflector(transport, store, clock=clock, random=random, pace=pace) for store in stores.values()
        ]
        for reflector in self._reflectors:
            reflector.served = self._served

    async def run(self) -> None:
        """Keep every store equal to the server, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for reflector in self._reflectors:
                tasks.create_task(reflector.run())
            tasks.create_task(self._rest())

    async def wait_synced(self) -> None:
        """Return once each kind is listed, or known to be absent or forbidden. `run` must be running."""
        for reflector in self._reflectors:
            await reflector.synced.wait()

    def read(self, resource: Resource, key: ObjectKey) -> Manifest | None:
        """The newest known object without managedFields, or None if there is none."""
        return self._store(resource).read(key)

    def list_all(self, resource: Resource, namespace: str = "") -> Listing:
        """All known objects of a kind, in one namespace or in all."""
        return self._store(resource).list_all(namespace)

    def trouble(self, resource: Resource) -> str:
        """Why this kind can't be watched now, for a person; empty if it can."""
        return self._store(resource).trouble

    async def write(self, write: Write) -> Manifest:
        """Send one write and return the object as the port says. Raises KubeError.

        An Event that exists already was written by an attempt whose answer got lost: that is success.
        """
        try:
            if isinstance(write, CopyContent):
                write = await self._contents.filled(write)
            elif isinstance(write, Discard):
                return await self._contents.discard(write)
            answer = await self._deliver(request_for(write))
        except AlreadyExists:
            if write.resource == EVENTS and isinstance(write, Create):
                return write.manifest
            raise
        ended = is_ended(write, answer)
        store = self._stores.get(write.resource)
        if store is not None:
            if not is_object(answer) and not (ended and uid_of(answer)):
                raise Unavailable(f"{write.resource}: the answer to a write is no object")
            if ended:
                store.forget(key_of(write), uid_of(answer))
            else:
                store.absorb(answer)
        return {} if write.resource == SECRETS or (ended and isinstance(write, Delete)) else answer

    async def _deliver(self, request: Request) -> Manifest:
        try:
            return (await self._transport.send(request)).manifest()
        except KubeError as failed:
            if not had_no_effect(failed):
                raise
            first = failed
        return (await self._send_again(request, first)).manifest()

    async def _send_again(self, request: Request, first: KubeError) -> Response:
        """With that failure as the first attempt: nearly all requests succeed, and need nothing of what repeats."""
        failures = [first]

        async def attempt() -> Response:
            if failures:
                raise failures.pop()
            return await self._transport.send(request)

        retrying = AsyncRetrying(
            retry=retry_if_exception(had_no_effect),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait_s,
            sleep=self._clock.sleep,
            reraise=True,
        )
        return await retrying(attempt)

    def _wait_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, KubeError) else None
        return (asked_s or 0.0) + self._random.uniform(0.0, 0.2 * 2.0**state.attempt_number)

    async def _rest(self) -> None:
        """What nobody has read for a while takes less room."""
        while True:
            await self._clock.sleep(REST_EVERY_S)
            for store in self._stores.values():
                store.rest()

    def _served(self) -> int:
        return sum(store.horizon > 0 and not store.trouble for store in self._stores.values())

    def _store(self, resource: Resource) -> Store:
        store = self._stores.get(resource)
        if store is None:
            raise InvariantViolated(f"{resource} is read but not watched")
        return store


def request_for(write: Apply | PatchJson | PatchStatus | Create | Delete) -> Request:
    """The request that carries out one write."""
    match write:
        case Apply(resource, manifest, field_manager):
            return requests.apply(resource, manifest, field_manager=field_manager)
        case PatchJson(resource, key, operations):
            return requests.patch_json(resource, key, operations)
        case PatchStatus(resource, key, resource_version, status):
            return requests.patch_status(resource, key, resource_version=resource_version, status=status)
        case Create(resource, manifest):
            return requests.create(resource, manifest)
        case Delete(resource, key, uid, resource_version, propagation):
            return requests.delete(resource, key, propagation=propagation, uid=uid, resource_version=resource_version)
        case _:
            assert_never(write)


def had_no_effect(error: BaseException) -> bool:
    """Whether the write surely did nothing and may soon be sent again as it is."""
    if isinstance(error, Throttled):
        return error.retry_after_s is not None and error.retry_after_s <= RETRY_AFTER_LIMIT_S
    return isinstance(error, NotSent)
