"""A replica's seat among the others: keeps its Lease, and says at each moment which Canaries are its to work on.

What is done when is decided in core/lease.py; here it is carried out, one request after the other. Whoever works asks
`holds` before it begins with a Canary, and writes through a `Fenced` cluster, which stops when the Lease runs out.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar, assert_never

import structlog

from rollouts.api.resources import ObjectKey
from rollouts.core import lease as rules
from rollouts.core.lease import Drain, Lease, Look, Me, Move, Rest, Sighting, Standing, Void, Write
from rollouts.core.shares import Rule, Share
from rollouts.errors import Conflict, KubeError, NotFound, Unavailable
from rollouts.ports import Clock, Leases

_log = structlog.get_logger(__name__)

T = TypeVar("T")
Takes = Callable[[ObjectKey], bool]

DRAIN_MAX_S = 2.0
"""How long one that leaves waits for what is under way, before it ends it."""


async def _at_once(_takes: Takes) -> None:
    pass


async def _never() -> bool:
    return False


@dataclass(slots=True)
class Listeners:
    """Who is told what by a seat."""

    on_change: Callable[[], None] = lambda: None
    """What is held may have become more or less."""
    idle: Callable[[Takes], Awaitable[None]] = _at_once
    """Returns once nothing that is taken is under way."""
    is_going: Callable[[], Awaitable[bool]] = _never
    """Whether all of the controller is being deleted, its namespace with the Leases too."""


class Seat:
    """Implements `Mandate`. One process's."""

    def __init__(self, leases: Leases, me: Me, clock: Clock) -> None:
        self.listeners = Listeners()
        self._leases = leases
        self._me = me
        self._clock = clock
        self._standing = Standing()
        self._view: dict[str, Sighting] = {}
        self._narrowed: Share | None = None
        """What is given up beyond this, though the Lease does not say so yet."""
        self._changed = asyncio.Event()
        self._told: tuple[object, ...] = ()
        self._stays = False
        self.trouble = ""
        """Why there is no seat, for a person; empty where there is one."""

    def holds(self, key: ObjectKey) -> bool:
        """Whether to work on a Canary now."""
        return self.seated and self._takes(key)

    def left_s(self) -> float:
        """For how many seconds anything may be written."""
        if self._stays:
            return math.inf
        until = rules.holds_until(self._me, self._standing)
        return 0.0 if until is None else (until - self._clock.now()).total_seconds()

    @property
    def seated(self) -> bool:
        """Whether the Lease holds, so that this replica works or stands by."""
        return self.left_s() > 0

    @property
    def ready(self) -> bool:
        """Whether it does, and knows the others."""
        return self.seated and bool(self._standing.trusted)

    @property
    def members(self) -> int:
        """How many replicas have a Lease, as far as is known."""
        return len({*self._view} | ({self._me.replica} if self._standing.mine is not None else set()))

    @property
    def leads(self) -> bool:
        """Whether this replica works on anything now, or would if there were anything."""
        trusted = self._standing.trusted
        return self.seated and bool(trusted) and all(self._me.replica in self._workers(share) for share in trusted)

    def changed(self) -> None:
        """A Lease may have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Keep the seat, until cancelled, or there are no Leases any more."""
        while not self._stays:
            self._changed.clear()
            self._see()
            self._widen()
            self._tell()
            move = rules.next_move(self._me, self._standing, self._view, self._clock.now())
            try:
                await self._do(move)
            except KubeError as error:
                if not await self._ends():
                    self._fail(error)

    def stay(self) -> None:
        """All is being deleted: where the Leases are, none can be made, so that no other replica can take over.

        What this one has it keeps from now on. `run` must have ended, or ends.
        """
        self._stays = True

    async def leave(self) -> None:
        """Stop with everything, wait for what is under way, and give the Lease back. `run` must have ended.

        Raises KubeError where it can't be given back: then it runs out.
        """
        self._narrowed = Share(self._me.rule)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_MAX_S):
                await self.listeners.idle(lambda _key: True)
        mine, self._standing = self._standing.mine, Standing()
        if mine is None:
            return
        with suppress(Conflict, NotFound):
            await self._leases.delete(mine)
            return
        # A renewal to which no answer came was taken.
        for lease in await self._leases.read_all():
            if lease.incarnation == self._me.incarnation:
                await self._leases.delete(lease)

    async def _do(self, move: Move) -> None:
        match move:
            case Write(lease):
                await self._write(lease)
            case Void(lease):
                _log.warning("lease_ran_out", replica=lease.replica, holder=lease.incarnation)
                await self._delete(lease)
            case Drain(share, until):
                await self._drain(share, until)
            case Look():
                await self._in_time(self._leases.read_all())
                self._see()
                self._standing, self.trouble = rules.listed(self._standing), ""
            case Rest(until):
                await self._rest(until)
            case _:
                assert_never(move)

    async def _write(self, lease: Lease) -> None:
        if self._standing.mine is None:
            await self.listeners.idle(lambda _key: True)  # what was begun before the Lease was lost
        sent_at = self._clock.now()
        self._standing = rules.sending(self._standing, lease)
        try:
            answer = await self._in_time(self._leases.write(lease))
        except (Conflict, NotFound) as error:
            if await self._ends():
                return
            await self._in_time(self._leases.read_all())
            self._see()
            self._standing = rules.refused(self._me, self._standing, self._view)
            if self._standing.mine is None:
                self._lose(error)
            return
        lapsed = not self.seated
        self._standing = rules.written(self._standing, answer, sent_at)
        if lapsed:
            self._told = ()  # what came meanwhile was let be: it is to be looked at again
            # While nobody could reach the server, nobody could renew: the others have their time again.
            self._view = rules.look({}, self._leases.known(), self._clock.now())

    async def _delete(self, lease: Lease) -> None:
        try:
            await self._in_time(self._leases.delete(lease))
        except (Conflict, NotFound):
            await self._in_time(self._leases.read_all())

    async def _drain(self, share: Share, until: datetime) -> None:
        def given_up(key: ObjectKey) -> bool:
            return not share.takes(self._me.replica, key)

        self._narrowed = share
        self._tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, (until - self._clock.now()).total_seconds())):
                await self.listeners.idle(given_up)
                self._standing = replace(self._standing, drained=share)

    async def _rest(self, until: datetime) -> None:
        seconds = (until - self._clock.now()).total_seconds()
        # Nobody else would notice that the Lease has run out.
        left_s = self.left_s()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(seconds, left_s) if left_s > 0 else seconds)):
                await self._changed.wait()

    async def _ends(self) -> bool:
        """Whether the Lease is lost because all is being deleted."""
        if self.leads and await self.listeners.is_going():
            self.stay()
        return self._stays

    async def _in_time(self, request: Awaitable[T]) -> T:
        """Raises Unavailable where it takes longer than it may."""
        limit_s = self._me.renews_after.total_seconds()
        try:
            async with asyncio.timeout(limit_s):
                return await request
        except TimeoutError:
            raise Unavailable(f"no answer within {limit_s:g} s") from None

    def _lose(self, error: KubeError) -> None:
        self._standing = replace(self._standing, retry_at=self._clock.now() + rules.RETRY)
        self.trouble = f"there is no Lease: {error}"
        if self._standing.ousted:
            self.trouble = f"another process has the Lease of replica {self._me.replica}: their names must differ"
        _log.warning("lease_lost", replica=self._me.replica, reason=self.trouble)

    def _fail(self, error: KubeError) -> None:
        self._standing = replace(self._standing, retry_at=self._clock.now() + rules.RETRY)
        if not self.ready:
            self.trouble = f"the Lease can't be kept: {error}"
        _log.warning("lease_failure", replica=self._me.replica, reason=str(error))

    def _widen(self) -> None:
        """Where what was to be given up is not to be given up any more, it is not idle any more either."""
        mine = self._standing.mine
        if self._narrowed is None or (
            mine and rules.wanted(self._me, mine, self._view) == self._narrowed != mine.share
        ):
            return
        self._narrowed, self._standing = None, replace(self._standing, drained=None)

    def _see(self) -> None:
        self._view = rules.look(self._view, self._leases.known(), self._clock.now())

    def _takes(self, key: ObjectKey) -> bool:
        if self._narrowed is not None and not self._narrowed.takes(self._me.replica, key):
            return False
        return rules.may_work(self._me, self._standing, self._view, key)

    def _workers(self, share: Share) -> tuple[str, ...]:
        return share.members[:1] if share.rule is Rule.LEADER else share.members

    def _tell(self) -> None:
        """Tell once of what is held that it may have changed."""
        others = sorted((name, str(one.lease.share)) for name, one in self._view.items() if name != self._me.replica)
        held = (self.seated, self._standing.trusted, self._narrowed, tuple(others))
        if held == self._told:
            return
        self._told = held
        _log.info("seat", replica=self._me.replica, leads=self.leads, replicas=self.members)
        self.listeners.on_change()
