"""Keeps one store equal to the API server: list, watch from there, and again when that breaks.

    list (paged) -> store.replace -> watch --EOF at its time-out--> watch again from the same place, at once
         ^                             |---failure-------------> back-off, then watch from the same place
         '---- 410, kind absent, garbage without progress, five failures in a row

Who waits because the server could not be reached goes on as soon as it has answered anybody. A watch that held for a
while and broke wipes out the failures before it: where all streams are cut again and again each is soon taken up.

A kind that a cluster may lack has no objects where it is not served, which is no trouble. It is asked for again when
another kind has come to be served, as when a mesh is installed, and else so rarely that an idle process sends nothing.

Runs until cancelled; failures end in the store's `trouble` and in the log, never in an exception.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import assert_never

import structlog

from rollouts.api.resources import OPTIONAL
from rollouts.errors import Gone, KubeError, NotFound, Unavailable
from rollouts.kube.backoff import Backoff
from rollouts.kube.cursor import Added, Bookmark, Deleted, Expired, Failed, Garbled, Modified, WatchCursor, WatchEvent
from rollouts.kube.failures import NotSent, failure_from_status
from rollouts.kube.paging import list_pages
from rollouts.kube.requests import Request, watch
from rollouts.kube.store import Store
from rollouts.kube.transport import Transport
from rollouts.kube.trouble import explain_trouble, is_lasting
from rollouts.ports import Clock

_log = structlog.get_logger(__name__)

RELIST_EVERY_FAILURES = 5
"""A watch that keeps failing may stand at a place that the server will never accept again."""
SPREAD_S = 0.25
"""A server that has just come back is not asked for everything in one instant."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of a reflector, in seconds. `watch_s` is the range that each watch's length is drawn from."""

    watch_s: tuple[int, int] = (240, 300)
    silence_grace_s: float = 15.0
    """A connection silent for this much longer than the watch should last is dead."""
    first_delay_s: float = 0.25
    lasting_delay_s: float = 2.0
    """The shortest wait where only a person can help (kind absent, right missing)."""
    cap_s: float = 30.0
    retry_after_cap_s: float = 120.0
    """No server may silence us for longer."""
    opened_s: float = 0.1
    """A watch that was open for so long brought what had changed: what breaks it then is no trouble."""
    held_s: float = 0.5
    """One that was open for so long wipes out the failures before it, as one does that came to its end."""
    reopen_cap_s: float = 5.0
    """The longest wait where a watch could be opened, however soon it broke: its objects are old meanwhile."""
    patience: int = 3
    """Failures in a row before an unreachable server counts as trouble: hiccups mend themselves."""
    absent_s: float = 600.0
    """How long a kind that a cluster may lack is left alone once it was not served."""
    absent_look_s: float = 10.0
    """How often it is looked meanwhile, without a request, whether another kind has come to be served."""


DEFAULT_PACE = Pace()


