"""This process as one of the controller's replicas: its seat among them, taken once warm and given back at the end.

Where the operator says that it is alone, it has no Lease and works on everything.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from secrets import token_hex

import structlog

from rollouts.core.lease import Me
from rollouts.core.shares import Rule
from rollouts.engine.mandate import EVERYTHING, Mandate
from rollouts.engine.seat import Listeners, Seat
from rollouts.errors import KubeError
from rollouts.kube.leases import KubeLeases
from rollouts.kube.transport import Transport
from rollouts.ports import Clock
from rollouts.settings import Settings

_log = structlog.get_logger(__name__)

LEAVE_MAX_S = 4.0
"""How long it is tried to leave in good order: what is under way ends, the Lease is deleted."""


class Replica:
    """One process's."""

    def __init__(self, settings: Settings, transport: Transport, clock: Clock) -> None:
        self._keeping: asyncio.Task[None] | None = None
        self._seat: Seat | None = None
        if settings.lease_s > 0:
            self._leases = KubeLeases(transport, settings.namespace, clock, Random())
            self._seat = Seat(self._leases.book, _me(settings), clock)
            self._leases.on_change = self._seat.changed

    @property
    def mandate(self) -> Mandate:
        """What to work on."""
        return EVERYTHING if self._seat is None else self._seat

    @property
    def leads(self) -> bool:
        """Whether there is anything to work on, or would be."""
        return self._seat is None or self._seat.leads

    @property
    def seated(self) -> bool:
        """Whether it works or stands by."""
        return self._seat is None or self._seat.seated

    @property
    def members(self) -> int:
        """How many replicas there are."""
        return 1 if self._seat is None else self._seat.members

    def not_ready(self) -> str:
        """Why it neither works nor stands by; empty if it does."""
        if self._seat is None or self._seat.ready:
            return ""
        return self._seat.trouble or self._leases.trouble() or "waiting for this replica's Lease"

    def take_seat(self, tasks: asyncio.TaskGroup, listeners: Listeners) -> None:
        """Be one of the replicas from now on. All that is needed to work must be there."""
        if self._seat is None:
            listeners.on_change()
            return
        self._seat.listeners = listeners
        tasks.create_task(self._leases.run())
        self._keeping = tasks.create_task(self._keep(self._seat))

    async def stay(self) -> None:
        """All is being deleted: keep what this replica has, without a Lease, until it is handed over."""
        if self._seat is not None and self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
            self._seat.stay()

    async def hand_over(self) -> None:
        """Leave all Canaries to the others. May be called again."""
        if self._seat is None or self._keeping is None:
            return
        self._keeping.cancel()
        await asyncio.wait({self._keeping})
        try:
            async with asyncio.timeout(LEAVE_MAX_S):
                await self._seat.leave()
        except (KubeError, TimeoutError) as away:
            _log.warning("lease_left_behind", reason=str(away) or f"no answer within {LEAVE_MAX_S:g} s")

    async def _keep(self, seat: Seat) -> None:
        await self._leases.wait_synced()
        await seat.run()


def _me(settings: Settings) -> Me:
    rule = Rule.SHARDS if settings.sharding else Rule.LEADER
    incarnation = f"{settings.identity}_{token_hex(4)}"
    return Me(settings.identity, incarnation, rule, timedelta(seconds=settings.lease_s))