class Reflector:
    """Feeds one store. `synced` is set once the first list is in, or the kind is known to be absent or forbidden."""

    def __init__(
        self,
        transport: Transport,
        store: Store,
        *,
        clock: Clock,
        random: Random,
        pace: Pace = DEFAULT_PACE,
    ) -> None:
        self._transport = transport
        self._store = store
        self._clock = clock
        self._random = random
        self._pace = pace
        self._backoff = Backoff(random, first_s=pace.first_delay_s, cap_s=pace.cap_s)
        self._cursor = WatchCursor()
        self._held_s: float | None = None
        """For how long the last watch was open; None if it was not."""
        self.synced = asyncio.Event()
        self.served: Callable[[], int] = lambda: 0
        """How many kinds are served, as far as all stores know."""

    async def run(self) -> None:
        """List and watch for ever."""
        while True:
            try:
                if not self._cursor.resource_version:
                    await self._list()
                await self._watch()
            except NotFound as error:
                await (self._stay_absent() if self._store.resource in OPTIONAL else self._pause(error))
            except KubeError as error:
                await self._pause(error)

    async def _list(self) -> None:
        known_to = self._store.horizon
        store = self._store
        listing = await list_pages(self._transport, store.resource, store.keep, store.namespace)
        version = listing.resource_version
        rewound = version.isdigit() and int(version) < known_to
        self._store.replace(listing.manifests, version, rewound=rewound)
        self._cursor.resource_version = version
        self.synced.set()
        _log.debug("list_completion", resource=str(self._store.resource), objects=len(listing.manifests))

    async def _watch(self) -> None:
        began_at = self._cursor.resource_version
        timeout_s = self._random.randint(*self._pace.watch_s)
        store = self._store
        request = watch(store.resource, namespace=store.namespace, resource_version=began_at, timeout_s=timeout_s)
        began, opened = self._clock.now(), None
        try:
            limit_s = timeout_s + self._pace.silence_grace_s
            async with self._transport.stream(request, silence_limit_s=limit_s) as lines:
                self._store.note_trouble("")
                opened = self._clock.now()
                async for line in lines:
                    self._take(request, self._cursor.feed(line), began_at=began_at)
        finally:
            lasted = self._clock.now() - began
            self._held_s = None if opened is None else (self._clock.now() - opened).total_seconds()
        if lasted < timedelta(seconds=timeout_s / 2):
            raise _broken(request, f"the watch ended after {lasted.total_seconds():.1f} s of {timeout_s} s")
        self._backoff.reset()

    def _take(self, request: Request, event: WatchEvent, *, began_at: str) -> None:
        match event:
            case Added(manifest) | Modified(manifest):
                self._store.absorb(manifest)
                self._store.advance(self._cursor.resource_version)
            case Deleted(manifest):
                self._store.remove(manifest)
                self._store.advance(self._cursor.resource_version)
            case Bookmark(resource_version):
                self._store.advance(resource_version)
            case Expired():
                raise failure_from_status(request, 410, {})
            case Failed(status, told):
                raise failure_from_status(request, status or 500, told)
            case Garbled(reason):
                if self._cursor.resource_version == began_at:
                    self._cursor.resource_version = ""  # the same place brought the same garbage, or would
                raise _broken(request, f"garbage in the watch: {reason}")
            case _:
                assert_never(event)

    async def _stay_absent(self) -> None:
        """Nothing to watch: until it may be otherwise."""
        self._cursor.resource_version = ""
        self._store.replace((), "")
        self._store.note_trouble("")
        self.synced.set()
        _log.info("kind_not_served", resource=str(self._store.resource))
        before, waited_s = self.served(), 0.0
        longest_s = self._pace.absent_s * (1.0 + self._random.random())
        while waited_s < longest_s and self.served() == before:
            await self._clock.sleep(self._pace.absent_look_s)
            waited_s += self._pace.absent_look_s

    async def _pause(self, error: KubeError) -> None:
        lasting, held_s, self._held_s = is_lasting(error), self._held_s, None
        held = held_s is not None and held_s >= self._pace.held_s and not lasting
        if held:
            self._backoff.reset()
        at_least_s = self._pace.lasting_delay_s if lasting else error.retry_after_s or 0.0
        delay_s = self._backoff.next_s(at_least_s=min(at_least_s, self._pace.retry_after_cap_s))
        failures = self._backoff.failures
        if isinstance(error, (Gone, NotFound)) or failures % RELIST_EVERY_FAILURES == 0:
            self._cursor.resource_version = ""
        if held_s is not None and not at_least_s:
            delay_s = min(delay_s, self._pace.reopen_cap_s)
        opened = held_s is not None and held_s >= self._pace.opened_s
        if lasting or (failures >= self._pace.patience and not opened):
            self._store.note_trouble(explain_trouble(self._store.resource, error))
        if lasting:
            self.synced.set()
        _log.info("watch_failure", resource=str(self._store.resource), reason=str(error), delay_s=round(delay_s, 3))
        await self._wait(error, delay_s)

    async def _wait(self, error: KubeError, delay_s: float) -> None:
        if not isinstance(error, NotSent):
            await self._clock.sleep(delay_s)
        elif await self._transport.comeback.within(delay_s):
            # What was known against it is over, until it shows again.
            self._backoff.reset()
            self._store.note_trouble("")
            await self._clock.sleep(min(delay_s, self._random.uniform(0.0, SPREAD_S)))


def _broken(request: Request, what: str) -> Unavailable:
    return Unavailable(f"{request}: {what}", verb=request.verb, resource=request.resource)
